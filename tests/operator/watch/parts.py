"""What checks the watch of one namespace, put together without kopf: a test plays the watch itself."""

from skyvern_crds.client import PODS, ClusterClient, Reflector
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import pod_record
from skyvern_operator.state.records import POD_SELECTOR, PodRecord
from skyvern_operator.state.store import Store
from skyvern_operator.watch.intake import Intake
from skyvern_operator.watch.resync import Resync
from skyvern_operator.watch.task_streams import TaskStreams


class Parts:
    """Intake, the reflector of pods (which nobody runs) and the resync (without pauses) of a namespace."""

    def __init__(self, client: ClusterClient, store: Store, namespace: str) -> None:
        self.client = client
        self.metrics = Metrics()
        streams = TaskStreams([namespace])
        self.stream = streams.of(namespace)
        self.intake = Intake(store, self.metrics, streams)
        self.pods: Reflector[PodRecord | None] = Reflector(
            client, PODS, [namespace], POD_SELECTOR, pod_record, self.intake.pod_change
        )
        self.resync = Resync(
            client,
            store,
            self.intake,
            self.pods,
            self.metrics,
            streams=streams,
            every_seconds=0,
            lag_seconds=0,
            recheck_seconds=0,
        )
