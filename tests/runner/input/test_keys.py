"""Keys by name."""

import pytest

from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.keys import find_key


@pytest.mark.parametrize(
    ("name", "key", "modifiers"),
    [
        ("Enter", "Enter", 0),
        ("esc", "Escape", 0),
        ("Ctrl+A", "A", 2),
        ("Shift+Tab", "Tab", 8),
        (" ", " ", 0),
        ("+", "+", 0),
    ],
)
def test_keys_are_found_by_name(name: str, key: str, modifiers: int) -> None:
    found = find_key(name)
    assert (found[0].key, found[1]) == (key, modifiers)


@pytest.mark.parametrize("name", ["", "Hyper", "Super+A"])
def test_unknown_keys_are_named(name: str) -> None:
    with pytest.raises(ActionFailedError, match="unknown"):
        find_key(name)
