"""Records what the watches have delivered, which tells a dead watch from a quiet one."""

from collections.abc import Mapping


class DeliveryLog:
    """Newest version of each object that a watch has delivered, deletions included."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self.events = 0
        """How many events the watch has delivered."""

    def saw(self, uid: str, version: int) -> None:
        """Record an event that the watch delivered."""
        self.events += 1
        if self._versions.get(uid, -1) < version:
            self._versions[uid] = version

    def missing(self, listed: Mapping[str, int]) -> set[str]:
        """Uids of listed objects that the watch has not delivered in this version or a newer one."""
        return {uid for uid, version in listed.items() if self._versions.get(uid, -1) < version}

    def forget_absent(self, listed: Mapping[str, int], as_of: int) -> None:
        """Forget objects that a list of version ``as_of`` no longer has, unless they were delivered after it."""
        for uid in [uid for uid, version in self._versions.items() if uid not in listed and version <= as_of]:
            del self._versions[uid]
