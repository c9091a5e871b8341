"""Metrics of the facade."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The metrics of one process, in a separate registry. No label takes a value that a caller chooses."""

    def __init__(
        self,
        tasks: Callable[[], float],
        cache_ages: Callable[[], Mapping[tuple[str, str], float]],
        unreadable: Mapping[str, Callable[[], float]],
        streams: Callable[[], float],
    ) -> None:
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "skyvern_apiserver_request_seconds",
            "Duration of requests by route, method and status.",
            ("route", "method", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.uploaded = Counter(
            "skyvern_apiserver_artifact_bytes", "Bytes of artifacts received from runners.", registry=self.registry
        )
        self.refused = Counter(
            "skyvern_apiserver_refused_requests",
            "Requests refused because their API key has reached a limit.",
            ("limit",),
            registry=self.registry,
        )
        cached = Gauge("skyvern_apiserver_tasks", "Tasks in the cache.", registry=self.registry)
        cached.set_function(tasks)
        open_streams = Gauge("skyvern_apiserver_event_streams", "Open streams of events.", registry=self.registry)
        open_streams.set_function(streams)
        self.registry.register(_CacheAges(cache_ages))
        objects = Gauge(
            "skyvern_apiserver_unreadable_objects",
            "Objects with a part that cannot be read: tasks are answered without it, API keys are not accepted.",
            ("kind",),
            registry=self.registry,
        )
        for kind, count in unreadable.items():
            objects.labels(kind).set_function(count)

    def text(self) -> bytes:
        """Exposition format."""
        return generate_latest(self.registry)


class _CacheAges(Collector):
    """The age of the cache by kind and namespace: that of a namespace which cannot be read grows, and names it."""

    def __init__(self, ages: Callable[[], Mapping[tuple[str, str], float]]) -> None:
        self._ages = ages

    def collect(self) -> Iterable[Metric]:
        """The metric as it is now."""
        family = GaugeMetricFamily(
            "skyvern_apiserver_cache_age_seconds",
            "Time since the API server was last heard of, by kind and namespace; infinite before its first list.",
            labels=("kind", "namespace"),
        )
        for labels, age in self._ages().items():
            family.add_metric(labels, age)
        yield family
