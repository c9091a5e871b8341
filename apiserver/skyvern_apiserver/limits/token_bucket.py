"""A rate that short bursts may exceed."""

from typing import Final

BURST_SECONDS: Final = 10
"""How long unused room is kept."""


class TokenBucket:
    """Gains ``rate`` tokens a second, up to those of BURST_SECONDS; the rate may differ from one call to the next."""

    __slots__ = ("_at", "_spent")

    def __init__(self) -> None:
        self._spent = 0.0
        self._at = 0.0

    def take(self, rate: int, now: float) -> float:
        """Take a token and return 0, or return the seconds until there is one. ``rate`` 0 is no limit."""
        if not rate:
            return 0.0
        spent = max(0.0, self._spent - (now - self._at) * rate)
        self._spent, self._at = spent, now
        excess = spent + 1 - rate * BURST_SECONDS
        if excess > 0:
            return excess / rate
        self._spent += 1
        return 0.0
