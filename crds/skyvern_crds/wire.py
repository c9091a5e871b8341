"""JSON as this project reads and writes it: compact on the way out, and readable on the way in whatever it holds."""

import re
import secrets
from typing import Any, Final

from pydantic_core import from_json, to_json

from skyvern_crds.nesting import cut

MAX_DEPTH: Final = 200
"""Levels of nesting that :func:`loads` keeps. pydantic's parser takes so many; Go's, and so the API server, 10,000."""
TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels ({secrets.token_hex(16)})"
"""What :func:`loads` puts in the place of a value below :data:`MAX_DEPTH` levels. No data holds it by chance or malice:
each process makes its own."""

_PLACEHOLDER: Final = f'"{TOO_DEEP}"'.encode()
_SURROGATE: Final = re.compile(
    rb"(?<!\\)((?:\\\\)*+)(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def dumps(value: Any) -> str:
    """``value`` as compact JSON text: no spaces, no escapes beyond JSON's own, null for NaN and infinities."""
    return encode(value).decode()


def encode(value: Any) -> bytes:
    """As :func:`dumps`, in UTF-8. A lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    try:
        return to_json(value, inf_nan_mode="null")
    except ValueError:
        return to_json(_without_surrogates(value), inf_nan_mode="null")


def size(value: Any) -> int:
    """Bytes of ``value`` as :func:`encode` writes it."""
    return len(encode(value))


def loads(data: bytes | str) -> Any:
    """Parse JSON from the API server or another program. Raises ValueError when ``data`` is not JSON.

    What pydantic's parser refuses and others write is mended first: a value nested deeper than :data:`MAX_DEPTH`
    becomes :data:`TOO_DEEP`, a lone surrogate and an invalid byte become U+FFFD.
    """
    raw = data.encode(errors="replace") if isinstance(data, str) else data
    try:
        return from_json(raw)
    except ValueError:
        return from_json(cut(_valid_text(raw), MAX_DEPTH, _PLACEHOLDER))


def is_cut(value: Any) -> bool:
    """Whether :func:`loads` left out a part of ``value`` because it was nested too deep."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
        elif each == TOO_DEEP:
            return True
    return False


def _valid_text(data: bytes) -> bytes:
    text = data.decode(errors="replace").encode()
    if b"\\ud" not in text and b"\\uD" not in text:  # which is sooner seen than that the pattern is nowhere
        return text
    return _SURROGATE.sub(lambda match: match[1] + (match[2] or b"\\ufffd"), text)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(each) for each in value]
    return value
