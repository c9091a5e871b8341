"""Conditions and the phase that follows from them. Pure."""

from datetime import datetime
from typing import Final, Literal

from skyvern_crds.status import MAX_CONDITION_MESSAGE, Condition, OperatorStatus
from skyvern_crds.vocabulary import PHASE_OF_REASON, ConditionType, Phase, Reason

Truth = Literal["True", "False", "Unknown"]

_ORDER: Final = {kind.value: index for index, kind in enumerate(ConditionType)}


def find(conditions: list[Condition], kind: ConditionType) -> Condition | None:
    """The condition of this type; None if it is absent."""
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
    """The list with the condition set. It is unchanged if the condition already says this, and the transition time
    stays as long as the condition's status does."""
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
    """The list without conditions of this type."""
    return [entry for entry in conditions if entry.type != kind]


def succeeded_reason(status: OperatorStatus) -> Reason | None:
    """Reason of the condition Succeeded; None if it is absent or unknown to this version."""
    return reason_of(find(status.conditions, ConditionType.SUCCEEDED))


def reason_of(condition: Condition | None) -> Reason | None:
    """Reason of a condition; None if the condition is absent or its reason unknown to this version."""
    try:
        return Reason(condition.reason) if condition is not None else None
    except ValueError:
        return None


def truth_of(phase: Phase) -> Truth:
    """Status of the condition Succeeded in a phase."""
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
    """The message, cut to the length that a condition may have."""
    if len(message) <= MAX_CONDITION_MESSAGE:
        return message
    return message[: MAX_CONDITION_MESSAGE - 1] + "…"
