"""Errors of the set-up of a local cluster."""


class SetupError(Exception):
    """A set-up step failed: the problem, and what the reader can do about it."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}\n  {remedy}" if remedy else problem)
