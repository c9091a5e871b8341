"""A small world for properties of decisions: actions change it as the API server would, and the pod lives its life."""

from dataclasses import dataclass, field, replace
from typing import Any

from skyvern_crds.status import OperatorStatus
from skyvern_operator.decision.actions import (
    Action,
    ApplyStatus,
    CreatePod,
    DeletePod,
    DeleteTask,
    DeliverWebhook,
    LookUpPod,
)
from skyvern_operator.decision.decide import decide
from skyvern_operator.decision.view import View
from skyvern_operator.state.records import ContainerRecord, ContainerState, PodLife, PodRecord, TaskRecord, vanished_pod
from tests.operator.examples import RUNNING, a_pod, at, deleting, gone, look_at
from tests.operator.kubelet import verdict


@dataclass
class World:
    """One task, its pods, and what the operator remembers of them."""

    task: TaskRecord
    pods: dict[str, PodRecord] = field(default_factory=dict)
    memory: dict[str, PodRecord] = field(default_factory=dict)
    clock: float = 0.0
    created: list[int] = field(default_factory=list)
    agent_started: bool = False
    verdicts: list[OperatorStatus] = field(default_factory=list)
    removed: bool = False

    def view(self) -> View:
        return look_at(self.task, self.memory.get(self.task.pod_name), now=self.clock)

    def act(self, action: Action) -> None:
        """What the API server and the executor do with an action."""
        match action:
            case CreatePod(attempt):
                pod = a_pod(attempt)
                if pod.name not in self.pods:
                    assert not self.agent_started, "a started task was run again"
                    self.created.append(attempt)
                    self.pods[pod.name] = pod
                self.memory[pod.name] = self.pods[pod.name]
            case DeletePod(name, uid):
                found = self.pods.get(name)
                if found is None:
                    self.memory[name] = replace(self.memory[name], life=PodLife.VANISHED)
                elif found.uid == uid:
                    self._put(deleting(found, self.clock + 30))
            case LookUpPod(name):
                self.memory[name] = self.pods.get(name) or vanished_pod(self.task, name)
            case ApplyStatus(status):
                if self.task.ended:
                    assert status.phase == self.task.status.phase, "a terminal phase was changed"
                elif status.phase is not None and status.phase.terminal:
                    self.verdicts.append(status)
                self.task = replace(self.task, status=status)
            case DeleteTask():
                self.removed = True
            case DeliverWebhook() | _:
                pass

    def restart(self) -> None:
        """The operator forgets everything and lists what there is."""
        self.memory = dict(self.pods)

    def happen(self, what: str) -> None:
        """Something outside the operator."""
        self.clock += 1
        live = [pod for pod in self.pods.values() if not pod.ended]
        if what == "cancel":
            self.task = replace(self.task, cancel_requested=True)
        elif what in ("suspend", "resume"):
            self.task = replace(self.task, suspend=what == "suspend")
        elif what == "wait":
            self.clock += 400
        elif what == "restart":
            self.restart()
        for pod in live:
            self._pod_event(what, pod)

    def _pod_event(self, what: str, pod: PodRecord) -> None:
        if what == "start" and not pod.runner.started and pod.life is PodLife.LIVE:
            self.agent_started = True
            self._put(replace(pod, phase="Running", runner=RUNNING, browser=RUNNING))
        elif what == "finish" and pod.runner.started:
            self._put(replace(pod, runner=_terminated(0, verdict())))
        elif what == "crash" and pod.runner.started:
            self._put(replace(pod, runner=_terminated(1, "")))
        elif what == "evict":
            self._put(replace(pod, phase="Failed", reason="Evicted"))
        elif what == "remove" or (what == "confirm" and pod.life is PodLife.DELETING):
            del self.pods[pod.name]
            if pod.name in self.memory:
                self.memory[pod.name] = gone(pod)

    def _put(self, pod: PodRecord) -> None:
        self.pods[pod.name] = pod
        self.memory[pod.name] = pod

    def reconcile(self, *, crash_after: int | None = None) -> None:
        """Decide and act until nothing changes; or crash after so many actions, and start again."""
        done = 0
        for _ in range(20):
            before = self._state()
            for action in decide(self.view()):
                if crash_after is not None and done == crash_after:
                    self.restart()
                    crash_after = None
                    break
                self.act(action)
                done += 1
            else:
                if self._state() == before:
                    return
        raise AssertionError(f"no rest after 20 rounds: {decide(self.view())}")

    def _state(self) -> tuple[Any, ...]:
        return (self.task, dict(self.pods), dict(self.memory), self.removed)


def _terminated(exit_code: int, message: str) -> ContainerRecord:
    return ContainerRecord(
        ContainerState.TERMINATED,
        reason="Completed" if exit_code == 0 else "Error",
        message=message,
        exit_code=exit_code,
        started_at=at(0),
        finished_at=at(0),
    )
