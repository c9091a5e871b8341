"""What the API server's refusal of a pod means."""

import pytest

from skyvern_crds.client import Forbidden, Invalid
from skyvern_crds.vocabulary import Reason
from skyvern_operator.decision.refusals import refusal_of
from skyvern_operator.errors import CreateRetryError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Invalid(422, "Invalid", "spec.containers: Required value"), Reason.POD_SPEC_INVALID),
        (Forbidden(403, "Forbidden", 'pods "x" is forbidden: violates PodSecurity "restricted"'), Reason.POD_REJECTED),
        (Forbidden(403, "Forbidden", 'pods "x" is forbidden: exceeded quota: small'), Reason.QUOTA_EXCEEDED),
    ],
)
def test_refusal_of_a_pod_has_a_reason(error: Forbidden | Invalid, reason: Reason) -> None:
    refusal = refusal_of(error, 15)
    assert refusal.reason is reason
    assert (refusal.retry_at is not None) is (reason is Reason.QUOTA_EXCEEDED)


@pytest.mark.parametrize(
    "error",
    [
        Forbidden(403, "Forbidden", "x", details={"causes": [{"reason": "NamespaceTerminating"}]}),
        Forbidden(403, "Forbidden", 'User "operator" cannot create resource "pods"'),
    ],
)
def test_refusal_that_is_a_matter_of_time_is_retried(error: Forbidden) -> None:
    with pytest.raises(CreateRetryError):
        refusal_of(error, 15)
