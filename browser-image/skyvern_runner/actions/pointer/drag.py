"""Dragging an element to another place."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_runner.actions.base import ElementAction, OptionalId
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ActionFailedError, ReplyError
from skyvern_runner.input.outcome import Effect, Outcome, Target

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class Drag(ElementAction):
    """Press on an element, move the pointer to another element or by an offset, and release."""

    RULE: ClassVar = (
        "id, to = the id to drop it on, or null; x, y = pixels to the right and down, from the middle of to, or without"
        " to from where the drag begins."
    )

    type: Literal["drag"] = "drag"
    to: OptionalId = None
    """Where to drop it."""
    x: float = 0
    y: float = 0

    def check(self, labels: Mapping[ElementId, str]) -> None:
        """Also the place to drop it must be known."""
        super().check(labels)
        if self.to is not None and self.to not in labels:
            raise ReplyError(f"there is no element [{self.to}] on this page; use only ids that the outline shows")
        if self.to is None and not (self.x or self.y):
            raise ReplyError("drag needs to = the id of the element to drop it on, or x and y = pixels")

    def describe(self, label: str) -> str:
        """Also shows where to."""
        onto = f" to [{self.to}]" if self.to is not None else ""
        by = f" by {self.x:g},{self.y:g}" if self.x or self.y else ""
        return f"{super().describe(label)}{onto}{by}"

    def run(self, interaction: "Interaction") -> Outcome:
        """Drag with the mouse, which the browser turns into drag and drop where the page wants it."""
        onto = interaction.aim(self.to, force=True) if self.to is not None else None
        source = interaction.aim(self.id)
        start = (source.x, source.y)
        base = _middle(interaction, onto.id) if onto else start
        before = _middle(interaction, self.id)
        end = (base[0] + self.x, base[1] + self.y)
        interaction.pointer.drag(start, end)
        effect = interaction.settle(source)
        if effect.missed("mousedown", "dragstart"):
            return Outcome(False, f"the page did not see that {source.label} was dragged: look again", effect)
        where = f"onto {onto.label}" if onto else f"by {self.x:g},{self.y:g} px"
        changed = _changed(interaction, source, effect, before)
        events = effect.events or {}
        if events.get("dragstart") and not events.get("drop") and not changed:
            return Outcome(False, f"dragged {source.label} {where}, where nothing took it", effect)
        return Outcome(True, f"dragged {source.label} {where}{changed or ', nothing on the page changed'}", effect)


def _middle(interaction: "Interaction", element: ElementId) -> tuple[float, float]:
    box = interaction.ask(element, "boxOf")
    if not box["inView"]:
        raise ActionFailedError("both ends of a drag must be in view together: scroll, or drag in two steps")
    x, y = interaction.origin(element.frame)
    return float(box["x"]) + x, float(box["y"]) + y


def _changed(interaction: "Interaction", source: Target, effect: Effect, before: tuple[float, float]) -> str:
    """What became of the element and its value; empty if nothing did."""
    if effect.token != source.token:
        return ", which led to another page"
    if effect.state is None:
        return ", it is gone from where it was"
    held, value = str((source.state or {}).get("value", "")), str(effect.state["value"])
    if value != held:
        return f", it holds {value!r} now"
    box = interaction.call(source.id.frame, "boxOf", source.id.own)
    if "error" not in box:
        x, y = interaction.origin(source.id.frame)
        dx, dy = round(box["x"] + x - before[0]), round(box["y"] + y - before[1])
        if dx or dy:
            return f", it has moved by {dx},{dy} px"
    return ", the page changed" if effect.mutations else ""
