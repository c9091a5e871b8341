"""Who leads: each row is what an operator knows about the Lease at a moment, and what it does next."""

from dataclasses import replace

import pytest

from skyvern_operator.process.elector import own_identity
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

TIMING = Timing(lease_seconds=8, renew_seconds=5, retry_seconds=1)
OURS = Lease("7", "me", "t0", 8, 0)
THEIRS = Lease("7", "other", "t0", 8, 0)
RELEASED = replace(THEIRS, holder="")
LEADING = wrote(Known(), TIMING, OURS, 100)
STANDING_BY = looked(Known(), TIMING, THEIRS, 100)

ROWS = {
    "nothing known yet": (Known(), 100, Look()),
    "nobody has ever led": (looked(Known(), TIMING, None, 100), 100, Take()),
    "another leads": (STANDING_BY, 100, Wait(1)),
    "another leads, and it is time to look": (STANDING_BY, 101, Look()),
    "another's renewal was seen in time": (
        looked(STANDING_BY, TIMING, replace(THEIRS, renewed="t1"), 107),
        108,
        Look(),
    ),
    "another has renewed nothing for almost its lease": (looked(STANDING_BY, TIMING, THEIRS, 107.5), 107.5, Wait(0.5)),
    "another has renewed nothing for its lease": (looked(STANDING_BY, TIMING, THEIRS, 107.5), 108, Take()),
    "only a label of a dead leader's Lease changes": (
        looked(STANDING_BY, TIMING, replace(THEIRS, version="9"), 107.5),
        108,
        Take(),
    ),
    "a dead leader had a longer lease": (looked(Known(), TIMING, replace(THEIRS, seconds=15), 100), 108, Look()),
    "the leader has released it": (looked(STANDING_BY, TIMING, RELEASED, 101), 101, Take()),
    "it carries our name from before": (looked(STANDING_BY, TIMING, OURS, 101), 101, Take()),
    "another was faster": (failed(looked(STANDING_BY, TIMING, RELEASED, 101), TIMING, 101, conflict=True), 101, Look()),
    "a standby got no answer": (failed(STANDING_BY, TIMING, 101, conflict=False), 101, Wait(1)),
    "a standby gets no answer for longer than the lease": (
        failed(STANDING_BY, TIMING, 120, conflict=False),
        121,
        Look(),
    ),
    "somebody deleted it under a leader": (looked(STANDING_BY, TIMING, None, 101), 101, Wait(1)),
    "somebody deleted it, and no leader made it again": (
        looked(looked(STANDING_BY, TIMING, None, 101), TIMING, None, 109),
        109,
        Take(),
    ),
    "leading": (LEADING, 100.25, Wait(0.75)),
    "leading, and it is time to renew": (LEADING, 101, Take()),
    "a renewal got no answer": (failed(LEADING, TIMING, 103, conflict=False), 103.5, Wait(0.5)),
    "a renewal got no answer, and time runs out": (failed(LEADING, TIMING, 104.5, conflict=False), 104.5, Wait(0.5)),
    "no renewal for as long as a leader may rely on": (
        failed(LEADING, TIMING, 104.5, conflict=False),
        105,
        StepDown("the Lease was not renewed for 5 s"),
    ),
    "stopped for a minute, then resumed": (LEADING, 160, StepDown("the Lease was not renewed for 5 s")),
    "a renewal met a conflict": (failed(LEADING, TIMING, 101, conflict=True), 101, Look()),
    "it was a label": (
        looked(failed(LEADING, TIMING, 101, conflict=True), TIMING, replace(OURS, version="9"), 101),
        101,
        Take(),
    ),
    "it was another leader": (
        looked(failed(LEADING, TIMING, 101, conflict=True), TIMING, THEIRS, 101),
        101,
        StepDown("the Lease is held by other"),
    ),
    "it was a person who emptied it": (
        looked(failed(LEADING, TIMING, 101, conflict=True), TIMING, RELEASED, 101),
        101,
        StepDown("the Lease is held by nobody"),
    ),
    "it was deleted": (looked(failed(LEADING, TIMING, 101, conflict=True), TIMING, None, 101), 101, Take()),
    "stepped down, and no other has taken it": (stepped_down(LEADING), 160, Take()),
}


@pytest.mark.parametrize(("known", "now", "step"), ROWS.values(), ids=ROWS)
def test_next_step(known: Known, now: float, step: object) -> None:
    assert decide("me", TIMING, known, now) == step


def test_restarted_container_has_the_name_of_its_predecessor_and_any_other_process_its_own() -> None:
    assert own_identity("a-uid") == own_identity("a-uid")
    assert len({own_identity("a-uid"), own_identity("other"), own_identity(None), own_identity(None)}) == 4


def test_renewal_whose_answer_came_late_counts_from_when_it_was_sent() -> None:
    renewed = wrote(LEADING, TIMING, replace(OURS, version="8"), 101)
    assert leads_until(renewed, TIMING) == 106


def test_leader_stops_before_any_standby_may_take_over() -> None:
    """The standby sees the renewal as early as it can: when the request that makes it is sent."""
    standby = looked(Known(), TIMING, THEIRS, 100)
    leader = wrote(Known(), TIMING, THEIRS, 100)
    moments = [100 + tenth / 10 for tenth in range(200)]
    leads = [moment for moment in moments if moment < leads_until(leader, TIMING)]
    takes = [moment for moment in moments if decide("me", TIMING, replace(standby, due=1000), moment) == Take()]
    assert leads[-1] < takes[0] - 2


def test_standby_does_not_lead() -> None:
    assert leads_until(STANDING_BY, TIMING) == leads_until(stepped_down(LEADING), TIMING) == float("-inf")
