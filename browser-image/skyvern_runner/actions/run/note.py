"""Taking a note."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal

from skyvern_runner.actions.base import Action, Text
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ReplyError

MAX_CHARACTERS: Final = 500


class Note(Action):
    """Keep something in mind beyond this page."""

    RULE: ClassVar = f"text, at most {MAX_CHARACTERS} characters. Your notes are shown to you in every step."
    INDEPENDENT: ClassVar = True

    type: Literal["note"] = "note"
    text: Text

    @property
    def argument(self) -> str:
        """What to keep."""
        return self.text

    def check(self, labels: Mapping[ElementId, str]) -> None:
        """Refuses long notes."""
        if len(self.text) > MAX_CHARACTERS:
            raise ReplyError(f"a note has at most {MAX_CHARACTERS} characters, not {len(self.text)}")
