"""Several candidates against one Lease, with slow answers, lost answers, pauses and clocks that do not agree."""

import heapq
import math
import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from skyvern_operator.process.leadership import (
    Known,
    Lease,
    Look,
    StepDown,
    Take,
    Timing,
    Wait,
    decide,
    failed,
    leads_until,
    looked,
    stepped_down,
    wrote,
)

Process = Generator[float, float, float]
"""Yields for how long it does nothing, and is sent the time after that."""
TIMING = Timing(lease_seconds=7, renew_seconds=5, retry_seconds=1)


@dataclass
class Server:
    """Holds the Lease; a write of another version than the present one is a conflict."""

    lease: Lease | None = None
    writes: int = 0

    def take(self, seen: Lease | None, name: str) -> Lease | None:
        """The Lease after a write; None for a conflict."""
        if (seen.version if seen else None) != (self.lease.version if self.lease else None):
            return None
        self.writes += 1
        self.lease = Lease(str(self.writes), name, str(self.writes), TIMING.lease_seconds, 0)
        return self.lease


@dataclass
class Candidate:
    """One operator; ``leads`` are the times from when it knew of a lead until it had to stop writing."""

    name: str
    skew: float
    latency: float
    longest_pause: float
    known: Known = field(default_factory=Known)
    leads: list[tuple[float, float]] = field(default_factory=list)

    def campaign(self, server: Server, rng: random.Random) -> Process:
        """What it does for ever."""
        now = 0.0
        while True:
            match decide(self.name, TIMING, self.known, now + self.skew):
                case Wait(seconds):
                    assert seconds > 0
                    now = yield seconds + self._pause(rng)
                case StepDown():
                    self.known = stepped_down(self.known)
                case (Look() | Take()) as step:
                    now = yield from self._request(step, server, rng, now)

    def _request(self, step: Look | Take, server: Server, rng: random.Random, now: float) -> Process:
        started = now + self.skew
        until = leads_until(self.known, TIMING)
        patience = until - started if until > started else TIMING.renew_seconds
        now = yield rng.uniform(0, self.latency) + self._pause(rng)
        answer = server.lease if isinstance(step, Look) else server.take(self.known.lease, self.name)
        now = yield rng.uniform(0, self.latency) + self._pause(rng)
        local = now + self.skew
        if local - started > patience:
            self.known = failed(self.known, TIMING, local, conflict=False)
        elif isinstance(step, Look):
            self.known = looked(self.known, TIMING, answer, local)
        elif answer is None:
            self.known = failed(self.known, TIMING, local, conflict=True)
        else:
            self.known = wrote(self.known, TIMING, answer, started)
            self.leads.append((now, leads_until(self.known, TIMING) - self.skew))
        return now

    def _pause(self, rng: random.Random) -> float:
        return rng.uniform(0, self.longest_pause) if rng.random() < 0.1 else 0.0


def play(candidates: Sequence[Candidate], rng: random.Random, seconds: float, dies: float = math.inf) -> None:
    """Run the candidates side by side; the one that leads at the moment ``dies`` does nothing from then on."""
    server, dead = Server(), None
    processes = [each.campaign(server, rng) for each in candidates]
    line = [(next(process), number) for number, process in enumerate(processes)]
    heapq.heapify(line)
    while line[0][0] < seconds:
        now, number = line[0]
        if dead is None and now >= dies and server.lease is not None:
            dead = server.lease.holder
        silent = candidates[number].name == dead
        heapq.heapreplace(line, (math.inf if silent else now + processes[number].send(now), number))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    skews=st.lists(st.floats(0, 1e6), min_size=2, max_size=4),
    latency=st.sampled_from([0.01, 0.5, 3.0]),
    longest_pause=st.sampled_from([0.0, 2.0, 30.0]),
)
def test_no_two_operators_may_write_at_the_same_time(
    seed: int, skews: list[float], latency: float, longest_pause: float
) -> None:
    candidates = [Candidate(str(number), skew, latency, longest_pause) for number, skew in enumerate(skews)]
    play(candidates, random.Random(seed), 200)
    leads = sorted((*lead, each.name) for each in candidates for lead in each.leads if lead[0] < lead[1])
    ends: dict[str, float] = {}
    for begin, end, name in leads:
        assert all(begin >= other_end for other, other_end in ends.items() if other != name)
        ends[name] = max(end, ends.get(name, end))
    assert leads


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), dies=st.floats(20, 40), others=st.integers(1, 3))
def test_another_leads_within_ten_seconds_of_the_leaders_death(seed: int, dies: float, others: int) -> None:
    candidates = [Candidate(str(number), 0.0, 0.2, 0.0) for number in range(others + 1)]
    play(candidates, random.Random(seed), 80, dies)
    before = max((begin, each.name) for each in candidates for begin, _ in each.leads if begin < dies)
    after = min(begin for each in candidates for begin, _ in each.leads if begin >= dies and each.name != before[1])
    assert after - dies < 10
