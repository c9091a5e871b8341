"""Ids of elements: as text for the model, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyvern_runner.browser.element_id import PAGE, ElementId

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
OWN = st.text(st.sampled_from(DIGITS), min_size=1, max_size=8)


@given(st.lists(OWN, min_size=1, max_size=4))
def test_id_reads_back_as_it_was_written(numbers: list[str]) -> None:
    *frame, own = numbers
    element = ElementId(tuple(frame), own)
    assert ElementId.parse(str(element)) == element


@pytest.mark.parametrize("own", ["1", "zzz", "1000", "zzzzzz"])
def test_element_of_the_page_is_not_taken_for_one_of_a_frame(own: str) -> None:
    assert ElementId.parse(own) == ElementId(PAGE, own)


def test_content_of_a_frame_holds_its_elements() -> None:
    frame = ElementId.parse("1a.2")
    assert ElementId.parse("1a.2.3") == ElementId(frame.content, "3")
