"""Prometheus metrics of the watches, read at each scrape. Labels take few values: kinds and reasons."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class WatchState:
    """Values of the metrics."""

    silence: Mapping[str, float]
    """Seconds since the API server was last heard of, by kind, on the watch that is silent longest."""
    restarts: Mapping[str, Mapping[str, int]]
    """How often a watch was begun again, by kind and reason."""
    unavailable: Mapping[str, int]
    """Namespaces that cannot be watched, by reason."""


class WatchCollector(Collector):
    """Reads a WatchState at each scrape."""

    def __init__(self, read: Callable[[], WatchState]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The metrics with their present values."""
        state = self._read()
        silence = GaugeMetricFamily(
            "skyvern_operator_watch_silence_seconds",
            "Time since the API server was last heard of, on the watch that is silent longest.",
            labels=["resource"],
        )
        restarts = CounterMetricFamily(
            "skyvern_operator_watch_restarts",
            "Watches that were begun again, by reason.",
            labels=["resource", "reason"],
        )
        unavailable = GaugeMetricFamily(
            "skyvern_operator_namespaces_unavailable", "Namespaces that cannot be watched.", labels=["reason"]
        )
        for kind, seconds in state.silence.items():
            silence.add_metric([kind], seconds)
        for kind, reasons in state.restarts.items():
            for reason, count in reasons.items():
                restarts.add_metric([kind, reason], count)
        for reason, count in state.unavailable.items():
            unavailable.add_metric([reason], count)
        yield from (silence, restarts, unavailable)
