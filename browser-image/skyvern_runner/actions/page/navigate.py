"""Going back, forward, and loading a page again."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator

from skyvern_runner.actions.base import PageAction, lower
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class Navigate(PageAction):
    """Move in the history of the tab in front."""

    RULE: ClassVar = "text = back, forward or reload."

    type: Literal["navigate"] = "navigate"
    text: Annotated[Literal["back", "forward", "reload"], BeforeValidator(lower)]
    """Where to."""

    @property
    def argument(self) -> str:
        """Where to."""
        return self.text

    def run(self, interaction: "Interaction") -> Outcome:
        """Move, and wait for the page."""
        interaction.travel(self.text)
        effect = interaction.settle()
        done = "loaded again" if self.text == "reload" else f"went {self.text} to"
        return Outcome(True, f"{done} {effect.url}", effect)
