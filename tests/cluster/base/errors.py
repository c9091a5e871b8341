"""What can go wrong while a local cluster is set up, in words that say what to do."""


class SetupError(Exception):
    """A set-up step that cannot go on: what happened, and what the reader can do about it."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}\n  {remedy}" if remedy else problem)
