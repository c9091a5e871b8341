"""Choosing an option: of a native select, of an open list, of a combobox that opens one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from skyvern_runner.actions.base import ElementAction, Text
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.outcome import Outcome, Target

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class SelectOption(ElementAction):
    """Choose an option by label, value or index."""

    RULE: ClassVar = "id, text = the label of the option. For native and for custom dropdowns."

    type: Literal["select_option"] = "select_option"
    text: Text
    """Label of the option."""

    @property
    def argument(self) -> str:
        """Label of the option."""
        return self.text

    def run(self, interaction: "Interaction") -> Outcome:
        """Choose by script in a native select and by clicks elsewhere; a failure lists similar options."""
        if not self.text.strip():
            raise ActionFailedError("select_option needs the label of the option as its text")
        target = interaction.aim(self.id)
        choose = _native if target.tag == "select" else _custom
        return choose(interaction, target, self.text)


def _native(interaction: "Interaction", target: Target, wanted: str) -> Outcome:
    chosen = interaction.ask(target.id, "pickNative", wanted)
    effect = interaction.settle(target)
    shown = str((effect.state or {}).get("value", chosen["chosen"]))
    ok = bool(chosen["held"]) and (effect.state is None or chosen["chosen"] in shown)
    if not ok:
        return Outcome(False, f"{target.label} holds {shown!r} instead of {chosen['chosen']!r}", effect)
    return Outcome(True, f"selected {chosen['chosen']!r} in {target.label}", effect)


def _custom(interaction: "Interaction", target: Target, wanted: str) -> Outcome:
    found = _find(interaction, target, wanted, ())
    if found is None and (target.state or {}).get("expanded") != "true":
        interaction.click(target)
        effect = interaction.settle(target)
        found = _find(interaction, target, wanted, effect.fresh)
    if found is None or "id" not in found:
        found = _type_to_filter(interaction, target, wanted) or found
    if found is None:
        raise ActionFailedError(f"{target.label} showed no options; look at the page and click the wanted one")
    if "error" in found:
        raise ActionFailedError(str(found["error"]))
    interaction.click(interaction.aim(ElementId(target.id.frame, str(found["id"]))))
    effect = interaction.settle(target)
    label = str(found["label"])
    after = effect.state
    shown = str((after or {}).get("value", ""))
    if after is None or label.lower() in shown.lower() or shown.lower() in label.lower():
        return Outcome(True, f"selected {label!r} in {target.label}", effect)
    return Outcome(True, f"clicked the option {label!r}; {target.label} shows {shown!r}", effect)


def _find(
    interaction: "Interaction", target: Target, wanted: str, fresh: Sequence[tuple[ElementId, str, str]]
) -> dict[str, Any] | None:
    """The option, an error that lists the options, or None if no options are visible."""
    appeared = [key.own for key, _, _ in fresh]
    answer: dict[str, Any] = interaction.call(target.id.frame, "findOption", target.id.own, wanted, appeared)
    return None if answer.get("none") else answer


def _type_to_filter(interaction: "Interaction", target: Target, wanted: str) -> dict[str, Any] | None:
    """Many comboboxes show options only after something is typed."""
    field = interaction.call(target.id.frame, "enter", target.id.own)
    if "error" in field:
        return None
    interaction.call(target.id.frame, "arm")
    if not field["empty"]:
        interaction.keyboard.delete()
    interaction.keyboard.insert(wanted)
    effect = interaction.settle(target)
    return _find(interaction, target, wanted, effect.fresh)
