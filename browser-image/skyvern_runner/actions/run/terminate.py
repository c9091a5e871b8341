"""Giving up."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from skyvern_runner.actions.base import FinalAction
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ReplyError


class Terminate(FinalAction):
    """The goal cannot be reached."""

    RULE: ClassVar = "the goal cannot be reached. Give the reason; it is shown to the user."

    type: Literal["terminate"] = "terminate"

    def check(self, labels: Mapping[ElementId, str]) -> None:
        """Refuses to give up without a reason for the user."""
        if not self.reason.strip():
            raise ReplyError("terminate needs its reason: say why the goal cannot be reached")
