"""Lines and events of a watch, from bytes cut anywhere."""

import itertools
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyvern_crds.client import Gone, TooManyRequests, Unavailable
from skyvern_crds.client.stream import MAX_LINE_BYTES, lines, parse_event


async def chunks_of(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@given(st.lists(st.binary(min_size=1).filter(lambda b: b"\n" not in b and b.strip())), st.lists(st.integers(0, 200)))
async def test_lines_do_not_depend_on_where_the_stream_is_cut(texts: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(text + b"\n" for text in texts)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(edges)]
    assert [line async for line in lines(chunks_of(*pieces))] == texts


async def test_torn_last_line_is_an_error_after_the_whole_ones() -> None:
    stream = lines(chunks_of(b"one\ntw", b"o\nthree"))
    assert [await anext(stream), await anext(stream)] == [b"one", b"two"]
    with pytest.raises(Unavailable, match="middle of a line, after 5 bytes"):
        await anext(stream)


async def test_line_without_end_is_given_up() -> None:
    piece = b"x" * (1024 * 1024)
    with pytest.raises(Unavailable, match="longer than"):
        await anext(lines(chunks_of(*[piece] * (MAX_LINE_BYTES // len(piece) + 1))))


def test_event_is_read() -> None:
    event = parse_event(b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"12"}}}')
    assert (event.type, event.resource_version) == ("BOOKMARK", "12")


def error_event(code: int, reason: str, **details: int) -> bytes:
    status = {"kind": "Status", "code": code, "reason": reason, "message": "m", "details": details}
    return json.dumps({"type": "ERROR", "object": status}).encode()


def test_expired_versions_and_other_errors_in_the_stream_are_told_apart() -> None:
    with pytest.raises(Gone):
        parse_event(error_event(410, "Expired"))
    with pytest.raises(Unavailable, match="500 InternalError"):
        parse_event(error_event(500, "InternalError"))
    with pytest.raises(TooManyRequests) as caught:
        parse_event(error_event(429, "TooManyRequests", retryAfterSeconds=7))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'"text"',
        b'{"type":"ADDED"}',
        b'{"type":"ADDED","object":[]}',
        b'{"type":"ADDED","object":{}}',
        b'{"type":"ADDED","object":{"metadata":null}}',
        b'{"type":"NEW","object":{"metadata":{"resourceVersion":"1"}}}',
    ],
)
def test_what_is_no_event_is_a_broken_stream(line: bytes) -> None:
    with pytest.raises(Unavailable, match="the watch sent"):
        parse_event(line)
