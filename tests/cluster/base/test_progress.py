"""Progress on the terminal."""

import pytest

from tests.cluster import Progress


def test_steps_say_how_long_they_took_and_whether_they_failed() -> None:
    lines: list[str] = []
    progress = Progress(lines.append, live=False)
    with progress.step("one"):
        pass
    with pytest.raises(ValueError), progress.step("two"):
        raise ValueError
    assert lines == ["one ... 0.0 s\n", "two ... failed after 0.0 s\n"]
