"""Scrolling."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import BeforeValidator

from skyvern_runner.actions.base import OptionalId, PageAction, lower
from skyvern_runner.browser.element_id import PAGE, ElementId
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction

_ENDS: Final = {
    "up": "the top",
    "top": "the top",
    "down": "the end",
    "bottom": "the end",
    "left": "the left edge",
    "right": "the right edge",
}
_SIDES: Final = {"up": "above", "top": "above", "left": "to the left", "right": "to the right"}


class Scroll(PageAction):
    """Scroll the page, or the area around an element, by most of a screen or to its end."""

    RULE: ClassVar = (
        "text = up, down, left, right, top or bottom; id of an area to scroll, or of something in it, or null for the"
        " page."
    )

    type: Literal["scroll"] = "scroll"
    id: OptionalId = None
    text: Annotated[Literal["up", "down", "left", "right", "top", "bottom"], BeforeValidator(lower)]
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
            return Outcome(False, f"nothing to scroll: {_ENDS[self.text]} is reached", effect)
        side = _SIDES.get(self.text, "below")
        message = f"scrolled to {_ENDS[self.text]}" if self.text in {"top", "bottom"} else f"scrolled {self.text}"
        return Outcome(True, f"{message} by {moved['moved']} px, {moved['left']:.1f} screens {side}", effect)
