"""Scrolling."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator

from skyvern_runner.actions.base import OptionalId, PageAction, lower
from skyvern_runner.browser.element_id import PAGE, ElementId
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class Scroll(PageAction):
    """Scroll the page, or the area around an element, by most of a screen."""

    RULE: ClassVar = "text = up or down; id of a list or area to scroll, or null for the page."

    type: Literal["scroll"] = "scroll"
    id: OptionalId = None
    text: Annotated[Literal["up", "down"], BeforeValidator(lower)]
    """Direction."""

    @property
    def element(self) -> ElementId | None:
        """An element in the area to scroll."""
        return self.id

    @property
    def argument(self) -> str:
        """Direction."""
        return self.text

    def run(self, interaction: "Interaction") -> Outcome:
        """Scroll, and report how much is left."""
        frame, own = self.id or (PAGE, None)
        moved = interaction.answered(frame, "scrollArea", own, self.text)
        effect = interaction.settle()
        if not moved["moved"]:
            end = "top" if self.text == "up" else "end"
            return Outcome(False, f"nothing to scroll: the {end} is reached", effect)
        message = f"scrolled {self.text} by {moved['moved']} px, {moved['below']:.1f} screens below"
        return Outcome(True, message, effect)
