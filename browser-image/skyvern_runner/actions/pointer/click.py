"""Clicking."""

from typing import TYPE_CHECKING, ClassVar, Final, Literal

from skyvern_runner.actions.base import ElementAction
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.outcome import Effect, Outcome, Target

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction

_STATES: Final = (
    ("checked", {"true": "is on", "false": "is off"}),
    ("expanded", {"true": "is open", "false": "is closed"}),
)


class Click(ElementAction):
    """Click an element with the left button."""

    RULE: ClassVar = "id."

    type: Literal["click"] = "click"

    def run(self, interaction: "Interaction") -> Outcome:
        """Click, and report how the control changed."""
        target = interaction.aim(self.id)
        if target.tag == "select":
            raise ActionFailedError(f"{target.label} is a list: use select_option")
        if target.type == "file":
            raise ActionFailedError(f"{target.label} takes a file: use upload_file")
        interaction.click(target)
        effect = interaction.settle(target)
        return Outcome(True, f"clicked {target.label}{_difference(target, effect)}", effect)


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
