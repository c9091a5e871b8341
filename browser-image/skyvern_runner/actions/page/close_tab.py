"""Closing a tab."""

from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_runner.actions.base import PageAction
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class CloseTab(PageAction):
    """Close an open tab; the one that was in front before comes back."""

    RULE: ClassVar = "tab = its number, or null for the one in front."

    type: Literal["close_tab"] = "close_tab"
    tab: int | None = None

    def describe(self, label: str) -> str:
        """Also shows which."""
        return super().describe(label) if self.tab is None else f"{super().describe(label)} {self.tab}"

    def run(self, interaction: "Interaction") -> Outcome:
        """Close it."""
        said = interaction.close_tab(self.tab)
        which = "the tab" if self.tab is None else f"tab {self.tab}"
        return Outcome(True, f"closed {which}, {said}", interaction.settle())
