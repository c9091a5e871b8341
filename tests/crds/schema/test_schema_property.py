"""Whatever the models accept, the schema accepts: checked with generated specs and statuses."""

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyvern_crds.schema import openapi_schema
from skyvern_crds.spec import ProxyLocation, SkyvernTaskSpec
from skyvern_crds.status import SkyvernTaskStatus, StepStatus
from skyvern_crds.vocabulary import Phase

# Kubernetes' dialect has the boolean exclusiveMinimum of draft 4; its extensions are unknown keywords and pass.
VALIDATOR = jsonschema_rs.Draft4Validator(openapi_schema())

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?\Z")
urls = st.builds(
    "https://{}/{}".format, names, st.from_regex(r"\A[^\s?#]{0,20}\Z", alphabet=st.characters(codec="ascii"))
)
times = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
key_refs = st.fixed_dictionaries({"name": names, "key": names})
counts = st.integers(0, 10**6)


def optional(**fields: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    return fields


specs = st.fixed_dictionaries(
    {"url": urls},
    optional=optional(
        title=words,
        navigationGoal=words,
        navigationPayload=json_values,
        extractedInformationSchema=json_values,
        webhookCallbackUrl=urls,
        proxyLocation=st.sampled_from(ProxyLocation),
        totpIdentifier=st.text("abc", min_size=1, max_size=256),
        errorCodeMapping=st.dictionaries(st.text("äbc", min_size=1, max_size=128), words, max_size=4),
        extraHttpHeaders=st.dictionaries(names, st.text("a b=;", max_size=30), max_size=4),
        maxScreenshotScrolls=st.integers(0, 1000),
        model=st.fixed_dictionaries({"modelName": names}),
        secrets=st.lists(
            st.fixed_dictionaries(
                {"name": names, "secretKeyRef": key_refs, "hosts": st.lists(names, min_size=1, max_size=3)}
            ),
            max_size=4,
            unique_by=lambda secret: secret["name"],
        ),
        maxSteps=st.integers(1, 1000),
        maxRetriesPerStep=st.integers(0, 20),
        activeDeadlineSeconds=st.integers(10, 86400),
        ttlSecondsAfterFinished=counts,
        priority=st.integers(-1000, 1000),
        suspend=st.booleans(),
        profile=names,
    ),
)
steps = st.fixed_dictionaries(
    {"stepId": names, "order": counts, "status": st.sampled_from(StepStatus), "createdAt": times, "modifiedAt": times},
    optional=optional(retryIndex=counts, inputTokenCount=counts, isLast=st.booleans(), url=urls, summary=words),
)
conditions = st.fixed_dictionaries(
    {
        "type": names,
        "status": st.sampled_from(["True", "False", "Unknown"]),
        "reason": names,
        "lastTransitionTime": times,
    },
    optional=optional(message=words, observedGeneration=counts),
)
statuses = st.fixed_dictionaries(
    {},
    optional=optional(
        phase=st.sampled_from(Phase),
        observedGeneration=counts,
        conditions=st.lists(conditions, max_size=4, unique_by=lambda condition: condition["type"]),
        podUID=names,
        attempt=counts,
        startedAt=times,
        failureReason=words,
        failure=st.fixed_dictionaries(
            {"reason": names}, optional=optional(message=words, exitCode=st.integers(0, 255))
        ),
        webhook=st.fixed_dictionaries({"state": st.sampled_from(["Pending", "Delivered", "Failed"])}),
        steps=st.lists(steps, max_size=5),
        stepCount=counts,
        currentUrl=urls,
        lastHeartbeat=times,
        extractedInformation=json_values,
        errors=st.lists(st.fixed_dictionaries({"errorCode": names, "reasoning": words}), max_size=3),
        artifacts=st.lists(
            st.fixed_dictionaries({"name": names, "contentType": names, "size": counts, "sha256": names}), max_size=3
        ),
    ),
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(specs, statuses)
def test_what_the_models_write_the_schema_accepts(spec: dict[str, Any], status: dict[str, Any]) -> None:
    written = {
        "spec": SkyvernTaskSpec.model_validate(spec).wire(),
        "status": SkyvernTaskStatus.model_validate(status).wire(),
    }
    VALIDATOR.validate(written)
    assert SkyvernTaskSpec.model_validate(written["spec"]).wire() == written["spec"]
    assert SkyvernTaskStatus.model_validate(written["status"]).wire() == written["status"]


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("spec", {"maxSteps": 0}),
        ("spec", {"maxSteps": "1"}),
        ("spec", {"title": "t" * 257}),
        ("spec", {"proxyLocation": "MARS"}),
        ("spec", {"secrets": [{}]}),
        ("status", {"phase": "done"}),
        ("status", {"errors": [{"errorCode": "a", "reasoning": "b", "confidenceFloat": 1.5}]}),
        ("status", {"steps": [{}]}),
        ("status", {"startedAt": 5}),
    ],
)
def test_both_refuse_the_same(part: str, change: dict[str, Any]) -> None:
    good = {"spec": {"url": "https://example.com"}, "status": {}}
    bad = {**good, part: {**good[part], **change}}
    VALIDATOR.validate(good)
    with pytest.raises(jsonschema_rs.ValidationError):
        VALIDATOR.validate(bad)
    model = SkyvernTaskSpec if part == "spec" else SkyvernTaskStatus
    with pytest.raises(ValueError, match="validation error"):
        model.model_validate_json(json.dumps(bad[part]), strict=True)
