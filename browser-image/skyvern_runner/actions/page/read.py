"""Reading a text word for word."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from skyvern_runner.actions.base import OptionalId, PageAction
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction

PART: Final = 4000
"""Characters of a part."""


class Read(PageAction):
    """Read the text of the page, or of one element, which the outline shortens."""

    RULE: ClassVar = "id, or null for the whole page; part = 1, 2 ... of a long text. Shows you its text word for word."
    INDEPENDENT: ClassVar = True

    type: Literal["read"] = "read"
    id: OptionalId = None
    part: Annotated[int, Field(ge=1)] = 1

    @property
    def element(self) -> ElementId | None:
        """What to read."""
        return self.id

    def describe(self, label: str) -> str:
        """Also shows which part."""
        return f"{super().describe(label)} part {self.part}" if self.part > 1 else super().describe(label)

    def run(self, interaction: "Interaction") -> Outcome:
        """Take the part out of the whole text."""
        if self.id is not None:
            text = str(interaction.ask(self.id, "textIn")["text"])
        else:
            text = "\n".join(str(found["text"]) for _, found in interaction.ask_each("textIn", None))
        parts = max(1, -(-len(text) // PART))
        if self.part > parts:
            raise ActionFailedError(f"the text has {parts} part{'s' if parts > 1 else ''} only")
        shown = text[(self.part - 1) * PART : self.part * PART]
        effect = interaction.settle()
        if not shown.strip():
            return Outcome(False, "there is no text to read", effect)
        return Outcome(True, f"read part {self.part} of {parts} ({len(text)} characters in all)", effect, shown)
