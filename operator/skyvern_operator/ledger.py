"""What the watches have delivered: the evidence by which a dead watch is told from a quiet one."""

from collections.abc import Iterable, Mapping


class Ledger:
    """Newest version of each object that the watch of one kind has delivered, deletions included."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}

    def saw(self, uid: str, version: int) -> None:
        """The watch has delivered an event."""
        if self._versions.get(uid, -1) < version:
            self._versions[uid] = version

    def missing(self, listed: Mapping[str, int]) -> set[str]:
        """Uids of listed objects of which the watch has not delivered this version or a newer one."""
        return {uid for uid, version in listed.items() if self._versions.get(uid, -1) < version}

    def keep(self, uids: Iterable[str]) -> None:
        """Forget all but these objects."""
        wanted = set(uids)
        for uid in [uid for uid in self._versions if uid not in wanted]:
            del self._versions[uid]
