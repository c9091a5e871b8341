"""Takes in objects from watches and lists, one by one: an error of one object affects that object alone."""

from skyvern_crds.client import JsonObject
from skyvern_crds.stored import read_metadata
from skyvern_operator.process.isolation import Where, isolated
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import pod_record, task_record
from skyvern_operator.state.records import PodRecord, TaskKey, TaskRecord
from skyvern_operator.state.store import Store
from skyvern_operator.watch.delivery_log import DeliveryLog


class Intake:
    """Parses objects, hands them to the store, and logs what the watches delivered."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self.tasks = DeliveryLog()
        self.pods = DeliveryLog()

    def task_event(self, obj: JsonObject, *, deleted: bool) -> None:
        """Take in what the watch of tasks delivered."""
        self._delivered("tasks", self.tasks, obj)
        with isolated(self._metrics, Where.WATCH, _name(obj)):
            record = task_record(obj)
            if deleted:
                self._store.drop_task(record.key, record.uid)
            else:
                self._store.put_task(record)

    def pod_event(self, obj: JsonObject, *, deleted: bool) -> None:
        """Take in what the watch of pods delivered."""
        self._delivered("pods", self.pods, obj)
        with isolated(self._metrics, Where.WATCH, _name(obj)):
            record = pod_record(obj)
            if record is not None and deleted:
                self._store.drop_pod(record)
            elif record is not None:
                self._store.put_pod(record)

    def listed_task(self, obj: JsonObject) -> None:
        """Take in a task of a list."""
        with isolated(self._metrics, Where.LIST, _name(obj)):
            self._store.put_task(task_record(obj))

    def listed_pod(self, obj: JsonObject) -> None:
        """Take in a pod of a list."""
        with isolated(self._metrics, Where.LIST, _name(obj)):
            record = pod_record(obj)
            if record is not None:
                self._store.put_pod(record)

    def absent_pod(self, pod: PodRecord) -> None:
        """Record that a list no longer has the pod."""
        with isolated(self._metrics, Where.LIST, f"{pod.namespace}/{pod.name}"):
            self._store.lose_pod(pod)

    def absent_task(self, task: TaskRecord) -> None:
        """Record that a list no longer has the task."""
        with isolated(self._metrics, Where.LIST, task.key):
            self._store.drop_task(task.key, task.uid)

    def _delivered(self, kind: str, log: DeliveryLog, obj: JsonObject) -> None:
        meta = read_metadata(obj)
        log.saw(meta.uid, meta.resource_version)
        self._metrics.events.labels(kind).inc()


def _name(obj: JsonObject) -> TaskKey:
    meta = read_metadata(obj)
    return TaskKey(meta.namespace, meta.name)
