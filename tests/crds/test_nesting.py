"""Text is cut down to a depth, in one pass and at once."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyvern_crds import nesting

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


def cut_by_token(data: bytes, depth: int) -> bytes:
    """What :func:`nesting.cut` does, one bracket after the other."""
    parts: list[bytes] = []
    kept, level = 0, 0
    parent: int | None = None
    for token in _TOKEN.finditer(data):
        mark = token[0][:1]
        if mark in b"[{":
            if level == depth and parent is None:
                parts += [data[kept : token.start()], b"P"]
                parent = level
            level += 1
        elif mark in b"]}":
            if level == parent:
                kept, parent = token.start(), None
            level -= 1
    return b"".join([*parts, b"" if parent is not None else data[kept:]])


PIECES = st.sampled_from(
    [b"[", b"]", b"{", b"}", b'"k":', b'"["', b'"\\"]"', b"1", b",", b" ", b"[[[[[[[[[", b"]]]]]]]]]"]
)


@settings(deadline=None, derandomize=True, max_examples=1000)
@given(st.lists(PIECES, max_size=60), st.integers(1, 12))
def test_any_text_is_cut_as_by_a_reader_of_single_brackets(pieces: list[bytes], depth: int) -> None:
    data = b"".join(pieces)
    assert nesting.cut(data, depth, b"P") == cut_by_token(data, depth)


def test_text_that_is_not_too_deep_is_the_same_object() -> None:
    data = b'{"a": [[1, "]"], {"b": {}}]}'
    assert nesting.cut(data, 4, b"P") is data
    assert nesting.cut(data, 3, b"P") == b'{"a": [[1, "]"], {"b": P}]}'
    assert nesting.cut(data, 2, b"P") == b'{"a": [P]}'


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", [b"[]", b'""', b'{"a":{"b":1}}', b"[" * 9 + b"]" * 9, b"[" * 900 + b"]" * 900])
@pytest.mark.parametrize("above", [1, 195, 200])
def test_megabytes_of_brackets_are_cut(piece: bytes, above: int) -> None:
    data = b"[" * above + b",".join([piece] * (4_000_000 // len(piece))) + b"]" * above
    assert nesting.cut(data + b"!", 200, b"P").endswith(b"]!")
