"""Pressing a key."""

from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_runner.actions.base import OptionalId, PageAction, Text
from skyvern_runner.browser.element_id import PAGE, ElementId
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.keys import find_key
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class PressKey(PageAction):
    """Press a key or a combination of keys, or only press it down, or only let it go."""

    RULE: ClassVar = (
        "text = a character, Enter, Tab, Escape, Backspace, ArrowDown, PageDown, Home, F1 ..., with Ctrl, Alt, Shift or"
        " Meta: Ctrl+A; id of the element, or null for the one in focus. If need be phase = down to keep the key down"
        " for what follows, up to let it go."
    )
    RARE: ClassVar = ("phase",)

    type: Literal["press_key"] = "press_key"
    id: OptionalId = None
    text: Text
    """Name of the key, with modifiers: ``Ctrl+A``."""
    phase: Literal["press", "down", "up"] = "press"

    @property
    def element(self) -> ElementId | None:
        """The element that gets the focus first."""
        return self.id

    @property
    def argument(self) -> str:
        """Name of the key."""
        return self.text

    def describe(self, label: str) -> str:
        """Also shows whether it was only pressed down or let go."""
        return super().describe(label) if self.phase == "press" else f"{super().describe(label)} {self.phase}"

    def run(self, interaction: "Interaction") -> Outcome:
        """Press and release, or only one of both."""
        key, modifiers = find_key(self.text)
        if self.phase != "press" and modifiers:
            raise ActionFailedError("down and up take one key each: give every key of a combination its own action")
        target = None
        if self.id is not None:
            target = interaction.aim(self.id, force=True)
            interaction.ask(target.id, "focus")
        else:
            interaction.call(PAGE, "arm")
        keyboard = interaction.keyboard
        if self.phase == "down":
            keyboard.down(key)
        elif self.phase == "up":
            keyboard.up(key)
        else:
            keyboard.press_combination(key, modifiers)
        effect = interaction.settle(target)
        on = f" in {target.label}" if target else ""
        done = {"press": "pressed", "down": "holds down", "up": "let go of"}[self.phase]
        if effect.missed("keyup" if self.phase == "up" else "keydown"):
            return Outcome(False, f"the page did not get the key {self.text}{on}: look again", effect)
        quiet = "" if effect.mutations or effect.token != interaction.token else ", nothing on the page changed"
        return Outcome(True, f"{done} {self.text}{on}{quiet}", effect)
