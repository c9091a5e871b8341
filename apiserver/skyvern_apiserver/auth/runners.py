"""Runners: task pods, authenticated by the token that the cluster bound to the pod."""

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

from skyvern_apiserver.errors import ApiError
from skyvern_crds.client import ClusterClient
from skyvern_crds.runner_contract import ARTIFACTS_AUDIENCE

TOKEN_REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105
CACHE_SECONDS: Final = 30.0
"""How long a valid token is accepted without another review."""
CACHE_ENTRIES: Final = 1024
_EXTRA: Final = "authentication.kubernetes.io/"


def task_account(namespace: str, service_account: str) -> str:
    """User name of the task pods of a namespace."""
    return f"system:serviceaccount:{namespace}:{service_account}"


@dataclass(frozen=True, slots=True)
class Runner:
    """The pod that a token is bound to."""

    username: str
    pod_name: str
    pod_uid: str


class RunnerAuthenticator:
    """Asks the API server whose token it is, and caches the answer briefly by the token's digest."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client
        self._known: OrderedDict[bytes, tuple[float, Runner]] = OrderedDict()

    async def authenticate(self, authorization: str) -> Runner:
        """The runner that an ``Authorization: Bearer`` header identifies. Raises ApiError 401, and ClusterError."""
        scheme, _, token = authorization.strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized()
        digest, now = hashlib.sha256(token.encode()).digest(), time.monotonic()
        until, runner = self._known.get(digest, (0.0, None))
        if runner is not None and now < until:
            return runner
        runner = await self._review(token)
        self._known[digest] = (now + CACHE_SECONDS, runner)
        self._known.move_to_end(digest)
        while len(self._known) > CACHE_ENTRIES:
            self._known.popitem(last=False)
        return runner

    async def _review(self, token: str) -> Runner:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [ARTIFACTS_AUDIENCE]},
        }
        status: dict[str, Any] = (await self._client.post(TOKEN_REVIEWS, body)).get("status", {})
        if not status.get("authenticated") or ARTIFACTS_AUDIENCE not in status.get("audiences", []):
            raise _unauthorized()
        user = status.get("user", {})
        extra = user.get("extra", {})
        return Runner(
            username=user.get("username", ""),
            pod_name=next(iter(extra.get(_EXTRA + "pod-name", [])), ""),
            pod_uid=next(iter(extra.get(_EXTRA + "pod-uid", [])), ""),
        )


def _unauthorized() -> ApiError:
    text = f"Send the pod's token for audience {ARTIFACTS_AUDIENCE} as 'Authorization: Bearer'"
    return ApiError(401, text, headers={"WWW-Authenticate": "Bearer"})
