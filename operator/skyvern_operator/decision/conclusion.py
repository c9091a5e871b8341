"""The end of an attempt: a verdict, another attempt, or the queue. Pure."""

from typing import Final

from skyvern_crds.vocabulary import PHASE_OF_REASON, Phase, Reason
from skyvern_operator.decision import statuses
from skyvern_operator.decision.actions import Action, ApplyStatus, EmitEvent
from skyvern_operator.decision.classify import Outcome
from skyvern_operator.decision.steps import apply
from skyvern_operator.decision.view import View
from skyvern_operator.state.records import PodLife, PodRecord

STOPS_OF_A_STARTED_AGENT: Final = (Reason.CANCELED, Reason.DEADLINE_EXCEEDED)
"""Reasons for which a pod is stopped whether or not its agent has started."""


def verdict(view: View, reason: Reason, message: str, outcome: Outcome | None = None) -> list[Action]:
    """The task has ended for this reason."""
    status = statuses.verdict(view, reason, message, outcome)
    if PHASE_OF_REASON[reason] in (Phase.FAILED, Phase.TIMED_OUT):
        return [ApplyStatus(status), EmitEvent(reason, message)]
    return [ApplyStatus(status)]


def as_told(view: View, *, started: bool, outcome: Outcome | None = None) -> list[Action] | None:
    """What status has told would follow the end of the pod; None if it has told nothing, or if its agent started."""
    reason, told = view.stop_reason, view.stopping
    if reason is None or told is None or (started and reason not in STOPS_OF_A_STARTED_AGENT):
        return None
    if reason is not Reason.SUSPENDED:
        return verdict(view, reason, told.message, outcome)
    if view.task.cancel_requested:
        return verdict(view, Reason.CANCELED, "canceled on request", outcome)
    return apply(view, statuses.suspended(view))


def conclude(view: View, pod: PodRecord, outcome: Outcome) -> list[Action]:
    """What a pod's end means, given what has been requested since."""
    task = view.task
    started = view.agent_started or (outcome.started and not view.shut_out)
    if outcome.reason is Reason.REPORT_REFUSED:
        started = view.let_in  # its container has run, and waited in vain to be let in
    if outcome.own_verdict:
        return verdict(view, outcome.reason, outcome.message, outcome)
    told = as_told(view, started=started, outcome=outcome)
    if told is not None:
        return told
    if task.cancel_requested:
        return verdict(view, Reason.CANCELED, "canceled on request", outcome)
    deadline = view.active_until
    if deadline is not None and view.now >= deadline and pod.life is not PodLife.LIVE:
        message = f"activeDeadlineSeconds ({task.active_deadline_seconds}) passed"
        return verdict(view, Reason.DEADLINE_EXCEEDED, message, outcome)
    if started or not outcome.infrastructure:
        return verdict(view, outcome.reason, outcome.message, outcome)
    if task.suspend:
        return apply(view, statuses.suspended(view))
    if (task.status.infra_failures or 0) >= task.infra_retries:
        return verdict(view, outcome.reason, f"{outcome.message}; attempt {pod.attempt} was the last", outcome)
    message = f"attempt {pod.attempt} ended before the agent started: {outcome.message}"
    given_up = apply(view, statuses.given_up(view, pod.attempt, message))
    # The next attempt takes the place of this message in status.
    return [*given_up, EmitEvent(Reason.INFRA_RETRY, message)] if given_up else []
