"""API keys: what callers present, and the Secrets that hold them."""

import base64
from typing import Any

import pytest

from skyvern_apiserver.auth.api_keys import ApiKey, KeyRing, clean, key_of
from skyvern_crds.client import Change, ChangeType
from skyvern_crds.rest.api_key import ApiKeyError


def secret(name: str, **data: str) -> dict[str, Any]:
    encoded = {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": name, "namespace": "release"}, "data": encoded}


@pytest.mark.parametrize(
    "written", ["abc", " abc ", '"abc"', "'abc'", "Bearer abc", 'bearer "abc"', '"Bearer abc"', "  Bearer   abc"]
)
def test_key_is_cleaned_of_blanks_quotes_and_bearer(written: str) -> None:
    assert clean(written) == "abc"


def test_secret_is_read_without_its_key() -> None:
    key = key_of(secret("alice", key="s3cret-of-16-byt\n", organization_id="o_1", namespace="team"))
    assert (key.secret, key.organization, key.namespace, key.active) == ("alice", "o_1", "team", True)
    assert b"s3cret-of-16-byt" not in repr(key).encode()


def test_active_secret_wins_over_an_invalid_one_with_the_same_key() -> None:
    ring = KeyRing(lambda namespace: True)
    for name, state in (("new", "active"), ("old", "invalid")):
        key = key_of(secret(name, key="the-same-for-all", state=state))
        ring.changed(Change(ChangeType.ADDED, "release", name, None, key, 1))
    assert [known.secret for known in ring.known()] == ["new"]


def test_first_by_name_wins_between_active_secrets_with_the_same_key() -> None:
    ring = KeyRing(lambda namespace: True)
    for name in ("b", "a", "c"):
        ring.changed(Change(ChangeType.ADDED, "release", name, None, key_of(secret(name, key="the-same-for-all")), 1))
    assert [known.secret for known in ring.known()] == ["a"]


def test_key_is_known_as_long_as_one_of_its_secrets_is() -> None:
    ring = KeyRing(lambda namespace: True)
    first, second = (key_of(secret(name, key="the-same-for-all")) for name in ("first", "second"))
    other = key_of(secret("first", key="another-of-these"))
    ring.changed(Change(ChangeType.ADDED, "release", "first", None, first, 1))
    ring.changed(Change(ChangeType.ADDED, "release", "second", None, second, 2))
    ring.changed(Change(ChangeType.MODIFIED, "release", "first", first, other, 3))
    assert sorted((known.secret, known.digest == first.digest) for known in ring.known()) == [
        ("first", False),
        ("second", True),
    ]
    ring.changed(Change(ChangeType.DELETED, "release", "second", second, None, 4))
    ring.changed(Change(ChangeType.DELETED, "release", "first", other, None, 5))
    assert list(ring.known()) == []


def test_a_key_costs_the_same_beside_many_others() -> None:
    """Counted in looks at keys: each asks the served namespace once, and the ring compares none with all others."""
    looks = 0

    class Counted(ApiKey):
        __slots__ = ()

        def __getattribute__(self, name: str) -> object:
            nonlocal looks
            looks += 1
            return super().__getattribute__(name)

    ring, costs = KeyRing(lambda namespace: True), []
    for number in range(1000):
        key = Counted(f"s{number}", number.to_bytes(4, "big"), "o", "a", active=True)
        before = looks
        ring.changed(Change(ChangeType.ADDED, "release", key.secret, None, key, number))
        costs.append(looks - before)
    assert max(costs) <= min(costs) + 1


def test_key_of_absurd_length_is_refused_with_its_length() -> None:
    with pytest.raises(ApiKeyError, match="its 'key' has 5000 characters: 1024 are the limit"):
        key_of(secret("alice", key="x" * 5000))


@pytest.mark.parametrize(
    ("patterns", "name", "allowed"),
    [
        ("", "login", False),
        ("login", "login", True),
        ("login", "login-2", False),
        ("a,shop-*", "shop-eu", True),
        ("shop-*", "workshop-eu", False),
        ("[a-z]*", "login", False),
        ("*", "anything", True),
    ],
)
def test_key_allows_the_secrets_that_its_own_secret_names(patterns: str, name: str, allowed: bool) -> None:
    assert key_of(secret("alice", key="the-same-for-all", allowed_secrets=patterns)).allows_secret(name) is allowed
