"""Server-side apply of the runner's fields to the object's status, through pykube-ng."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skyvern_crds import wire
from skyvern_crds.status import RunnerStatus
from skyvern_crds.vocabulary import API_VERSION, KIND, MANAGER_RUNNER, PLURAL
from skyvern_runner.errors import ReportError
from skyvern_runner.report.acceptance import obstacle
from skyvern_runner.task.task import Identity

if TYPE_CHECKING:
    import pykube

_TIMEOUT_SECONDS: Final = 10.0


class PykubeWriter:
    """Server-side apply of the runner's fields through pykube-ng.

    pykube reads the bound token only once, so a refused token leads to a new client with a fresh token.
    """

    def __init__(self, identity: Identity, connect: "Callable[[], pykube.HTTPClient]") -> None:
        self._identity = identity
        self._connect = connect
        self._api: pykube.HTTPClient | None = None
        self._begun = False

    def write(self, status: RunnerStatus) -> None:
        """Apply the status. Raises ReportError, also while the answer to the first one forbids the agent to begin."""
        response = self._apply(status)
        if response.status_code == 401:
            self._api = None
            response = self._apply(status)
        if response.ok:
            self._begin(response)
            return
        code = response.status_code
        raise ReportError(
            f"the API server refuses the status of {self._identity.namespace}/{self._identity.name} "
            f"(HTTP {code}): {_message(response)}",
            passing=code in {401, 403, 408, 409, 429} or code >= 500,
        )

    def _begin(self, response: Any) -> None:
        """Once a report was accepted for a pod that is meant to work, the answers to later ones do not matter."""
        if self._begun:
            return
        stored = _document(response).get("status")
        reason = obstacle(stored if isinstance(stored, dict) else {}, self._identity.attempt)
        if reason is not None:
            raise ReportError(reason, passing=True)
        self._begun = True

    def _apply(self, status: RunnerStatus) -> Any:
        import requests  # noqa: PLC0415  # loaded with pykube, on the reporter's thread

        identity = self._identity
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            # The uid alone does not keep a report from a later task of the same name: the admission policy does.
            "metadata": {"name": identity.name, "namespace": identity.namespace, "uid": identity.uid},
            "status": status.wire(),
        }
        try:
            if self._api is None:
                self._api = self._connect()
                self._api.session.trust_env = False  # no proxy and no netrc between pod and API server
            return self._api.patch(
                version=API_VERSION,
                namespace=identity.namespace,
                url=f"{PLURAL}/{identity.name}/status",
                params={"fieldManager": MANAGER_RUNNER, "force": "true"},
                headers={"Content-Type": "application/apply-patch+yaml"},
                data=wire.encode(body),
                timeout=_TIMEOUT_SECONDS,
            )
        except (requests.RequestException, OSError) as error:
            raise ReportError(f"the API server cannot be reached: {error}", passing=True) from None


def in_cluster(service_account_dir: str) -> "Callable[[], pykube.HTTPClient]":
    """Returns a function that makes clients with the pod's service account; the first one loads pykube."""

    def connect() -> "pykube.HTTPClient":
        import pykube  # noqa: PLC0415  # takes 0.1 s and 20 MiB, which would delay the start

        api = pykube.HTTPClient(pykube.KubeConfig.from_service_account(service_account_dir))
        # Python 3.13 checks RFC 5280 strictly by default, and so refuses the authorities of many clusters, which lack
        # key usage or key identifier. Signatures, names and dates are still checked.
        tls = ssl.create_default_context(cafile=str(Path(service_account_dir) / "ca.crt"))
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        api.session.get_adapter("https://").init_poolmanager(1, 1, ssl_context=tls)
        return api

    return connect


def _document(response: Any) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _message(response: Any) -> str:
    return str(_document(response).get("message") or response.text)[:300]
