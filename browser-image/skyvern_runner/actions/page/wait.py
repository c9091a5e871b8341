"""Waiting for the page."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field

from skyvern_runner.actions.base import Action

DEFAULT_SECONDS: Final = 2.0
MAX_SECONDS: Final = 30.0


class Wait(Action):
    """Wait, and look again."""

    RULE: ClassVar = "seconds, when the page is still loading."

    type: Literal["wait"] = "wait"
    seconds: Annotated[
        float, Field(ge=0), BeforeValidator(lambda value: DEFAULT_SECONDS if value is None else value)
    ] = DEFAULT_SECONDS

    def run(self, sleep: Callable[[float], None]) -> str:
        """Wait with ``sleep``, which may raise Stopped. Returns how long it was, for the history."""
        seconds = min(MAX_SECONDS, self.seconds)
        sleep(seconds)
        return f"waited {seconds:g} s"
