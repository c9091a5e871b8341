"""Answering a dialog of the page."""

from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_runner.actions.base import PageAction
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class AnswerDialog(PageAction):
    """Answer a confirmation or prompt of the browser, which waits before anything else can be done."""

    RULE: ClassVar = (
        "accept = true for OK or false for Cancel, text = the answer to a prompt or null. Only for a dialog that waits."
    )

    type: Literal["answer_dialog"] = "answer_dialog"
    accept: bool
    text: str | None = None
    """What a prompt asks for."""

    @property
    def argument(self) -> str | None:
        """What a prompt asks for."""
        return self.text

    def describe(self, label: str) -> str:
        """Also shows which button was pressed."""
        return f"{super().describe(label)} {self._button}"

    def run(self, interaction: "Interaction") -> Outcome:
        """Answer, and wait for what the page does then."""
        interaction.answer_dialog(accept=self.accept, text=self.text)
        return Outcome(True, f"answered with {self._button}", interaction.settle())

    @property
    def _button(self) -> str:
        return "OK" if self.accept else "Cancel"
