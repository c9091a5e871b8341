"""The one answer to "is this a web address?": the pattern that the API server checks, and what programs ask."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

SCHEMES: Final = ("http", "https")
MAX_URL_LENGTH: Final = 2083
"""Longest URL in characters, as pydantic's HttpUrl and old browsers have it."""
HTTP_URL_PATTERN: Final = (
    r"^https?://([^ \t\r\n\f\v/?#\[\]]*@)?"
    r"(\[[0-9A-Fa-f:.]+(%[0-9A-Za-z._~%-]+)?\]|[^ \t\r\n\f\v/?#\[\]@:]+)(:[0-9]*)?"
    r"([/?#][^ \t\r\n\f\v]*)?$"
)
"""For pydantic and CEL alike. Spelled without ``\\s``, which is Unicode's white space for one and ASCII's for the
other."""
REMEDY: Final = "give an http or https URL with a host"
_DOUBLED_WWW: Final = re.compile(r"^(?:www\.){2,}", re.IGNORECASE)
_PATH: Final = re.compile(r"[/?#]")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")


def split_http_url(text: str) -> SplitResult | None:
    """The parts of an absolute http or https URL with a host and a possible port; None for anything else."""
    if not text.isprintable() or any(map(str.isspace, text)):
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an unclosed bracket, or a port that is not a number
        return None
    return parts if usable else None


def is_http_url(text: str) -> bool:
    """Whether ``text`` is an absolute http or https URL with a host."""
    return split_http_url(text) is not None


def normalize_url(value: str) -> str:
    """An http or https URL for what a person typed. Raises ValueError.

    A missing scheme becomes https, a missing path ``/``, and ``www.www.`` becomes ``www.``.
    """
    url = value.strip()
    if not _SCHEME.match(url):
        url = f"https://{url}"
    scheme, separator, rest = url.partition("://")
    rest = _DOUBLED_WWW.sub("www.", rest)
    url = f"{scheme.lower()}{separator}{rest}" + ("" if _PATH.search(rest) else "/")
    if not is_http_url(url):
        raise ValueError(f"Invalid URL: {REMEDY}")
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"Invalid URL: it has {len(url)} characters and may have {MAX_URL_LENGTH}")
    return url
