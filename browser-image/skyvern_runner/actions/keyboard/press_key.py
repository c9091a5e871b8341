"""Pressing a key."""

from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_runner.actions.base import OptionalId, PageAction, Text
from skyvern_runner.browser.element_id import PAGE, ElementId
from skyvern_runner.input.keys import find_key
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class PressKey(PageAction):
    """Press a key or a combination of keys."""

    RULE: ClassVar = "text = Enter, Tab, Escape, ArrowDown, ... ; id of the element, or null for the one in focus."

    type: Literal["press_key"] = "press_key"
    id: OptionalId = None
    text: Text
    """Name of the key, with modifiers: ``Ctrl+A``."""

    @property
    def element(self) -> ElementId | None:
        """The element that gets the focus first."""
        return self.id

    @property
    def argument(self) -> str:
        """Name of the key."""
        return self.text

    def run(self, interaction: "Interaction") -> Outcome:
        """Press and release."""
        key, modifiers = find_key(self.text)
        target = None
        if self.id is not None:
            target = interaction.aim(self.id, force=True)
            interaction.ask(target.id, "focus")
        else:
            interaction.call(PAGE, "arm")
        interaction.keyboard.press(key, modifiers)
        effect = interaction.settle(target)
        on = f" in {target.label}" if target else ""
        quiet = "" if effect.mutations or effect.token != interaction.token else ", nothing on the page changed"
        return Outcome(True, f"pressed {self.text}{on}{quiet}", effect)
