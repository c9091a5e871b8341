"""Values of an action: what it aims at, what was seen afterwards, and the result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skyvern_runner.browser.element_id import ElementId, Frame


@dataclass(frozen=True)
class Target:
    """An element that an action aims at."""

    id: ElementId
    label: str = ""
    """Role and name."""
    tag: str = ""
    type: str = ""
    """Type of an input."""
    token: str = ""
    """The document that holds it."""
    x: float = 0.0
    y: float = 0.0
    """Where to click it, in the page."""
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class TextChanges:
    """Texts that changed with an action."""

    appeared: tuple[str, ...] = ()
    more: int = 0
    """How many more appeared."""
    vanished: tuple[str, ...] = ()
    flashed: tuple[str, ...] = ()
    """Shown for a moment only."""


@dataclass(frozen=True)
class Effect:
    """What was seen after an action."""

    url: str
    token: str
    mutations: int
    fresh: tuple[tuple[ElementId, str, str], ...]
    """Controls that appeared: id, role, name."""
    messages: tuple[str, ...]
    """Alerts and status lines that appeared."""
    frame: Frame
    """The document that was watched."""
    state: Mapping[str, Any] | None
    """State of the target afterwards; None when it is gone."""
    events: Mapping[str, int] | None = None
    """Input events that the document got since the action began, by type; None if that cannot be known."""
    texts: TextChanges = field(default_factory=TextChanges)
    """Other texts that appeared, vanished or did not last."""
    changes: tuple[str, ...] = ()
    """Other fields and controls that changed, with what they hold now."""
    complaints: tuple[str, ...] = ()
    """What the browser itself says about fields that stop a form from being sent."""
    strayed: str = ""
    """Where the page moved the focus while something was typed; nothing was typed there."""

    def missed(self, *types: str) -> bool:
        """Whether it is certain that the document got none of these events."""
        return self.events is not None and not any(self.events.get(each) for each in types)


@dataclass(frozen=True)
class Outcome:
    """What came of an action, before it is known what else the page did."""

    ok: bool
    """Whether the intended effect was seen."""
    message: str
    effect: Effect
    shown: str = ""
    """Text of the page that the model asked for."""


@dataclass(frozen=True)
class ActionResult:
    """What an action did, read back from the page."""

    ok: bool
    """Whether the intended effect was seen."""
    message: str
    """The effect, or the cause of the failure, in one line."""
    changed_page: bool = False
    """Another document or tab is in front, or the address changed: look again before the next action."""
    stale: bool = False
    """The element is gone or means something else now: the page changed before this action."""
    url_before: str = ""
    url_after: str = ""
    new_elements: tuple[str, ...] = ()
    """Controls that appeared, as ``[id] role "name"``."""
    shown: str = ""
    """Text of the page that the model asked for."""
