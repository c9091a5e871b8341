"""Who leads: what an operator does next about the Lease, decided from what it has seen. Pure.

Times are seconds of this machine's clock. They are never compared with those in the Lease, so machines' clocks need not
agree: a standby counts from the moment at which it last saw the Lease change, which is later than the change.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a lead lasts."""

    lease_seconds: int
    """For the others, from the last renewal that they saw."""
    renew_seconds: float
    """For the leader itself, from the start of its last renewal. It is shorter, by the time that a write under way may
    take to arrive."""
    retry_seconds: float
    """Pause between two requests about the Lease."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What a Lease object says."""

    version: str
    holder: str
    """Empty once it has been released."""
    renewed: str
    """As its holder wrote it: another value means another renewal, and nothing else is made of it."""
    seconds: float
    transitions: int

    def says_the_same(self, other: "Lease | None") -> bool:
        """Whether only the object around it has changed, such as a label."""
        return other is not None and replace(other, version=self.version) == self


@dataclass(frozen=True, slots=True)
class Known:
    """What an operator knows about the Lease; made by :func:`looked`, :func:`wrote` and :func:`failed`."""

    lease: Lease | None = None
    """None: there is none, or it has not been looked at."""
    current: bool = False
    """Whether the last request brought what the Lease says."""
    seen: bool = False
    """Whether there has ever been one."""
    changed_at: float = 0.0
    """When another content, or its absence, was first seen."""
    due: float = float("-inf")
    """When the next request is due."""
    renewed_at: float | None = None
    """While leading, the start of our last write that succeeded."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Look:
    """Read the Lease."""


@dataclass(frozen=True, slots=True)
class Take:
    """Write our name and a new time into the Lease, provided that it is still as it was seen; create it if absent."""


@dataclass(frozen=True, slots=True)
class StepDown:
    """Stop leading at once."""

    why: str


Step = Wait | Look | Take | StepDown


def leads_until(known: Known, timing: Timing) -> float:
    """The moment from which an operator must not write. It has passed for a standby."""
    return float("-inf") if known.renewed_at is None else known.renewed_at + timing.renew_seconds


def decide(me: str, timing: Timing, known: Known, now: float) -> Step:
    """The next step of the operator named ``me``."""
    if known.renewed_at is not None:
        return _as_leader(me, timing, known, now)
    free_at = _free_at(me, timing, known)
    if known.current and now >= free_at:
        return Take()
    if now >= known.due:
        return Look()
    return Wait((min(known.due, free_at) if known.current else known.due) - now)


def _as_leader(me: str, timing: Timing, known: Known, now: float) -> Step:
    until = leads_until(known, timing)
    if now >= until:
        return StepDown(f"the Lease was not renewed for {timing.renew_seconds:g} s")
    if known.lease is not None and known.lease.holder != me:
        return StepDown(f"the Lease is held by {known.lease.holder or 'nobody'}")
    if now < known.due:
        return Wait(min(known.due, until) - now)
    return Take() if known.current else Look()


def _free_at(me: str, timing: Timing, known: Known) -> float:
    """The moment from which a standby may take the Lease."""
    lease = known.lease
    if lease is None:
        # Somebody may have deleted it under a leader, which relies on it for a while and makes it again.
        return known.changed_at + timing.lease_seconds if known.seen else float("-inf")
    return float("-inf") if lease.holder in ("", me) else known.changed_at + lease.seconds


def looked(known: Known, timing: Timing, lease: Lease | None, now: float) -> Known:
    """After the Lease was read; None when there is none. A leader that had to look renews at once."""
    same = lease.says_the_same(known.lease) if lease is not None else known.lease is None
    return replace(
        known,
        lease=lease,
        current=True,
        seen=known.seen or lease is not None,
        changed_at=known.changed_at if same else now,
        due=now if known.renewed_at is not None else now + timing.retry_seconds,
    )


def wrote(known: Known, timing: Timing, lease: Lease, started: float) -> Known:
    """After a write of ours that began at ``started`` succeeded: we lead from then on."""
    return replace(
        known,
        lease=lease,
        current=True,
        seen=True,
        changed_at=started,
        due=started + timing.retry_seconds,
        renewed_at=started,
    )


def failed(known: Known, timing: Timing, now: float, *, conflict: bool) -> Known:
    """After a request that failed, or was answered too late to know. A conflict means that there is news to look at."""
    return replace(known, current=False, due=now if conflict else now + timing.retry_seconds)


def stepped_down(known: Known) -> Known:
    """A standby, with the same knowledge."""
    return replace(known, renewed_at=None)
