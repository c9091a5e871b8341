"""What the API server's refusal of a pod means."""

import pytest

from skyvern_crds.client import Forbidden, Invalid, NotFound, Unavailable
from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision.refusals import CreateError, refusal_of
from skyvern_operator.decision.slots.creation_gate import Obstacle
from skyvern_operator.state.facts import Refusal
from tests.operator.examples import NOW

POD = 'pods "apply-1" is forbidden: '
POLICY = "ValidatingAdmissionPolicy 'labels' with binding 'labels' denied request: a label is missing"
WEBHOOK = 'admission webhook "labels.test" denied the request: a label is missing'


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Invalid(422, "Invalid", "spec.containers: Required value"), Reason.POD_SPEC_INVALID),
        (Invalid(422, "Invalid", POD + POLICY), Reason.POD_REJECTED),
        (Invalid(400, "BadRequest", WEBHOOK), Reason.POD_REJECTED),
        (Forbidden(403, "Forbidden", WEBHOOK), Reason.POD_REJECTED),
        (Forbidden(403, "Forbidden", POD + 'violates PodSecurity "restricted"'), Reason.POD_REJECTED),
        (Forbidden(403, "Forbidden", POD + "maximum memory usage per Container is 1Gi"), Reason.POD_REJECTED),
        (Forbidden(403, "Forbidden", POD + "failed quota: small: must specify limits.cpu"), Reason.POD_REJECTED),
    ],
)
def test_refusal_that_repetition_cannot_change_ends_the_task(error: CreateError, reason: Reason) -> None:
    assert refusal_of(error, NOW) == Refusal(reason, error.message)


TERMINATING = {"causes": [{"reason": "NamespaceTerminating"}]}
ROLE = 'pods is forbidden: User "operator" cannot create resource "pods" in API group "" in the namespace "jobs"'
HOOK = 'Internal error occurred: failed calling webhook "a.b": connection refused'


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Forbidden(403, "Forbidden", POD + "x", details=TERMINATING), "the namespace is terminating: x"),
        (
            NotFound(404, "NotFound", 'namespaces "jobs" not found'),
            'the namespace is terminating: namespaces "jobs" not found',
        ),
        (Forbidden(403, "Forbidden", ROLE), f"the operator's role does not allow it: {ROLE}"),
        (Unavailable(500, "InternalError", HOOK), f"the API server fails to create the pod: {HOOK}"),
        (
            Forbidden(403, "Forbidden", POD + "not yet ready to handle request"),
            "the API server is starting: not yet ready to handle request",
        ),
        (
            Forbidden(403, "Forbidden", POD + "error looking up service account jobs/absent: not found"),
            "the service account is missing: error looking up service account jobs/absent: not found",
        ),
        (
            Forbidden(403, "Forbidden", POD + "no PriorityClass with name high was found"),
            "the priority class is missing: no PriorityClass with name high was found",
        ),
        (
            Forbidden(403, "Forbidden", POD + 'pod rejected: RuntimeClass "gvisor" not found'),
            'the runtime class is missing: pod rejected: RuntimeClass "gvisor" not found',
        ),
    ],
)
def test_obstacle_that_may_go_away_is_named_without_the_name_of_the_pod(error: CreateError, message: str) -> None:
    obstacle = refusal_of(error, NOW)
    assert isinstance(obstacle, Obstacle)
    assert (obstacle.reason, obstacle.message, obstacle.at) == (Reason.CREATE_BLOCKED, message, NOW)
    assert obstacle.certain is not message.startswith("the API server")
    assert obstacle.config_error is ("is missing" in message)


@pytest.mark.parametrize("words", ["exceeded quota: small, requested: pods=1", "status unknown for quota: small"])
def test_quota_is_waited_for(words: str) -> None:
    obstacle = refusal_of(Forbidden(403, "Forbidden", POD + words), NOW)
    assert obstacle == Obstacle(Reason.QUOTA_EXCEEDED, words, NOW)
