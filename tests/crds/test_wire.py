"""JSON in and out: compact, valid, and whatever the nesting."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyvern_crds import wire


def depth_of(value: Any) -> int:
    depth = 0
    while isinstance(value, list) and value:
        value, depth = value[0], depth + 1
    return depth


@pytest.mark.parametrize("depth", [1, 190, 201, 1_000, 9_000, 100_000])
def test_any_depth_is_parsed(depth: int) -> None:
    value = wire.loads(b'{"before": 1, "deep": ' + b"[" * depth + b"]" * depth + b', "after": "x]}"}')
    assert (value["before"], value["after"]) == (1, "x]}")
    assert wire.is_cut(value) == (depth > 199)
    assert depth_of(value["deep"]) <= wire.MAX_DEPTH


def test_text_that_looks_like_a_placeholder_is_data() -> None:
    value = wire.loads('{"skyvern.io/nested-too-deep": 200, "b": "nested deeper than 200 levels"}')
    assert not wire.is_cut(value)


@pytest.mark.parametrize(("depth", "whole"), [(200, True), (201, False)])
def test_depth_that_is_kept_does_not_depend_on_the_neighbors(depth: int, whole: bool) -> None:
    text = "[" * depth + "1" + "]" * depth
    assert wire.is_cut(wire.loads(text)) != whole
    beside = wire.loads(f"[{text[1:-1]}, {'[' * 900 + ']' * 900}]")
    assert wire.is_cut(beside[0]) != whole


@pytest.mark.timeout(30)
@pytest.mark.parametrize("start", ["", "[" * 300])
@pytest.mark.parametrize("end", ["", "\\"])
def test_text_without_an_end_is_refused_in_linear_time(start: str, end: str) -> None:
    with pytest.raises(ValueError, match="line"):
        wire.loads(start + '"' + '\\"' * 500_000 + end)


def test_what_stands_beside_a_deep_value_is_whole() -> None:
    items = [
        f'{{"name": "{name}", "payload": {"[" * deep + "]" * deep}}}'
        for name, deep in (("a", 3), ("b", 5000), ("c", 2))
    ]
    value = wire.loads(f'{{"items": [{",".join(items)}]}}')
    assert [(item["name"], wire.is_cut(item)) for item in value["items"]] == [("a", False), ("b", True), ("c", False)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"\ud800"', "�"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\\ud800"', r"\ud800"),
        (rb'"\udc00x"', "�x"),
        (b'"\xff"', "�"),
    ],
)
def test_broken_text_is_mended(text: bytes, value: str) -> None:
    assert wire.loads(text) == value


@pytest.mark.parametrize("text", [b"", b"{", b"[1,", b"nul", b"[" * 500, b'{"a": ' * 300, b"]" * 300])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"line|JSON|expected|EOF"):
        wire.loads(text)


def test_output_is_compact_and_always_json() -> None:
    text = wire.dumps({"a": [1, math.nan, math.inf], "ä": "\ud800漢\u2028"})
    assert json.loads(text) == {"a": [1, None, None], "ä": "?漢\u2028"}
    assert ", " not in text
    assert wire.size({"ä": 1}) == len('{"ä":1}'.encode())


@settings(deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_ordinary_values_are_the_same_before_and_after(value: Any) -> None:
    assert wire.loads(wire.dumps(value)) == json.loads(json.dumps(value))
