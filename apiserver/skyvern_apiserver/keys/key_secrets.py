"""API keys as Secrets in the cluster: made, listed, copied for a rotation, and disabled."""

import base64
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from skyvern_apiserver.errors import FacadeError
from skyvern_crds.client import SECRETS, AlreadyExists, ClusterClient, Forbidden, JsonObject, NotFound
from skyvern_crds.rest.api_key import (
    MAX_KEY_CHARACTERS,
    MIN_KEY_CHARACTERS,
    STATE_ACTIVE,
    ApiKeyError,
    is_api_key,
    read_api_key,
)
from skyvern_crds.vocabulary import LABEL_API_KEY, OBJECT_NAME

STATE_DISABLED: Final = "invalid"
MANAGER: Final = "skyvern-keys"
KEY_PREFIX: Final = "sk_"
"""By which scanners of published sources recognize a key."""
KEY_BYTES: Final = 32
_NUMBERED: Final = re.compile(r"(.+?)-(\d{1,6})")
_KEY: Final = re.compile(r"[!#-&(-~]+")
"""What a header carries unchanged: no blanks, and none of the quotes that callers put around a key."""
REMEDY: Final = (
    "The account of the facade's pod may only read keys, so that whoever takes it over can make none: run this command "
    "outside the pod, with the kubeconfig of somebody who has that right"
)


class KeyCommandError(FacadeError):
    """The command cannot be carried out; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """What a list shows of a key."""

    name: str
    """Of the Secret."""
    organization: str
    namespace: str
    state: str
    """active, disabled, or what is wrong with the Secret."""
    created: str


class KeySecrets:
    """The keys of one release."""

    def __init__(self, client: ClusterClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def create(self, name: str, fields: Mapping[str, str], key: str | None) -> str:
        """Make a key, random unless it is given. Raises KeyCommandError and ClusterError."""
        _check_name("name", name)
        key = key or KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
        check_key(key)
        secret = self._secret(name, {**fields, "key": key, "state": STATE_ACTIVE})
        try:
            read_api_key(secret)
        except ApiKeyError as error:
            raise KeyCommandError(f"The key cannot be made: {error}") from None
        try:
            with self._needs("create"):
                await self._client.create(SECRETS, self._namespace, secret)
        except AlreadyExists:
            text = f"A Secret {name} exists in namespace {self._namespace}: take another name, or 'rotate' it"
            raise KeyCommandError(text) from None
        except NotFound:
            raise KeyCommandError(f"There is no namespace {self._namespace}: name that of the release") from None
        return key

    async def list(self) -> list[ListedKey]:
        """All keys, by name. Raises KeyCommandError and ClusterError."""
        found: list[ListedKey] = []
        with self._needs("list"):
            selector = f"{LABEL_API_KEY}=true"
            async for page in self._client.list_pages(SECRETS, self._namespace, label_selector=selector):
                found += [_listed(obj) for obj in page.items]
        return sorted(found, key=lambda each: each.name)

    async def rotate(self, name: str, new_name: str | None) -> tuple[str, str]:
        """Make a second key with everything that the first says but its text; both are valid. Its name, and the key."""
        old = await self._get(name)
        data = {field: base64.b64decode(value).decode() for field, value in (old.get("data") or {}).items()}
        fields = {field: value for field, value in data.items() if field not in {"key", "state"}}
        # A Secret that names neither says it by its own name and namespace.
        fields.setdefault("organization-id", read_api_key(old).organization)
        fields.setdefault("namespace", self._namespace)
        if new_name is None:
            taken = {each.name for each in await self.list()}
            new_name = next(each for each in _next_names(name) if each not in taken)
        return new_name, await self.create(new_name, fields, None)

    async def disable(self, name: str) -> bool:
        """Refuse the key from now on, and keep its Secret: webhooks of its tasks are signed with it.

        False if it was disabled before. Raises KeyCommandError and ClusterError.
        """
        old = await self._get(name)
        if not read_api_key(old).active:
            return False
        meta = {"uid": old["metadata"]["uid"], "resourceVersion": old["metadata"]["resourceVersion"]}
        body = {"metadata": meta, "data": _encoded({"state": STATE_DISABLED})}
        with self._needs("patch"):
            await self._client.merge_patch(SECRETS, self._namespace, name, body, field_manager=MANAGER)
        return True

    async def _get(self, name: str) -> JsonObject:
        _check_name("name", name)
        try:
            with self._needs("get"):
                found = await self._client.get(SECRETS, self._namespace, name)
        except NotFound:
            raise KeyCommandError(f"There is no key {name} in namespace {self._namespace}: see 'list'") from None
        if not is_api_key(found):
            raise KeyCommandError(f"Secret {name} is not an API key: it has no label {LABEL_API_KEY}=true")
        try:
            read_api_key(found)
        except ApiKeyError as error:
            raise KeyCommandError(f"Secret {name} cannot be read: {error}") from None
        return found

    def _secret(self, name: str, fields: Mapping[str, str]) -> JsonObject:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {"name": name, "namespace": self._namespace, "labels": {LABEL_API_KEY: "true"}},
            "data": _encoded(fields),
        }

    @contextmanager
    def _needs(self, verb: str) -> Iterator[None]:
        try:
            yield
        except Forbidden as error:
            text = f"The right to {verb} Secrets in namespace {self._namespace} is missing: {error.message}. {REMEDY}"
            raise KeyCommandError(text) from None


def check_key(key: str) -> None:
    """Raise KeyCommandError for a key that is easily guessed, or that no header carries."""
    if len(key) < MIN_KEY_CHARACTERS:
        raise KeyCommandError(f"The key has {len(key)} characters: give at least {MIN_KEY_CHARACTERS}, or none")
    if len(key) > MAX_KEY_CHARACTERS or not _KEY.fullmatch(key):
        text = f"The key does not fit into a header: give at most {MAX_KEY_CHARACTERS} ASCII characters, without blanks"
        raise KeyCommandError(f"{text} and quotes")


def _check_name(what: str, name: str) -> None:
    if not OBJECT_NAME.fullmatch(name):
        raise KeyCommandError(f"The {what} {name!r} is not legal: use lower-case letters, digits, '-' and '.'")


def _next_names(name: str) -> Iterator[str]:
    """``team-2`` and on for ``team``, ``team-8`` and on for ``team-7``."""
    numbered = _NUMBERED.fullmatch(name)
    base, number = (numbered[1], int(numbered[2])) if numbered else (name, 1)
    while True:
        number += 1
        yield f"{base}-{number}"


def _listed(obj: JsonObject) -> ListedKey:
    meta: dict[str, Any] = obj["metadata"]
    created = meta.get("creationTimestamp", "")
    try:
        key = read_api_key(obj)
    except ApiKeyError as error:
        return ListedKey(meta["name"], "", "", f"unreadable: {error}", created)
    return ListedKey(meta["name"], key.organization, key.namespace, "active" if key.active else "disabled", created)


def _encoded(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(value.encode()).decode() for name, value in fields.items()}
