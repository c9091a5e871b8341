"""The model's notes: what it wants to know beyond the page that it sees."""

from typing import Final

MAX_NOTES: Final = 20
"""Most notes that are kept; a further one takes the place of the oldest."""


class Notebook:
    """The newest notes, in order."""

    def __init__(self) -> None:
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes."""
        return tuple(self._notes)

    def add(self, text: str) -> str:
        """Keep a note. Returns what came of it, for the history."""
        if text in self._notes:
            return "noted already"
        self._notes.append(text)
        if len(self._notes) <= MAX_NOTES:
            return "noted"
        return f"noted in place of the oldest of {MAX_NOTES} notes, {self._notes.pop(0)[:60]!r}"
