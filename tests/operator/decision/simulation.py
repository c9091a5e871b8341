"""A small world for properties of decisions: actions change it as the API server would, and the pods live their lives.

Two operators look at it. The first learns of everything; the second, a former leader, knows only what it once saw and
what answers to its own calls tell it. A runner acts once its first report was accepted, as the admission policy has it.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from skyvern_crds.status import OperatorStatus
from skyvern_crds.vocabulary import ConditionType, Reason
from skyvern_operator.decision.actions import (
    Action,
    ApplyStatus,
    ConfirmTask,
    CreatePod,
    DeletePod,
    DeleteTask,
    LookUpPod,
    LookUpTrouble,
)
from skyvern_operator.decision.conditions import find, succeeded_reason
from skyvern_operator.decision.decide import decide
from skyvern_operator.decision.view import View
from skyvern_operator.errors import StaleRecordError
from skyvern_operator.state.facts import Trouble
from skyvern_operator.state.records import (
    STATUS_UNKNOWN,
    ContainerRecord,
    ContainerState,
    PodLife,
    PodRecord,
    TaskRecord,
    vanished_pod,
)
from tests.operator.examples import POLICY, RUNNING, a_pod, at, deleting, gone, look_at
from tests.operator.kubelet import verdict

LOST_SECONDS = POLICY.grace_periods.lost_node_seconds


@dataclass
class Knowledge:
    """What an operator knows."""

    task: TaskRecord
    pods: dict[str, PodRecord] = field(default_factory=dict)
    trouble: Trouble | None = None

    def view(self, clock: float) -> View:
        current = self.pods.get(self.task.pod_name)
        others = (pod for pod in self.pods.values() if pod is not current and not (pod.ended or pod.life.gone))
        about = self.trouble.pod_uid if self.trouble is not None else None
        trouble = self.trouble if current is not None and current.uid == about else None
        return look_at(self.task, current, now=clock, strays=tuple(others), trouble=trouble)


@dataclass
class World:
    """One task, its pods, and two operators."""

    task: TaskRecord
    pods: dict[str, PodRecord] = field(default_factory=dict)
    last: dict[str, PodRecord] = field(default_factory=dict)
    """The last state of each pod that ever was."""
    clock: float = 0.0
    version: int = 1
    created: list[int] = field(default_factory=list)
    acting: str | None = None
    """Uid of the pod whose agent has begun."""
    verdicts: list[OperatorStatus] = field(default_factory=list)
    removed: bool = False
    lose_next_answer: bool = False
    secret_missing: bool = False

    def __post_init__(self) -> None:
        self.leader, self.former = Knowledge(self.task), Knowledge(self.task)

    # What operators do ----------------------------------------------------------------------------------------------

    def act(self, who: Knowledge, action: Action) -> None:
        """What the API server and the executor do with an action."""
        match action:
            case CreatePod(attempt):
                self._create(who, attempt)
            case DeletePod(name, uid, version):
                self._delete(who, name, uid, version)
            case ConfirmTask():
                self._confirm(who)
            case LookUpPod(name):
                self._look_up(who, name)
            case LookUpTrouble(uid):
                words = "FailedMount: not found" if self.secret_missing else ""
                who.trouble = Trouble(uid, at(self.clock), words, missing=self.secret_missing)
            case ApplyStatus(status):
                self._apply(who, status)
            case DeleteTask():
                self.removed = True
            case _:
                pass

    def _confirm(self, who: Knowledge) -> None:
        told, now = who.task, self.task
        who.task = now
        if _decides(now) != _decides(told):
            raise StaleRecordError

    def _create(self, who: Knowledge, attempt: int) -> None:
        self._confirm(who)
        now, pod = self.task, a_pod(attempt)
        if pod.name not in self.pods:
            assert self.acting is None, "a started task was run again"
            started = now.reported or now.status.started_at is not None
            assert not started, "a pod was made although an agent may have started"
            lost = self.clock - LOST_SECONDS
            others = [pod for pod in self.pods.values() if not pod.ended]
            assert all(pod.deletion_due and pod.deletion_due <= at(lost) for pod in others), "two pods at once"
            self.created.append(attempt)
            self._put(pod)
        if self.lose_next_answer:
            self.lose_next_answer = False
            raise StaleRecordError
        who.pods[pod.name] = self.pods[pod.name]

    def _delete(self, who: Knowledge, name: str, uid: str, version: int | None) -> None:
        found = self.pods.get(name)
        if found is None:
            self._look_up(who, name)
        elif found.uid != uid or version not in (None, found.version):
            who.pods[name] = found
            raise StaleRecordError
        else:
            if found.life is PodLife.LIVE:
                self._put(deleting(found, self.clock + 30))
            who.pods[name] = deleting(who.pods[name], self.clock + 30)

    def _look_up(self, who: Knowledge, name: str) -> None:
        old, found = who.pods.get(name), self.pods.get(name)
        if found is not None:
            who.pods[name] = found
        elif old is None or not old.life.gone:
            who.pods[name] = replace(old, life=PodLife.VANISHED) if old else vanished_pod(who.task, name)

    def _apply(self, who: Knowledge, status: OperatorStatus) -> None:
        if who.task.version != self.task.version:
            who.task = self.task
            raise StaleRecordError
        if self.task.ended:
            assert status.phase == self.task.status.phase, "a terminal phase was changed"
        elif status.phase is not None and status.phase.terminal:
            self.verdicts.append(status)
            still = [pod for pod in self.pods.values() if pod.uid == self.acting and not pod.ended]
            assert not still or succeeded_reason(status) is Reason.NODE_LOST, "a verdict while an agent acts"
            named = [pod for pod in self.pods.values() if pod.uid == self.task.status.pod_uid and not pod.ended]
            assert all(pod.life is PodLife.DELETING for pod in named), "a verdict before its pod was stopped"
        self._change(status=status)
        who.task = self.task

    # What happens ---------------------------------------------------------------------------------------------------

    def happen(self, what: str) -> None:
        """Something outside the operators; the leader learns of it."""
        self.clock += 1
        unseen: tuple[str, ...] = ()
        if what in ("cancel", "withdraw"):
            self._change(cancel_requested=what == "cancel")
        elif what in ("suspend", "resume"):
            self._change(suspend=what == "suspend")
        elif what == "wait":
            self.clock += 400
        elif what == "lose secret":
            self.secret_missing = True
        elif what == "lost answer":
            self.lose_next_answer = True
        for pod in list(self.pods.values()):
            if not pod.ended:
                self._pod_event(what, pod)
            if pod.name not in self.pods and what == "vanish":
                unseen = (*unseen, pod.name)
        self.learn(unseen)
        if what == "restart":
            self.restart()

    def learn(self, unseen: tuple[str, ...] = ()) -> None:
        """The leader's watches deliver; of the pods ``unseen`` only a list tells that they are gone.

        A pod without its label goes from watches and lists alike, and nothing tells of it from then on.
        """
        self.leader.task = self.task
        listed = self._listed()
        for name, pod in list(self.leader.pods.items()):
            if name in listed or pod.life.gone or not pod.labeled:
                continue
            seen_to_end = name not in self.pods and name not in unseen and self.last[name].labeled
            if seen_to_end and pod.life is not PodLife.MISSING:
                self.leader.pods[name] = gone(self.last[name])
            else:
                self.leader.pods[name] = replace(pod, life=PodLife.MISSING)
        self.leader.pods.update(listed)

    def _listed(self) -> dict[str, PodRecord]:
        return {name: pod for name, pod in self.pods.items() if pod.labeled}

    def restart(self) -> None:
        """The leader forgets everything and lists what there is."""
        self.leader = Knowledge(self.task, self._listed())

    def _pod_event(self, what: str, pod: PodRecord) -> None:
        if what == "start" and not pod.runner.started:
            self._put(replace(pod, phase="Running", runner=RUNNING, browser=RUNNING))
        elif what == "report" and pod.runner.started:
            self._report(pod)
        elif what == "finish" and pod.uid == self.acting:
            self._put(replace(pod, runner=_terminated(0, verdict())))
        elif what == "crash" and pod.runner.started:
            self._put(replace(pod, runner=_terminated(1, "")))
        elif what == "unknown":
            lost = ContainerRecord(ContainerState.TERMINATED, reason=STATUS_UNKNOWN, exit_code=137)
            self._put(replace(pod, phase="Failed", runner=lost))
        elif what == "evict":
            self._put(replace(pod, phase="Failed", reason="Evicted"))
        elif what == "unlabel":
            self._put(replace(pod, labeled=False))
        elif what == "delete" and pod.life is PodLife.LIVE:
            self._put(deleting(pod, self.clock + 30))
        elif what in ("remove", "vanish") or (what == "confirm" and pod.life is PodLife.DELETING):
            del self.pods[pod.name]

    def _report(self, pod: PodRecord) -> None:
        """The first report of a runner, which the admission policy lets through or refuses."""
        status = self.task.status
        stopping = find(status.conditions, ConditionType.STOPPING)
        if status.pod_uid != pod.uid or (stopping is not None and not self.task.reported) or self.task.ended:
            return
        assert self.acting in (None, pod.uid), "two agents of one task act"
        self.acting = pod.uid
        self._change(reported=True)

    def _put(self, pod: PodRecord) -> None:
        self.version += 1
        self.pods[pod.name] = self.last[pod.name] = replace(pod, version=self.version)

    def _change(self, **changes: Any) -> None:
        self.version += 1
        self.task = replace(self.task, version=self.version, **changes)

    # Reconciling ----------------------------------------------------------------------------------------------------

    def reconcile(self, *, crash_after: int | None = None) -> None:
        """The leader decides and acts until nothing changes; or crashes after so many actions, and starts again."""
        done = 0
        for _ in range(30):
            before = self._state()
            try:
                for action in decide(self.leader.view(self.clock)):
                    if crash_after is not None and done == crash_after:
                        self.restart()
                        crash_after = None
                        break
                    self.act(self.leader, action)
                    self.learn()
                    done += 1
                else:
                    if self._state() == before:
                        return
            except StaleRecordError:
                self.learn()
        raise AssertionError(f"no rest after 30 rounds: {decide(self.leader.view(self.clock))}")

    def interfere(self) -> None:
        """The former leader decides once on what it knows, and acts."""
        try:
            for action in decide(self.former.view(self.clock)):
                self.act(self.former, action)
        except StaleRecordError:
            pass
        self.learn()

    def _state(self) -> tuple[Any, ...]:
        return (self.task, dict(self.pods), dict(self.leader.pods), self.leader.trouble, self.removed)


def _decides(task: TaskRecord) -> tuple[object, ...]:
    status = task.status
    return (task.cancel_requested, task.suspend, status.pod_uid, status.attempt, status.phase)


def _terminated(exit_code: int, message: str) -> ContainerRecord:
    return ContainerRecord(
        ContainerState.TERMINATED,
        reason="Completed" if exit_code == 0 else "Error",
        message=message,
        exit_code=exit_code,
        started_at=at(0),
        finished_at=at(0),
    )
