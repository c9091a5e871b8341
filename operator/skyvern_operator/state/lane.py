"""A lane of the work queue, in which namespaces take turns: many keys of one do not hold up those of another."""

from collections import OrderedDict

from skyvern_operator.state.records import TaskKey


class Lane:
    """Keys, each with the time at which it was added. Within a namespace the first to come is the first to go."""

    def __init__(self) -> None:
        self._namespaces: OrderedDict[str, OrderedDict[TaskKey, float]] = OrderedDict()
        """The namespace whose turn it is first. None is empty."""
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __contains__(self, key: TaskKey) -> bool:
        return key in self._namespaces.get(key.namespace, ())

    def add(self, key: TaskKey, at: float) -> None:
        """Add a key that the lane does not have."""
        self._namespaces.setdefault(key.namespace, OrderedDict())[key] = at
        self._length += 1

    def remove(self, key: TaskKey) -> float | None:
        """Take a key out of turn. Returns when it was added; None if the lane does not have it."""
        if key not in self:
            return None
        added = self._namespaces[key.namespace].pop(key)
        self._shrunk(key.namespace)
        return added

    def pop(self) -> tuple[TaskKey, float]:
        """The next key, and when it was added. Raises KeyError when the lane is empty."""
        namespace, keys = self._namespaces.popitem(last=False)
        self._namespaces[namespace] = keys
        key, added = keys.popitem(last=False)
        self._shrunk(namespace)
        return key, added

    def _shrunk(self, namespace: str) -> None:
        self._length -= 1
        if not self._namespaces[namespace]:
            del self._namespaces[namespace]
