"""The bars of the operator's figures. A figure that misses its bar is shown, and is no failure: machines differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.samples import grid

MAX_RATIO: Final = 1.5
"""Of the Job controller's latency in the same run; the absolute bar is for an idle machine."""


@dataclass(frozen=True)
class Bar:
    """One figure and what it should be."""

    title: str
    wanted: str
    read: Callable[[Mapping[str, Any]], float]
    """Raises KeyError when its part did not run."""
    met: Callable[[Mapping[str, Any]], bool]


def _at_most(title: str, limit: float, read: Callable[[Mapping[str, Any]], float]) -> Bar:
    return Bar(title, f"<= {limit:g}", read, lambda figures: read(figures) <= limit)


def _latency(key: str, absolute: float) -> Bar:
    def met(figures: Mapping[str, Any]) -> bool:
        return bool(figures["create_to_pod_ratio"][key] <= MAX_RATIO or figures["create_to_pod_ms"][key] <= absolute)

    title = f"create to pod {key}, ms"
    wanted = f"<= {absolute:g}, or {MAX_RATIO:g} x Jobs"
    return Bar(title, wanted, lambda figures: float(figures["create_to_pod_ms"][key]), met)


BARS: Final = (
    Bar("tasks a minute / Jobs a minute, tuned", ">= 1", lambda f: f["tuned_ratio"], lambda f: f["tuned_ratio"] >= 1),
    _latency("p50", 8),
    _latency("p99", 25),
    _at_most("operator's writes a task", 5, lambda f: f["operator_writes_per_task"]),
    _at_most("pod end to task end p99 in a burst, ms", 300, lambda f: f["pod_end_to_task_end_ms"]["p99"]),
    _at_most("CPU a task, ms", 9, lambda f: f["cpu_ms_per_task"]),
    _at_most("restart until ready, s", 5, lambda f: f["restart_ready_s"]),
    _at_most("pods of a task after the restart beyond one", 0, lambda f: f["duplicate_pods"]),
    _at_most("RSS with live tasks, MiB", 128, lambda f: f["rss_mib"]),
    _at_most("RSS with ended tasks, MiB", 200, lambda f: f["rss_mib_retained"]),
    _at_most("growth of a task's CPU with the live ones", 0.15, lambda f: f["growth"]["cpu_ms"]),
)


def table(figures: Mapping[str, Any]) -> str:
    """Each figure beside its bar; those of parts that did not run are left out."""
    rows = []
    for bar in BARS:
        try:
            rows.append([bar.title, f"{bar.read(figures):.4g}", bar.wanted, "pass" if bar.met(figures) else "miss"])
        except KeyError:
            continue
    return grid(["figure", "measured", "bar", ""], rows)


def details(figures: Mapping[str, Any]) -> str:
    """Every figure, as text."""
    return "\n".join(f"  {name.replace('_', ' '):<32} {_text(value)}" for name, value in figures.items())


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
