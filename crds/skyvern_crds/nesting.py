"""Cuts JSON text down to a depth of nesting, at the pace of the regular expression engine.

The text of one object may hold a million brackets, and its reader must not stop for a second over it. So what lies
flat between brackets, whole values that are only a few levels deep, and brackets in a row are one match each.
"""

import functools
import re
from typing import Final

_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_FLAT: Final = rb'(?:[^\[\]{}"]++|' + _STRING + rb")*+"
"""Whatever is no bracket. Possessive, as all of it, so that no text makes it look twice at a character."""
_OPEN: Final = rb"[\[{]"
_CLOSE: Final = rb"[\]}]"
_SHALLOW: Final = 6
"""Levels of a value that one match skips. More would look at text in deep values more often before giving up."""
_JUMPS: Final = (4096, 512, 64, 8, 1)
"""How many brackets of a row one match passes."""


def cut(data: bytes, depth: int, placeholder: bytes) -> bytes:
    """``data`` with ``placeholder`` for each list or object that is more than ``depth`` levels deep, and for whatever
    follows it in its parent. Brackets need not match."""
    parts: list[bytes] = []
    kept, level, position = 0, 0, _end_of_flat(data)
    while position < len(data):
        if data[position] in b"]}":
            end = _row(_CLOSE, data, position)
            level -= _brackets(data[position:end])
        elif level == depth:
            end = _end_of_parent(data, position)
            parts += [data[kept:position], placeholder]
            kept = end
        elif (found := _values(min(_SHALLOW, depth - level)).match(data, position)) is not None:
            end = found.end()
        else:
            end = _row(_OPEN, data, position)
            count = min(_brackets(data[position:end]), depth - level)
            end = _pass(count, _OPEN, data, position) if level + count == depth else end
            level += count
        position = end
    return b"".join([*parts, data[kept:]]) if parts else data


def _end_of_parent(data: bytes, position: int) -> int:
    """Where the list or object is closed that is open here."""
    level = 0
    while position < len(data):
        if data[position] in b"]}":
            end = _row(_CLOSE, data, position)
            count = _brackets(data[position:end])
            if count > level:
                return _pass(level, _CLOSE, data, position)
            level -= count
        elif (found := _values(_SHALLOW).match(data, position)) is not None:
            end = found.end()
        else:
            end = _row(_OPEN, data, position)
            level += _brackets(data[position:end])
        position = end
    return position


def _end_of_flat(data: bytes) -> int:
    """Where the first bracket is."""
    found = _flat().match(data)
    return found.end() if found is not None else 0


def _brackets(row: bytes) -> int:
    """How many brackets there are outside of strings."""
    if b'"' in row:
        row = _string().sub(b"", row)
    return row.count(b"[") + row.count(b"{") + row.count(b"]") + row.count(b"}")


def _row(bracket: bytes, data: bytes, position: int) -> int:
    """Where a row of such brackets ends, each with what lies flat behind it. There is one at least."""
    found = _brackets_in_a_row(bracket, "++").match(data, position)
    return found.end() if found is not None else position + 1


def _pass(count: int, bracket: bytes, data: bytes, position: int) -> int:
    """Where so many brackets of a row end, each with what lies flat behind it."""
    for jump in _JUMPS:
        pattern = _brackets_in_a_row(bracket, f"{{{jump}}}")
        while count >= jump and (found := pattern.match(data, position)) is not None:
            position, count = found.end(), count - jump
    return position


@functools.cache
def _brackets_in_a_row(bracket: bytes, how_many: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?:%b%b)%b" % (bracket, _FLAT, how_many.encode()), re.DOTALL)


@functools.cache
def _values(levels: int) -> re.Pattern[bytes]:
    """Values of at most so many levels, with what lies flat behind each."""
    value = b""
    for _ in range(levels):
        inner = b"(?:%b%b)*+" % (value, _FLAT) if value else b""
        value = _OPEN + _FLAT + inner + _CLOSE
    return re.compile(b"(?:%b%b)++" % (value, _FLAT), re.DOTALL)


@functools.cache
def _flat() -> re.Pattern[bytes]:
    return re.compile(_FLAT, re.DOTALL)


@functools.cache
def _string() -> re.Pattern[bytes]:
    return re.compile(_STRING, re.DOTALL)
