"""Choosing an option: of a native select, of an open list, of a combobox that opens one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from skyvern_runner.actions.base import ElementAction, Text
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.option_match import Option, find_option, shows, times_shown
from skyvern_runner.input.outcome import Outcome, Target

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction

LIST_SECONDS: Final = 4.0
"""Longest wait for a list that loads its options."""
POLL_SECONDS: Final = 0.1


class SelectOption(ElementAction):
    """Choose one option by its label, or exactly those of a list of labels."""

    RULE: ClassVar = (
        "id, text = the label of the option as it is shown, or a list of labels to choose exactly these where several"
        " may be chosen. For native and for custom dropdowns."
    )
    INDEPENDENT: ClassVar = True

    type: Literal["select_option"] = "select_option"
    text: Text | Annotated[tuple[Text, ...], Field(min_length=1)]
    """Label of the option, or labels of several."""

    @property
    def argument(self) -> str:
        """The labels."""
        return self.text if isinstance(self.text, str) else ", ".join(self.text)

    def run(self, interaction: "Interaction") -> Outcome:
        """Choose by script in a native select and by clicks elsewhere; a refusal lists the options."""
        labels = (self.text,) if isinstance(self.text, str) else self.text
        if not all(label.strip() for label in labels):
            raise ActionFailedError("select_option needs the label of the option as its text")
        target = interaction.aim(self.id)
        if target.tag != "select":
            return _each_custom(interaction, target, labels)
        return (
            _native(interaction, target, self.text)
            if isinstance(self.text, str)
            else _several(interaction, target, labels)
        )


def _native(interaction: "Interaction", target: Target, wanted: str) -> Outcome:
    options = [Option(*each) for each in interaction.ask(target.id, "nativeOptions")["options"]]
    index = find_option(wanted, options)
    label = _usable(options[index])
    interaction.ask(target.id, "pickNative", index, label)
    effect = interaction.settle(target)
    if effect.state is None:
        return Outcome(True, f"selected {label!r} in {target.label}, which is gone now", effect)
    held = effect.state["chosen"]
    if label not in held:
        return Outcome(False, f"{target.label} holds {', '.join(held)!r} instead of {label!r}", effect)
    others = [each for each in held if each != label]
    beside = f", beside {', '.join(map(repr, others))}" if others else ""
    return Outcome(True, f"selected {label!r} in {target.label}{beside}", effect)


def _several(interaction: "Interaction", target: Target, labels: Sequence[str]) -> Outcome:
    """Choose exactly these options of a native list."""
    answer = interaction.ask(target.id, "nativeOptions")
    options = [Option(*each) for each in answer["options"]]
    if not answer["multiple"] and len(labels) > 1:
        raise ActionFailedError(f"{target.label} takes one option only")
    chosen = {index: _usable(options[index]) for index in (find_option(label, options) for label in labels)}
    interaction.ask(target.id, "pickSeveral", list(chosen.items()))
    effect = interaction.settle(target)
    wanted = [chosen[index] for index in sorted(chosen)]
    if effect.state is None:
        return Outcome(True, f"selected {wanted} in {target.label}, which is gone now", effect)
    held = effect.state["chosen"]
    return Outcome(held == wanted, f"{target.label} holds exactly {', '.join(map(repr, held)) or 'nothing'}", effect)


def _usable(option: Option) -> str:
    if option.disabled:
        raise ActionFailedError(f'disabled: the option "{option.label}" cannot be chosen')
    return option.label


def _each_custom(interaction: "Interaction", target: Target, labels: Sequence[str]) -> Outcome:
    """Choose options of a list that the page draws, one after another, up to the first that is not taken."""
    said: list[str] = []
    for number, label in enumerate(labels):
        outcome = _custom(interaction, target if number == 0 else interaction.aim(target.id), label)
        said.append(outcome.message)
        if not outcome.ok or number == len(labels) - 1:
            return replace(outcome, message="; ".join(said))
    raise ActionFailedError("select_option needs the label of the option as its text")


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
        if not found and target.tag not in {"input", "textarea"}:
            interaction.call(target.id.frame, "arm")
            found = _awaited(interaction, target, None)
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
        _Custom(Option(label, value, disabled, group), ElementId(target.id.frame, own), role)
        for label, value, disabled, group, own, role in rows
    ]


def _typed_to_filter(interaction: "Interaction", target: Target, wanted: str) -> list[_Custom]:
    """Many comboboxes show options only after something is typed. Nothing is typed if the target takes no text."""
    interaction.call(target.id.frame, "arm")
    field = interaction.call(target.id.frame, "enter", target.id.own)
    if "error" in field:
        return []
    _replace(interaction, wanted, empty=field["empty"])
    listed = _awaited(interaction, target, wanted)
    interaction.settle(target)
    if not _has(wanted, listed):
        # What was typed to search must not stay as a value.
        again = interaction.ask(ElementId(target.id.frame, str(field["id"])), "enter")
        _replace(interaction, str(field["state"]["raw"]), empty=again["empty"])
        interaction.settle(target)
    return listed


def _awaited(interaction: "Interaction", target: Target, wanted: str | None) -> list[_Custom]:
    """The options that a list shows once it has loaded them: the wanted one, or without one any."""
    frame = target.id.frame
    fresh: list[tuple[ElementId, str, str]] = []
    before: list[_Custom] = []
    end = time.monotonic() + LIST_SECONDS
    while True:
        rows = interaction.call(frame, "peekFresh")["fresh"]
        fresh += [(ElementId(frame, own), role, name) for own, role, name in rows]
        listed = _listed(interaction, target, fresh)
        came = listed if wanted is None else _has(wanted, listed)
        # A list that comes once for each key is replaced once more: two looks must show the same.
        if (came and listed == before) or time.monotonic() > end:
            return listed
        before = listed
        interaction.sleep(POLL_SECONDS)


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
