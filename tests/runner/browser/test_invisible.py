"""Invisible characters are removed; text and white space stay."""

import pytest

from skyvern_runner.browser.invisible import visible


@pytest.mark.parametrize(
    "character",
    ["\x00", "\x1b", "\x9f", "\u00ad", "\u200b", "\u202e", "\u2066", "\ufeff", "\ufe0f", "\u3164", "\U000e0041"],
    ids=lambda character: f"U+{ord(character):04X}",
)
def test_invisible_character_is_taken_out(character: str) -> None:
    assert visible(f"pay{character}now") == "paynow"


def test_text_and_white_space_stay() -> None:
    text = "Zoë 北京\tpaid\r\n12.50 € – 😀"
    assert visible(text) == text
