"""Noticing when the agent repeats itself without effect."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from skyvern_runner.actions.base import Action
from skyvern_runner.actions.page.wait import Wait

WINDOW: Final = 20
"""How many steps are remembered."""
NUDGE_AT: Final = 3
"""Repeats after which the model gets a note."""
STOP_AT: Final = 8
"""Repeats after which the run ends."""


_INCIDENTAL: Final = {"reason", "seconds"}
"""Fields in which equal actions may differ."""


class RepeatState(StrEnum):
    """What the last step was, compared with earlier ones."""

    FINE = "fine"
    REPEATING = "repeating"
    STUCK = "stuck"


@dataclass(frozen=True)
class _Turn:
    page: str
    actions: tuple[str, ...]


class RepeatDetector:
    """Counts the same actions on the same page within a window of steps."""

    def __init__(self, *, nudge_at: int = NUDGE_AT, stop_at: int = STOP_AT) -> None:
        self._turns: deque[_Turn] = deque(maxlen=WINDOW)
        self._nudge_at = nudge_at
        self._stop_at = stop_at

    def note(self, page: str, actions: Sequence[Action]) -> RepeatState:
        """Record a step; ``page`` is the digest of what the page showed.

        Waiting does not count as repeating; the step budget limits it.
        """
        if all(isinstance(action, Wait) for action in actions):
            return RepeatState.FINE
        turn = _Turn(page, tuple(action.model_dump_json(exclude=_INCIDENTAL) for action in actions))
        self._turns.append(turn)
        repeats = self._turns.count(turn)
        if repeats >= self._stop_at:
            return RepeatState.STUCK
        return RepeatState.REPEATING if repeats >= self._nudge_at else RepeatState.FINE
