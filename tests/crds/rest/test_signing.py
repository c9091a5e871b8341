"""Signed links and signed webhooks."""

import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

import pytest

from skyvern_crds.rest.artifacts import ArtifactLinks, ArtifactNameError, LinkError, check_name, verify_link
from skyvern_crds.rest.webhook import SignatureStyle, sign, webhook_headers

KEY = b"8f742231b10e8888abcd99yyyzzz85a5"


def a_link(now: int = 1_000_000) -> tuple[str, str, str]:
    url = urlsplit(ArtifactLinks("http://h", KEY, now).url("ns", "task", "uid", "final.png"))
    query = parse_qs(url.query)
    return url.path, query["expires"][0], query["signature"][0]


def test_fresh_link_is_good() -> None:
    path, expires, signature = a_link()
    verify_link(KEY, path, expires, signature, now=1_000_001)


def test_link_is_the_same_within_the_hour() -> None:
    assert a_link(1_000_801) == a_link(1_000_802)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"path": "/api/v1/artifacts/ns/other/uid/final.png"}, "does not match"),
        ({"expires": "99999999999"}, "does not match"),
        ({"expires": "soon"}, "must be a Unix time"),
        ({"signature": "é"}, "does not match"),
        ({"now": 10_000_000.0}, "expired"),
    ],
)
def test_forged_or_old_link_is_refused(change: dict[str, object], says: str) -> None:
    path, expires, signature = a_link()
    arguments = {"path": path, "expires": expires, "signature": signature, "now": 1_000_001.0, **change}
    with pytest.raises(LinkError, match=says):
        verify_link(KEY, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["final.png", "steps/00-0/screenshot-1.jpg", "a/b/c/d"])
def test_plain_names_are_legal(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "../x", "a/../b", "/abs", "a//b", ".hidden", "a/b/c/d/e", "x" * 129, "a\nb", "ü"])
def test_names_that_could_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(ArtifactNameError):
        check_name(name)


def test_v0_is_slacks_scheme() -> None:
    """The worked example of Slack's documentation of verifying requests."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert sign(SignatureStyle.V0, KEY, 1531420618, body) == expected


def test_legacy_is_the_bare_hex_of_the_body() -> None:
    assert sign(SignatureStyle.LEGACY, KEY, 1, b"{}") == hmac.new(KEY, b"{}", hashlib.sha256).hexdigest()


def test_headers_carry_signature_and_timestamp() -> None:
    headers = webhook_headers(SignatureStyle.V0, KEY, 1531420618, b"{}")
    assert headers["x-skyvern-timestamp"] == "1531420618"
    assert headers["x-skyvern-signature"].startswith("v0=")
