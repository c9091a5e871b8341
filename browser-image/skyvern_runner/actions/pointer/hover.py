"""Pointing at an element."""

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_runner.actions.base import ElementAction
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class Hover(ElementAction):
    """Move the pointer onto an element and leave it there."""

    RULE: ClassVar = "id. Moves the pointer there, for menus and tips that show up then."

    type: Literal["hover"] = "hover"

    def run(self, interaction: "Interaction") -> Outcome:
        """Move the pointer, and report what can be seen since."""
        target = interaction.aim(self.id)
        interaction.call(self.id.frame, "noteShown")
        interaction.pointer.move(target.x, target.y)
        effect = interaction.settle(target)
        if effect.missed("mouseover", "mousemove"):
            return Outcome(False, f"the page did not see the pointer on {target.label}: look again", effect)
        if effect.token != target.token:
            return Outcome(True, f"pointed at {target.label}", effect)
        shown = interaction.call(effect.frame, "newlyShown")
        fresh = tuple((ElementId(effect.frame, own), role, name) for own, role, name in shown["fresh"])
        names = {name for _, _, name in fresh}
        lines = [line for line in shown["lines"] if line not in names]
        said = f", which shows {', '.join(map(repr, lines))}" if lines else ""
        if not said and not fresh and not effect.mutations:
            said = ", nothing on the page changed"
        return Outcome(True, f"pointed at {target.label}{said}", replace(effect, fresh=fresh))
