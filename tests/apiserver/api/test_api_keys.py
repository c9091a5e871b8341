"""API keys: what callers present, and the Secrets that hold them."""

import base64
from typing import Any

import pytest

from skyvern_apiserver.auth.api_keys import KeyRing, clean, key_of
from skyvern_crds.client import Change, ChangeType


def secret(name: str, **data: str) -> dict[str, Any]:
    encoded = {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": name, "namespace": "release"}, "data": encoded}


@pytest.mark.parametrize(
    "written", ["abc", " abc ", '"abc"', "'abc'", "Bearer abc", 'bearer "abc"', '"Bearer abc"', "  Bearer   abc"]
)
def test_key_is_cleaned_of_blanks_quotes_and_bearer(written: str) -> None:
    assert clean(written) == "abc"


def test_secret_is_read_without_its_key() -> None:
    key = key_of(secret("alice", key="s3cret\n", organization_id="o_1", namespace="team"))
    assert (key.secret, key.organization, key.namespace, key.active) == ("alice", "o_1", "team", True)
    assert b"s3cret" not in repr(key).encode()


def test_active_secret_wins_over_an_invalid_one_with_the_same_key() -> None:
    ring = KeyRing(lambda namespace: True)
    for name, state in (("new", "active"), ("old", "invalid")):
        key = key_of(secret(name, key="same", state=state))
        ring.changed(Change(ChangeType.ADDED, "release", name, None, key, 1))
    assert [known.secret for known in ring.known()] == ["new"]


def test_first_by_name_wins_between_active_secrets_with_the_same_key() -> None:
    ring = KeyRing(lambda namespace: True)
    for name in ("b", "a", "c"):
        ring.changed(Change(ChangeType.ADDED, "release", name, None, key_of(secret(name, key="same")), 1))
    assert [known.secret for known in ring.known()] == ["a"]
