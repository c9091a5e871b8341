"""The API-key Secret, read the same way by the facade and the operator."""

import base64
from typing import Any

import pytest

from skyvern_crds.rest.api_key import ApiKeyError, is_api_key, read_api_key
from skyvern_crds.rest.webhook import SignatureStyle
from skyvern_crds.vocabulary import LABEL_API_KEY


def a_secret(**data: str) -> dict[str, Any]:
    encoded = {name.replace("_", "-"): base64.b64encode(value.encode()).decode() for name, value in data.items()}
    return {"metadata": {"name": "key-a", "namespace": "release", "labels": {LABEL_API_KEY: "true"}}, "data": encoded}


def test_key_is_the_text_without_the_newline_that_echo_adds() -> None:
    key = read_api_key(a_secret(key="s3cret of 16 byt\n", namespace="team-a\n"))
    assert (key.key, key.namespace, key.organization, key.active) == (b"s3cret of 16 byt", "team-a", "key-a", True)
    assert "s3cret" not in repr(key)


def test_namespace_of_the_secret_is_the_tenant_when_it_names_none() -> None:
    assert read_api_key(a_secret(key="a key of 16 byt.")).namespace == "release"


@pytest.mark.parametrize(("state", "active"), [("", True), ("Active", True), ("disabled", False)])
def test_key_whose_state_is_not_active_is_off(state: str, active: bool) -> None:
    assert read_api_key(a_secret(key="a key of 16 byt.", state=state)).active is active


def test_limits_of_a_key_are_those_that_its_secret_names() -> None:
    key = read_api_key(a_secret(key="a key of 16 byt.", requests_per_second="5\n", waiting_requests="0"))
    assert key.limits == {"requests_per_second": 5, "waiting_requests": 0}
    assert read_api_key(a_secret(key="a key of 16 byt.")).limits == {}


def test_secrets_that_a_key_may_name_are_a_list() -> None:
    assert read_api_key(a_secret(key="a key of 16 byt.", allowed_secrets="login, shop-*,\n")).allowed_secrets == (
        "login",
        "shop-*",
    )
    assert read_api_key(a_secret(key="a key of 16 byt.")).allowed_secrets == ()


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (a_secret(), "put one in its field 'key'"),
        (a_secret(key=" "), "put one in its field 'key'"),
        (a_secret(key="a key of 16 byt.", organization_id="not a label"), "'organization-id'"),
        (
            a_secret(key="a key of 16 byt.", creates_per_second="many"),
            r"'creates-per-second' is 'many': give a number from 0",
        ),
        (
            a_secret(key="a key of 16 byt.", creates_per_second="1000001"),
            "'creates-per-second' is '1000001': give a number from 0",
        ),
        (a_secret(key="a key of 16 byt.") | {"data": {"key": "%%%"}}, "'key' is not base64"),
        (
            a_secret(key="a key of 16 byt.") | {"data": {"key": base64.b64encode(b"\xff").decode()}},
            "'key' is not base64 of UTF-8",
        ),
        (a_secret(key="fifteen letters"), "give it at least 16"),
        (a_secret(key="a key of 16 byt.", webhook_signature="v1"), "write 'v0' or 'legacy'"),
    ],
)
def test_secret_that_holds_no_key_says_which_field(secret: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiKeyError, match=message):
        read_api_key(secret)


def test_only_a_labeled_secret_is_a_key() -> None:
    assert is_api_key(a_secret(key="a key of 16 byt."))
    assert not is_api_key({"metadata": {"labels": None}})


@pytest.mark.parametrize(("text", "style"), [("", None), ("legacy", SignatureStyle.LEGACY), ("V0", SignatureStyle.V0)])
def test_key_says_how_its_webhooks_are_signed(text: str, style: SignatureStyle | None) -> None:
    assert read_api_key(a_secret(key="a key of 16 byt.", webhook_signature=text)).signature is style
