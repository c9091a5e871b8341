"""Prometheus metrics. Labels take few values by construction: reasons, phases, kinds; never names or uids."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from skyvern_crds.vocabulary import Phase
from skyvern_operator.process.watch_metrics import WatchCollector, WatchState

_START_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 900, 3600)
_HOP_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 900)
_TASK_BUCKETS = (5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 86400)
_CALL_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True, slots=True)
class State:
    """Values of the gauges."""

    phases: Mapping[Phase, int]
    """Tasks by phase."""
    queued: int
    """Keys in the work queue."""
    active: int
    """Slots in use."""
    held: int
    """Tasks that a limit holds back."""
    unreadable: int
    """Tasks with stored fields that cannot be read."""


class Metrics:
    """The operator's metrics, in one registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.writes = Counter(
            "skyvern_operator_api_writes", "Writes to the API server, by verb, kind and status code.",
            ["verb", "resource", "code"], registry=self.registry,
        )  # fmt: skip
        self.verdicts = Counter(
            "skyvern_operator_verdicts", "Tasks that ended, by phase and reason.", ["phase", "reason"],
            registry=self.registry,
        )  # fmt: skip
        self.webhooks = Counter(
            "skyvern_operator_webhook_tries", "Attempts to deliver a webhook, by result.", ["result"],
            registry=self.registry,
        )  # fmt: skip
        self.events = Counter(
            "skyvern_operator_watch_events", "Events that the watches delivered, by kind.", ["resource"],
            registry=self.registry,
        )  # fmt: skip
        self.missed = Counter(
            "skyvern_operator_watch_missed", "Objects in a list that the watch had not delivered, by kind.",
            ["resource"], registry=self.registry,
        )  # fmt: skip
        self.errors = Counter(
            "skyvern_operator_reconcile_errors", "Reconciliations that failed, by kind of error.", ["error"],
            registry=self.registry,
        )  # fmt: skip
        self.object_errors = Counter(
            "skyvern_operator_object_errors", "Errors of single objects that affected no other, by place.",
            ["where"], registry=self.registry,
        )  # fmt: skip
        self.reconcile = Histogram(
            "skyvern_operator_reconcile_seconds", "Duration of one reconciliation of a task.", buckets=_CALL_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self.queued = Histogram(
            "skyvern_operator_queue_wait_seconds", "How long a key waited in the work queue.",
            buckets=_CALL_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.start_latency = Histogram(
            "skyvern_operator_task_start_seconds", "From a task's creation to the start of its runner.",
            buckets=_START_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.duration = Histogram(
            "skyvern_operator_task_duration_seconds", "From a task's start to its end, by phase.", ["phase"],
            buckets=_TASK_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.verdict_lag = Histogram(
            "skyvern_operator_verdict_lag_seconds", "From the runner's end (in whole seconds) to the verdict.",
            buckets=_CALL_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.hops = Histogram(
            "skyvern_operator_hop_seconds", "Stretches of a task's way, named after their ends.", ["hop"],
            buckets=_HOP_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.admission_wait = Histogram(
            "skyvern_operator_admission_wait_seconds",
            "From a task's creation until it had a slot and a pod, by the share of its namespace.", ["share"],
            buckets=_START_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.holds = Counter(
            "skyvern_operator_holds", "How often a task was held back, by reason.", ["reason"], registry=self.registry
        )
        self.loop_lag = Histogram(
            "skyvern_operator_event_loop_lag_seconds", "How late the event loop runs what is due.",
            buckets=_CALL_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.resynced = Gauge(
            "skyvern_operator_last_resync_timestamp_seconds", "Time of the last complete list.",
            registry=self.registry,
        )  # fmt: skip

        self.leader = Gauge(
            "skyvern_operator_leader", "1 while this operator leads, 0 while it stands by.", registry=self.registry
        )
        self.terms = Counter(
            "skyvern_operator_leader_transitions", "How often this operator became the leader.", registry=self.registry
        )

    def watch_streams(self, read: Callable[[], WatchState]) -> None:
        """Add what is known of the watches, read at each scrape."""
        self.registry.register(WatchCollector(read))

    def watch_state(self, read: Callable[[], State]) -> None:
        """Add gauges whose values are read at each scrape."""
        self.registry.register(_StateCollector(read))


class _StateCollector(Collector):
    def __init__(self, read: Callable[[], State]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        state = self._read()
        tasks = GaugeMetricFamily("skyvern_operator_tasks", "Tasks by phase.", labels=["phase"])
        for phase in Phase:
            tasks.add_metric([phase.value], state.phases.get(phase, 0))
        yield tasks
        yield GaugeMetricFamily("skyvern_operator_queue_depth", "Keys in the work queue.", value=state.queued)
        yield GaugeMetricFamily("skyvern_operator_slots_used", "Active tasks.", value=state.active)
        yield GaugeMetricFamily(
            "skyvern_operator_unreadable_tasks", "Tasks with stored fields that cannot be read.", value=state.unreadable
        )
        yield GaugeMetricFamily("skyvern_operator_tasks_held", "Tasks that a limit holds back.", value=state.held)
