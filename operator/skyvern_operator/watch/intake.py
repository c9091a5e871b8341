"""Takes in objects from watches and lists, one by one: an error of one object affects that object alone."""

from datetime import UTC, datetime
from typing import Any, Final

from skyvern_crds.client import Change, ChangeType, JsonObject
from skyvern_crds.stored import StoredMetadata, read_metadata
from skyvern_operator.process.isolation import Where, isolated
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import PodRecord, TaskKey, TaskRecord
from skyvern_operator.state.store import Store
from skyvern_operator.watch.task_streams import TaskStreams

_CHANGES: Final = (None, "ADDED", "MODIFIED")
"""Types of kopf's events that carry the state of a task; None is a listed one."""


class Intake:
    """Parses objects, hands them to the store, and logs what the watch of tasks delivered."""

    def __init__(self, store: Store, metrics: Metrics, streams: TaskStreams) -> None:
        self._store = store
        self._metrics = metrics
        self._streams = streams

    def knows(self, event: Any) -> bool:
        """Whether an event of kopf's watch of tasks brings nothing new, as after a write of our own. It is logged then,
        and needs no further way."""
        if not isinstance(event, dict) or event.get("type") not in _CHANGES:
            return False
        meta = read_metadata(event["object"])
        if not self._store.has(TaskKey(meta.namespace, meta.name), meta.uid, meta.resource_version):
            return False
        self._delivered(meta)
        return True

    def task_event(self, obj: JsonObject, *, deleted: bool) -> None:
        """Take in what the watch of tasks delivered."""
        meta = read_metadata(obj)
        self._delivered(meta)
        key = TaskKey(meta.namespace, meta.name)
        with isolated(self._metrics, Where.WATCH, key):
            if deleted:
                self._store.drop_task(key, meta.uid)
            elif not self._store.has(key, meta.uid, meta.resource_version):  # as it has after a write of our own
                record = task_record(obj)
                self._store.new_objects.keep(record, obj, datetime.now(UTC))
                self._store.put_task(record)

    def _delivered(self, meta: StoredMetadata) -> None:
        self._streams.of(meta.namespace).log.saw(meta.uid, meta.resource_version)
        self._metrics.events.labels("tasks").inc()

    def pod_change(self, change: Change[PodRecord | None]) -> None:
        """Take in what the watch of pods reports. Only a deletion that it delivered proves the pod's last state."""
        self._metrics.events.labels("pods").inc()
        with isolated(self._metrics, Where.WATCH, f"{change.namespace}/{change.name}"):
            if change.new is not None:
                self._store.put_pod(change.new)
            elif change.last is not None:
                self._store.drop_pod(change.last)
            elif change.type is ChangeType.DELETED and change.old is not None:
                self._store.lose_pod(change.old)

    def listed_task(self, obj: JsonObject) -> None:
        """Take in a task of a list."""
        with isolated(self._metrics, Where.LIST, _name(obj)):
            self._store.put_task(task_record(obj))

    def known_pod(self, pod: PodRecord) -> None:
        """Take in a pod that the watch has delivered before."""
        with isolated(self._metrics, Where.LIST, f"{pod.namespace}/{pod.name}"):
            self._store.put_pod(pod)

    def absent_pod(self, pod: PodRecord) -> None:
        """Record that the pod is no longer shown, although no deletion was delivered."""
        with isolated(self._metrics, Where.LIST, f"{pod.namespace}/{pod.name}"):
            self._store.lose_pod(pod)

    def absent_task(self, task: TaskRecord) -> None:
        """Record that a list no longer has the task."""
        with isolated(self._metrics, Where.LIST, task.key):
            self._store.drop_task(task.key, task.uid)


def _name(obj: JsonObject) -> TaskKey:
    meta = read_metadata(obj)
    return TaskKey(meta.namespace, meta.name)
