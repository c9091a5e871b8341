"""The line of tasks that wait for a slot: one a namespace and limited profile, by priority and then by age. Pure."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from skyvern_operator.state.records import TaskKey, TaskRecord


class Place(NamedTuple):
    """A task's place in its line."""

    rank: int
    """The priority, negated."""
    created_at: datetime
    key: TaskKey
    uid: str


def place_of(task: TaskRecord) -> Place:
    """Where a task belongs in its line."""
    return Place(-task.priority, task.created_at, task.key, task.uid)


@dataclass(slots=True)
class Line:
    """Tasks of one namespace, with one limited profile or with none, in the order in which they start."""

    places: list[Place] = field(default_factory=list)
    joined: list[Place] = field(default_factory=list)
    """Those that have come since the last look at the line."""
    left: int = 0
    """How many have gone since then."""

    def join(self, place: Place) -> None:
        """Add a task."""
        insort(self.places, place)
        self.joined.append(place)

    def leave(self, place: Place) -> None:
        """Remove a task that is in the line."""
        del self.places[bisect_left(self.places, place)]
        self.left += 1

    def moved(self) -> Iterator[tuple[int, Place]]:
        """Numbers and places, from 1, of the tasks whose rough place may have changed since the last call.

        A rough place ends at a power of ten, so that only those near one can have crossed it.
        """
        joined, left = self.joined, self.left
        self.joined, self.left = [], 0
        near = {bisect_left(self.places, place) + 1 for place in joined}
        bound = 1
        while bound <= len(self.places):
            near.update(range(bound - left, bound + len(joined) + 1))
            bound *= 10
        for number in sorted(near):
            if 0 < number <= len(self.places):
                yield number, self.places[number - 1]


def rough_place(number: int) -> str:
    """The place in words, so that a task's status changes only a few times while the line moves."""
    if number == 1:
        return "next in its line"
    bound = 10
    while number > bound:
        bound *= 10
    return f"among the next {bound} in its line"
