"""Whether the operator still means this pod to do its task: read from the answer to its first report."""

from collections.abc import Mapping
from typing import Any

from skyvern_crds.vocabulary import TERMINAL_PHASES, ConditionType


def obstacle(status: Mapping[str, Any], attempt: int) -> str | None:
    """Why the agent of this attempt must not begin, by the stored status that holds its report; None if it may.

    The report and the operator's own writes have one order on the API server. So either the operator sees that the
    agent has begun before it gives up on the pod, or the agent sees here that it was given up.
    """
    named = status.get("attempt") if status.get("podUID") else None
    if named != attempt:
        return f"the task does not name this pod: its attempt is {named or 'not recorded yet'}, and this is {attempt}"
    if status.get("phase") in TERMINAL_PHASES:
        return f"the task has ended already: {status['phase']}"
    for condition in status.get("conditions") or ():
        if condition.get("type") == ConditionType.STOPPING and condition.get("status") == "True":
            return f"this pod is being stopped: {condition.get('reason')}"
    return None
