"""Conditions and phase: how the operator's part of status is put together. Pure."""

from datetime import datetime
from typing import Final, Literal

from skyvern_crds.status import MAX_CONDITION_MESSAGE, Condition, OperatorStatus
from skyvern_crds.vocabulary import PHASE_OF_REASON, ConditionType, Phase, Reason

Truth = Literal["True", "False", "Unknown"]

_ORDER: Final = {kind.value: index for index, kind in enumerate(ConditionType)}


def find(conditions: list[Condition], kind: ConditionType) -> Condition | None:
    """The condition of this type."""
    return next((entry for entry in conditions if entry.type == kind), None)


def put(
    conditions: list[Condition],
    kind: ConditionType,
    truth: Truth,
    reason: Reason | str,
    message: str,
    *,
    now: datetime,
    generation: int,
) -> list[Condition]:
    """A list with the condition set: unchanged when it says the same; its transition time kept while its status is."""
    old = find(conditions, kind)
    message = cut(message)
    if old is not None and (old.status, old.reason, old.message) == (truth, str(reason), message):
        return conditions
    new = Condition(
        type=kind.value,
        status=truth,
        reason=str(reason),
        message=message,
        last_transition_time=old.last_transition_time if old is not None and old.status == truth else now,
        observed_generation=generation,
    )
    others = [entry for entry in conditions if entry.type != kind]
    return sorted([*others, new], key=lambda entry: (_ORDER.get(entry.type, len(_ORDER)), entry.type))


def drop(conditions: list[Condition], kind: ConditionType) -> list[Condition]:
    """A list without conditions of this type."""
    return [entry for entry in conditions if entry.type != kind]


def succeeded_reason(status: OperatorStatus) -> Reason | None:
    """Reason of the condition Succeeded, if it is one that this version knows."""
    condition = find(status.conditions, ConditionType.SUCCEEDED)
    try:
        return Reason(condition.reason) if condition is not None else None
    except ValueError:
        return None


def truth_of(phase: Phase) -> Truth:
    """Status of Succeeded in a phase."""
    if not phase.terminal:
        return "Unknown"
    return "True" if phase is Phase.COMPLETED else "False"


def with_reason(
    status: OperatorStatus, reason: Reason, message: str, *, now: datetime, generation: int
) -> OperatorStatus:
    """The status with Succeeded set for this reason, and the phase that follows from it."""
    phase = PHASE_OF_REASON[reason]
    conditions = put(
        status.conditions,
        ConditionType.SUCCEEDED,
        truth_of(phase),
        reason,
        message,
        now=now,
        generation=generation,
    )
    return status.model_copy(update={"phase": phase, "conditions": conditions})


def cut(message: str) -> str:
    """The message, at most as long as a condition may have it."""
    if len(message) <= MAX_CONDITION_MESSAGE:
        return message
    return message[: MAX_CONDITION_MESSAGE - 1] + "…"
