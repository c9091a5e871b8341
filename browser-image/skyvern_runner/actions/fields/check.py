"""Checking and unchecking checkboxes, radios and switches."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator

from skyvern_runner.actions.base import ElementAction
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class Check(ElementAction):
    """Bring a checkbox, radio or switch into the wanted state."""

    RULE: ClassVar = "id, checked = true or false. For checkboxes, radios and switches."
    INDEPENDENT: ClassVar = True

    type: Literal["check"] = "check"
    checked: Annotated[bool, BeforeValidator(lambda value: True if value is None else value)] = True

    def describe(self, label: str) -> str:
        """Also shows the wanted state."""
        return f"{super().describe(label)} {'on' if self.checked else 'off'}"

    def run(self, interaction: "Interaction") -> Outcome:
        """Click unless the state is already as wanted; if the click has no effect, press the control by script."""
        wanted = "true" if self.checked else "false"
        word = "checked" if self.checked else "unchecked"
        target = interaction.aim(self.id)
        state = target.state or {}
        if state.get("checked") is None:
            raise ActionFailedError(f"{target.label} can be neither checked nor unchecked: use click")
        if state["checked"] == wanted:
            return Outcome(True, f"{target.label} was {word} already", interaction.settle(target))
        if not self.checked and state["role"] == "radio":
            raise ActionFailedError(f"{target.label} cannot be unchecked: choose another one of its group")
        interaction.click(target)
        effect = interaction.settle(target)
        if effect.state is not None and effect.state.get("checked") != wanted:
            interaction.ask(target.id, "press")
            effect = interaction.settle(target)
        if effect.state is None:
            return Outcome(True, f"clicked {target.label}, which is gone now", effect)
        if effect.state.get("checked") != wanted:
            return Outcome(False, f"{target.label} did not become {word}: the page put it back", effect)
        return Outcome(True, f"{word} {target.label}", effect)
