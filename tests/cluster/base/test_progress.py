"""Progress on the terminal."""

import re

import pytest

from tests.cluster import Progress


def test_steps_say_how_long_they_took_and_whether_they_failed() -> None:
    lines: list[str] = []
    progress = Progress(lines.append, live=False)
    with progress.step("one"):
        pass
    with pytest.raises(ValueError), progress.step("two"):
        raise ValueError
    assert [re.sub(r"[0-9.]+ s", "N s", line) for line in lines] == ["one ... N s\n", "two ... failed after N s\n"]
