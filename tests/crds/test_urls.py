"""One rule for web addresses: the pattern of the CRD, and the functions that programs ask."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyvern_crds.urls import HTTP_URL_PATTERN, is_http_url, normalize_url, split_http_url

GOOD = [
    "http://a.example",
    "https://a.example:8443/path?q=1#x",
    "https://user:secret@a.example/",
    "http://[::1]:8080/",
    "https://bücher.example/ä",
    "http://127.0.0.1",
    "http://me@corp.example:pw@shop.example/",
    "http://[fe80::1%25eth0]:8080/",
    "http://a.example:000080/",
    "https://a_b.example.:443?x",
]
BAD = ["", "a.example", "ftp://a.example", "http://", "https:///path", "http://[::1", "http://a b", "http://a:port/"]


@pytest.mark.parametrize("url", GOOD)
def test_web_address_is_one_everywhere(url: str) -> None:
    assert is_http_url(url)
    assert re.match(HTTP_URL_PATTERN, url)
    assert normalize_url(url).removesuffix("/") == url.removesuffix("/")


@pytest.mark.parametrize("url", BAD)
def test_what_is_not_a_web_address_is_none_anywhere(url: str) -> None:
    assert not is_http_url(url)
    assert not re.match(HTTP_URL_PATTERN, url)


@pytest.mark.parametrize("url", ["http://a.example:99999/", "http://a.example:0/", "http://a.example/\u200b"])
def test_what_the_pattern_lets_through_and_no_program_can_open_is_found(url: str) -> None:
    assert not is_http_url(url)
    with pytest.raises(ValueError, match="Invalid URL"):
        normalize_url(url)


@settings(deadline=None, derandomize=True)
@given(st.text())
def test_any_text_is_judged_without_an_error(text: str) -> None:
    for url in (text, f"http://{text}", f"http://[{text}", f"http://a:{text}"):
        parts = split_http_url(url)
        assert parts is None or (parts.hostname and re.match(HTTP_URL_PATTERN, url))
