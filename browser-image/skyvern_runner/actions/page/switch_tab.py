"""Bringing another tab to the front."""

from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_runner.actions.base import PageAction
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class SwitchTab(PageAction):
    """Bring an open tab to the front."""

    RULE: ClassVar = "tab = its number in the list of tabs, which is shown when there are several."

    type: Literal["switch_tab"] = "switch_tab"
    tab: int

    def describe(self, label: str) -> str:
        """Also shows which."""
        return f"{super().describe(label)} {self.tab}"

    def run(self, interaction: "Interaction") -> Outcome:
        """Switch, and wait until the page there is quiet."""
        interaction.switch_tab(self.tab)
        return Outcome(True, f"tab {self.tab} is in front", interaction.settle())
