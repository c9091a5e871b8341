"""Claiming that the goal is reached."""

from typing import ClassVar, Literal

from skyvern_runner.actions.base import FinalAction


class Complete(FinalAction):
    """The goal is reached; a second question to the model checks the claim."""

    RULE: ClassVar = "the goal is reached and this page shows it. Give the evidence as the reason."

    type: Literal["complete"] = "complete"
