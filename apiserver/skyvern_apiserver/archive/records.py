"""Final records of tasks: storing one with its entries in the index, and reading it back."""

import asyncio
import uuid
from dataclasses import replace
from typing import Final

from skyvern_apiserver.archive.index import ArchiveIndex
from skyvern_apiserver.archive.kept import Kept
from skyvern_apiserver.archive.layout import (
    SORTS,
    Entry,
    day_of,
    days_key,
    entry_key,
    entry_of,
    name_key,
)
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.errors import TaskNotFoundError
from skyvern_apiserver.storage.artifact_store import ArtifactStore, TooLargeError
from skyvern_crds import wire
from skyvern_crds.ids import name_of, task_id_of
from skyvern_crds.rest.archive import MAX_RECORD_BYTES, record_key
from skyvern_crds.vocabulary import OBJECT_NAME

KEPT_BYTES: Final = 8 * 1024 * 1024
"""Room for records that have been read."""
OVERHEAD_BYTES: Final = 1024
"""What a kept record takes besides its packed part."""
AT_ONCE: Final = 16
"""Records of a page that are read at a time."""
_MAX_UID: Final = 64


class Archive:
    """The final records. Every method raises UnavailableError when the store fails."""

    def __init__(self, store: ArtifactStore) -> None:
        self.index = ArchiveIndex(store)
        self._store = store
        self._kept: Kept[tuple[str, str, str], TaskRecord] = Kept(KEPT_BYTES)

    async def store(self, task: TaskRecord, content: bytes) -> None:
        """Store the record of a task, and index it; storing it again, also after a change, is harmless.

        The days' versions change last: what has not got so far does not count as stored, and is stored again.
        """
        before = await self._load(task.namespace, task.name, task.uid)
        new = {sort: entry_of(task, sort) for sort in SORTS}
        old = {sort: entry_of(before, sort) for sort in SORTS} if before else {}
        stale = [(sort, entry) for sort, entry in old.items() if entry != new[sort]]
        await asyncio.gather(
            *(self._store.put_bytes(entry_key(task.namespace, sort, entry), b"") for sort, entry in new.items()),
            self._store.put_bytes(name_key(task.namespace, task.name), task.uid.encode()),
        )
        await asyncio.gather(*(self._store.delete(entry_key(task.namespace, sort, entry)) for sort, entry in stale))
        await self._store.put_bytes(record_key(task.namespace, task.name, task.uid), content)
        changed = {f"{days_key(task.namespace, sort)}/{day_of(each.time)}" for sort, each in (*new.items(), *stale)}
        await asyncio.gather(*(self._store.put_bytes(key, uuid.uuid4().hex.encode()) for key in sorted(changed)))
        self._kept.drop((task.namespace, task.name, task.uid))

    async def find(self, namespace: str, task_id: str) -> TaskRecord:
        """The newest task with this id that has left the cluster. Raises TaskNotFoundError."""
        name = name_of(task_id)
        if task_id_of(name) != task_id or not OBJECT_NAME.fullmatch(name):
            raise TaskNotFoundError(task_id)
        uid = await self._store.read(name_key(namespace, name), _MAX_UID)
        task = await self.read(namespace, name, uid.decode()) if uid else None
        if task is None:
            raise TaskNotFoundError(task_id)
        return task

    async def of_entries(self, namespace: str, entries: list[Entry]) -> dict[str, TaskRecord]:
        """The tasks of entries, by uid; one whose record has been removed from the store is left out."""
        free = asyncio.Semaphore(AT_ONCE)

        async def read(entry: Entry) -> TaskRecord | None:
            async with free:
                return await self.read(namespace, entry.name, entry.uid)

        found = await asyncio.gather(*map(read, entries))
        return {task.uid: task for task in found if task is not None}

    async def read(self, namespace: str, name: str, uid: str) -> TaskRecord | None:
        """The record of a task; None where none is stored that can be read."""
        key = (namespace, name, uid)
        known = self._kept.get(key)
        if known is not None:
            return known
        task = await self._load(namespace, name, uid)
        return None if task is None else self._kept.put(key, task, len(task.packed) + OVERHEAD_BYTES)

    async def _load(self, namespace: str, name: str, uid: str) -> TaskRecord | None:
        try:
            content = await self._store.read(record_key(namespace, name, uid), MAX_RECORD_BYTES)
            obj = wire.loads(content) if content is not None else None
        except (TooLargeError, ValueError):
            return None
        if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict):
            return None
        return replace(record_of(obj), archived=True)
