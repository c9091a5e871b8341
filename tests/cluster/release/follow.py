"""Follow one SkyvernTask on the terminal until it has ended, and show what to look at when it went wrong."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.base.errors import SetupError
from tests.cluster.base.shell import tail
from tests.cluster.cluster import Cluster

TERMINAL = frozenset({"completed", "failed", "terminated", "timed_out", "canceled"})
POLL_SECONDS = 0.5

Write = Callable[[str], None]


@dataclass
class Log:
    """A task's progress on the terminal, each phase and step once."""

    write: Write
    started: float = field(default_factory=time.monotonic)
    phase: str = ""
    printed: set[str] = field(default_factory=set)

    def update(self, task: dict[str, Any]) -> None:
        """Write what is new: the phase and the steps that have ended."""
        status = task.get("status", {})
        for step in status.get("steps", []):
            if step["status"] != "running" and step["stepId"] not in self.printed:
                self.printed.add(step["stepId"])
                self._line(_step_line(step))
        phase = status.get("phase", "created")
        if phase != self.phase:
            self.phase = phase
            self._line(_phase_line(phase, status))

    def _line(self, text: str) -> None:
        self.write(f"{time.monotonic() - self.started:7.1f} s  {text}")


def _step_line(step: dict[str, Any]) -> str:
    tokens = f"{step.get('inputTokenCount', 0)} + {step.get('outputTokenCount', 0)} tokens"
    number = f"step {step['order'] + 1}" + (f" (retry {step['retryIndex']})" if step.get("retryIndex") else "")
    return f"{number}  {step['status']}  {tokens}  {step.get('summary', '')}".rstrip()


def _phase_line(phase: str, status: dict[str, Any]) -> str:
    where = f"  pod {status['podName']}" if phase == "running" and "podName" in status else ""
    why = f"  {status['failureReason']}" if phase in TERMINAL and status.get("failureReason") else ""
    return f"{phase}{where}{why}"


def follow(cluster: Cluster, namespace: str, name: str, write: Write, *, seconds: float) -> dict[str, Any]:
    """Return the task when it has ended. Raises SetupError, with what to look at, when time is up."""
    log, deadline = Log(write), time.monotonic() + seconds
    while True:
        task = get_task(cluster, namespace, name)
        log.update(task)
        if task.get("status", {}).get("phase") in TERMINAL:
            return task
        if time.monotonic() > deadline:
            problem = f"task {namespace}/{name} is still {log.phase} after {seconds:g} s"
            raise SetupError(problem, diagnosis(cluster, task))
        time.sleep(POLL_SECONDS)


def get_task(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    """Return a task as the cluster has it."""
    answer = cluster.run_kubectl("get", "skyverntask", name, "--namespace", namespace, "-o", "json")
    task: dict[str, Any] = json.loads(answer.stdout)
    return task


def diagnosis(cluster: Cluster, task: dict[str, Any], operator_namespace: str = "skyvern-system") -> str:
    """Return the task's conditions, its events, and the last lines of its pod's and of the operator's log."""
    namespace, name = task["metadata"]["namespace"], task["metadata"]["name"]
    status = task.get("status", {})
    conditions = [
        f"{item['type']}={item['status']} {item['reason']}: {item.get('message', '')}"
        for item in status.get("conditions", [])
    ]
    parts = [_part("conditions", "\n".join(conditions) or "none: the operator has not seen the task")]

    def add(title: str, *arguments: str) -> None:
        answer = cluster.run_kubectl(*arguments, check=False)
        parts.append(_part(title, answer.stdout or answer.stderr))

    pod = status.get("podName")
    if pod:
        add(f"events of pod {pod}", "get", "events", "-n", namespace, f"--field-selector=involvedObject.name={pod}")
        for container in ("runner", "browser"):
            add(f"log of {container} in {pod}", "logs", pod, "-c", container, "-n", namespace, "--tail=30")
    selector = "app.kubernetes.io/component=operator"
    add("log of the operator", "logs", "-l", selector, "-n", operator_namespace, "--tail=20")
    parts.append(f"More: kubectl describe skt {name} -n {namespace}")
    return "\n".join(parts)


def _part(title: str, text: str) -> str:
    return f"{title}:\n{tail(text, 30) or '    none'}"
