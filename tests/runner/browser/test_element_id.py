"""Ids of elements in frames."""

from hypothesis import given
from hypothesis import strategies as st

from skyvern_runner.browser.element_id import join, split


@given(st.lists(st.integers(1, 36**3 - 1), min_size=1, max_size=4))
def test_ids_of_frames_split_as_they_were_joined(numbers: list[int]) -> None:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"

    def base36(number: int) -> str:
        return (base36(number // 36) if number >= 36 else "") + digits[number % 36]

    ids = [base36(number) for number in numbers]
    full = ""
    for part in ids:
        full = join(full, part)
    for part in reversed(ids):
        full, own = split(full)
        assert own == part
    assert full == ""
