"""Clicking."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from skyvern_runner.actions.base import ElementAction
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.keys import ModifierName, modifier_bits
from skyvern_runner.input.outcome import Effect, Outcome, Target

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction

MAX_HOLD_SECONDS: Final = 10.0
_STATES: Final = (
    ("checked", {"true": "is on", "false": "is off"}),
    ("expanded", {"true": "is open", "false": "is closed"}),
)


class Click(ElementAction):
    """Click an element."""

    RULE: ClassVar = (
        "id. If need be also button = left, right or middle, count = 2 to double-click, modifiers such as"
        ' ["Ctrl"], hold = seconds to keep the button down.'
    )
    RARE: ClassVar = ("button", "count", "modifiers", "hold")

    type: Literal["click"] = "click"
    button: Literal["left", "right", "middle"] = "left"
    count: Annotated[int, Field(ge=1, le=3)] = 1
    """Clicks in a row."""
    modifiers: tuple[ModifierName, ...] = ()
    """Keys that are held meanwhile."""
    hold: Annotated[float, Field(ge=0, le=MAX_HOLD_SECONDS)] = 0
    """Seconds between pressing and releasing."""

    def describe(self, label: str) -> str:
        """Also shows which kind of click it was."""
        kind = ["double", "triple"][self.count - 2] if self.count > 1 else ""
        held = f"held {self.hold:g} s" if self.hold else ""
        parts = (super().describe(label), self.button if self.button != "left" else "", kind, *self.modifiers, held)
        return " ".join(part for part in parts if part)

    def run(self, interaction: "Interaction") -> Outcome:
        """Click, and report how the control changed."""
        target = interaction.aim(self.id)
        if target.tag == "select":
            raise ActionFailedError(f"{target.label} is a list: use select_option")
        if target.type == "file":
            raise ActionFailedError(f"{target.label} takes a file: use upload_file")
        interaction.pointer.click(
            target.x,
            target.y,
            button=self.button,
            count=self.count,
            modifiers=modifier_bits(self.modifiers),
            hold=partial(interaction.sleep, self.hold) if self.hold else None,
        )
        effect = interaction.settle(target)
        if effect.missed("mousedown"):
            return Outcome(False, f"the page did not get the click on {target.label}: look again", effect)
        if self.count == 2 and effect.missed("dblclick"):
            return Outcome(False, f"clicked {target.label}, but the page took it for single clicks", effect)
        return Outcome(True, f"{self._done} {target.label}{_difference(target, effect)}", effect)

    @property
    def _done(self) -> str:
        if self.hold:
            return f"held the {self.button} button for {self.hold:g} s on"
        if self.button != "left":
            return f"{self.button}-clicked"
        return {1: "clicked", 2: "double-clicked"}.get(self.count, "triple-clicked")


def _difference(target: Target, effect: Effect) -> str:
    """How the clicked control changed, or that nothing did."""
    if effect.token != target.token:
        return ""
    before, after = target.state or {}, effect.state
    if after is None:
        return ", which is gone now"
    for key, words in _STATES:
        if before.get(key) != after.get(key):
            return f", which {words.get(str(after.get(key)), 'changed')} now"
    return "" if effect.mutations else ", nothing on the page changed"
