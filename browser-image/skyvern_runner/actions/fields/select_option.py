"""Choosing an option: of a native select, of an open list, of a combobox that opens one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_runner.actions.base import ElementAction, Text
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.option_match import Option, find_option, shows, times_shown
from skyvern_runner.input.outcome import Outcome, Target

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class SelectOption(ElementAction):
    """Choose an option by its label."""

    RULE: ClassVar = "id, text = the label of the option as it is shown. For native and for custom dropdowns."
    INDEPENDENT: ClassVar = True

    type: Literal["select_option"] = "select_option"
    text: Text
    """Label of the option."""

    @property
    def argument(self) -> str:
        """Label of the option."""
        return self.text

    def run(self, interaction: "Interaction") -> Outcome:
        """Choose by script in a native select and by clicks elsewhere; a refusal lists the options."""
        if not self.text.strip():
            raise ActionFailedError("select_option needs the label of the option as its text")
        target = interaction.aim(self.id)
        choose = _native if target.tag == "select" else _custom
        return choose(interaction, target, self.text)


def _native(interaction: "Interaction", target: Target, wanted: str) -> Outcome:
    options = [Option(*each) for each in interaction.ask(target.id, "nativeOptions")["options"]]
    index = find_option(wanted, options)
    label = options[index].label
    if options[index].disabled:
        raise ActionFailedError(f'disabled: the option "{label}" cannot be chosen')
    interaction.ask(target.id, "pickNative", index, label)
    effect = interaction.settle(target)
    if effect.state is None:
        return Outcome(True, f"selected {label!r} in {target.label}, which is gone now", effect)
    held = effect.state["chosen"]
    if label not in held:
        return Outcome(False, f"{target.label} holds {', '.join(held)!r} instead of {label!r}", effect)
    return Outcome(True, f"selected {label!r} in {target.label}", effect)


@dataclass(frozen=True)
class _Custom:
    """An option of a list that the page draws."""

    option: Option
    id: ElementId
    role: str


def _custom(interaction: "Interaction", target: Target, wanted: str) -> Outcome:
    before = str(interaction.ask(target.id, "shownChoice", None)["text"])
    found = _listed(interaction, target, None)
    if not found and (target.state or {}).get("expanded") != "true":
        interaction.click(target)
        found = _listed(interaction, target, interaction.settle(target).fresh)
    chosen = _chosen(interaction, target, wanted, found)
    label = chosen.option.label
    interaction.click(interaction.aim(chosen.id))
    effect = interaction.settle(target)
    if effect.state is None:
        return Outcome(True, f"clicked the option {label!r} of {target.label}, which is gone now", effect)
    if chosen.role == "menuitem":
        return Outcome(True, f"clicked {label!r} in the menu of {target.label}", effect)
    shown = interaction.ask(target.id, "shownChoice", chosen.id.own)
    value = str(effect.state["value"])
    if shown["selected"] or shows(label, value) or times_shown(label, shown["text"]) > times_shown(label, before):
        return Outcome(True, f"selected {label!r} in {target.label}", effect)
    return Outcome(
        False, f"clicked the option {label!r}, but {target.label} shows {value!r}: see if it was taken", effect
    )


def _chosen(interaction: "Interaction", target: Target, wanted: str, found: Sequence[_Custom]) -> _Custom:
    """The wanted one of the options, or of those that show up when it is typed. Raises ActionFailedError."""
    refused = ActionFailedError(f"{target.label} showed no options; look at the page and click the wanted one")
    for typed in (False, True):
        listed = _typed_to_filter(interaction, target, wanted) if typed else found
        try:
            if listed:
                return listed[find_option(wanted, [each.option for each in listed])]
        except ActionFailedError as error:
            refused = error
    raise refused


def _listed(
    interaction: "Interaction", target: Target, fresh: Sequence[tuple[ElementId, str, str]] | None
) -> list[_Custom]:
    """The options that are visible; ``fresh`` is what opening the list brought up, None before."""
    appeared = None if fresh is None else [key.own for key, _, _ in fresh]
    rows = interaction.call(target.id.frame, "customOptions", target.id.own, appeared)["options"]
    return [
        _Custom(Option(label, value, disabled), ElementId(target.id.frame, own), role)
        for label, value, disabled, own, role in rows
    ]


def _typed_to_filter(interaction: "Interaction", target: Target, wanted: str) -> list[_Custom]:
    """Many comboboxes show options only after something is typed. Nothing is typed if the target takes no text."""
    interaction.call(target.id.frame, "arm")
    field = interaction.call(target.id.frame, "enter", target.id.own)
    if "error" in field:
        return []
    _replace(interaction, wanted, empty=field["empty"])
    listed = _listed(interaction, target, interaction.settle(target).fresh)
    if not _has(wanted, listed):
        # What was typed to search must not stay as a value.
        again = interaction.ask(ElementId(target.id.frame, str(field["id"])), "enter")
        _replace(interaction, str(field["state"]["raw"]), empty=again["empty"])
        interaction.settle(target)
    return listed


def _replace(interaction: "Interaction", text: str, *, empty: bool) -> None:
    if not empty:
        interaction.keyboard.delete()
    interaction.keyboard.insert(text)


def _has(wanted: str, listed: Sequence[_Custom]) -> bool:
    try:
        find_option(wanted, [each.option for each in listed])
    except ActionFailedError:
        return False
    return True
