"""When a field counts as holding the text."""

import pytest

from skyvern_runner.actions.input_text import same_text


@pytest.mark.parametrize(
    ("text", "raw", "same"),
    [
        ("5551234567", "(555) 123-4567", True),
        ("5551234567", "+1 (555) 123-4567", True),
        ("Ann", "ANN", True),
        ("two  words", "two words", True),
        ("abc", "abcd", False),
        ("", "left over", False),
        ("", "", True),
        ("1234", "234", False),
    ],
)
def test_masked_text_counts_as_the_same(text: str, raw: str, same: bool) -> None:
    assert same_text(text, {"raw": raw, "secret": False}) is same


def test_secret_text_must_be_exact() -> None:
    assert not same_text("s3cret", {"raw": "S3CRET", "secret": True})
