"""Values that are kept while there is room for them."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, each with a weight; those that nobody has asked for the longest go first."""

    def __init__(self, limit: int) -> None:
        """``limit`` is what all weigh together at most."""
        self._limit = limit
        self._values: OrderedDict[K, tuple[int, V]] = OrderedDict()
        self.weight = 0

    def get(self, key: K) -> V | None:
        """The value, if it is kept."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[1]

    def put(self, key: K, value: V, weight: int) -> V:
        """Keep a value, unless it alone is too heavy; returns it."""
        self.drop(key)
        if weight > self._limit:
            return value
        self._values[key] = (weight, value)
        self.weight += weight
        while self.weight > self._limit:
            self.weight -= self._values.popitem(last=False)[1][0]
        return value

    def drop(self, key: K) -> None:
        """Forget a value."""
        former = self._values.pop(key, None)
        self.weight -= former[0] if former else 0
