"""Samples of a duration, their spread, and the form in which benchmarks show and keep them."""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

OUTPUT: Final = Path(__file__).parents[2] / "build" / "bench"


@dataclass(frozen=True)
class Samples:
    """Durations of one thing in milliseconds, in the order in which they were taken."""

    ms: tuple[float, ...]

    @classmethod
    def of(cls, ms: Sequence[float]) -> Self:
        """At least one duration."""
        return cls(tuple(ms))

    @property
    def least(self) -> float:
        """The shortest."""
        return min(self.ms)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.ms)

    @property
    def p99(self) -> float:
        """99 of 100 are not longer (nearest rank); the longest of fewer than 100."""
        return sorted(self.ms)[-(-len(self.ms) * 99 // 100) - 1]


def stopwatch(call: Callable[[], object]) -> float:
    """Milliseconds that a call takes."""
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def by_turns(rounds: int, calls: Mapping[str, Callable[[int], object]]) -> dict[str, Samples]:
    """Time each call once a round, one after the other, so that the machine's load affects all of them alike.

    A call is given the number of its round, from 1; round 0 warms up and is not counted.
    """
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            begun = time.perf_counter()
            call(number)
            if number:
                taken[name].append((time.perf_counter() - begun) * 1000)
    return {name: Samples.of(ms) for name, ms in taken.items()}


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  " + "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines
    )


def keep(name: str, figures: Mapping[str, Any]) -> Path:
    """Write the figures, and a description of the machine, to build/bench; return the path."""
    machine = {"cpus": os.cpu_count(), "load_after": os.getloadavg()[0], "python": sys.version.split()[0]}
    target = OUTPUT / f"{name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({**figures, "machine": machine}, indent=1) + "\n", encoding="utf-8")
    return target
