"""From Kubernetes JSON to records, whatever an object holds."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyvern_crds import wire
from skyvern_crds.client import JsonObject
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_crds.vocabulary import Phase
from skyvern_operator.state.facts import Trouble
from skyvern_operator.state.parsing import SpecPart, pod_record, task_record, trouble_of
from skyvern_operator.state.records import ContainerState, PodLife
from tests.crds.corpus import Poison, load_poison
from tests.operator.examples import NOW, TASK_UID

METADATA = {"namespace": "jobs", "uid": TASK_UID, "resourceVersion": "7", "creationTimestamp": "2026-01-01T12:00:00Z"}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def test_task_is_parsed_with_the_defaults_of_its_spec() -> None:
    record = task_record(task_object(status={"phase": "running", "stepCount": 2, "steps": [{"stepId": "stp_1"}]}))
    assert record.start_deadline_seconds == 900
    assert record.status.phase is Phase.RUNNING
    assert record.reported
    assert record.without_effect == ("proxyLocation",)


def test_status_of_another_version_is_not_guessed_at() -> None:
    record = task_record(task_object(status={"phase": "reviewing"}))
    assert record.unreadable is not None
    assert "phase" in record.unreadable


@pytest.mark.parametrize(("value", "asked"), [("true", True), ("", True), ("false", False), (None, False)])
def test_cancel_annotation_is_set_by_anything_but_false(value: str | None, asked: bool) -> None:
    annotations = {} if value is None else {"skyvern.io/cancel": value}
    assert task_record(task_object(annotations=annotations)).cancel_requested is asked


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", False),
        ("x" * 100_000, False),
    ],
)
def test_traceparent_annotation_is_kept_unless_it_is_garbage(value: str, kept: bool) -> None:
    record = task_record(task_object(annotations={"skyvern.io/traceparent": value}))
    assert record.traceparent == (value if kept else None)


def test_pod_is_parsed_with_its_containers() -> None:
    record = pod_record(pod_object())
    assert record is not None
    assert record.runner.state is ContainerState.TERMINATED
    assert record.runner.exit_code == 1
    assert record.browser.killed_for_memory
    assert record.disruption == "EvictionByEvictionAPI"
    assert record.ended


def warning(time: str, message: str, **changes: Any) -> JsonObject:
    event = {"reason": "FailedMount", "message": message, "lastTimestamp": time, "source": {"component": "kubelet"}}
    return {**event, **changes}


def test_newest_warning_of_the_kubelet_tells_what_a_pod_lacks() -> None:
    events = [
        warning("2026-01-01T12:00:01Z", 'secret "a" not found'),
        warning("2026-01-01T12:00:09Z", "references non-existent secret key: b"),
        warning("2026-01-01T12:00:05Z", "timed out"),
        warning("2026-01-01T12:00:20Z", "0/3 nodes are available", source={"component": "default-scheduler"}),
    ]
    trouble = trouble_of("pod-1", events, NOW)
    assert trouble == Trouble("pod-1", NOW, "FailedMount: references non-existent secret key: b", missing=True)


@pytest.mark.parametrize("events", [[], [{}], [warning("", "", source=None)], [warning("2026", "timed out")]])
def test_events_that_name_nothing_missing_are_no_proof(events: list[JsonObject]) -> None:
    assert not trouble_of("pod-1", events, NOW).missing


@pytest.mark.parametrize(("seconds", "over"), [(30, False), (0, True)])
def test_pod_under_deletion_is_parsed_with_its_due_time(seconds: int, over: bool) -> None:
    obj = pod_object()
    obj["metadata"] |= {"deletionTimestamp": "2026-01-01T12:00:30Z", "deletionGracePeriodSeconds": seconds}
    record = pod_record(obj)
    assert record is not None
    assert (record.life, record.deletion_due is not None, record.grace_over) == (PodLife.DELETING, True, over)


def test_pod_of_another_controller_is_ignored() -> None:
    obj = pod_object()
    obj["metadata"]["ownerReferences"][0]["kind"] = "Job"
    assert pod_record(obj) is None


@pytest.mark.parametrize("poison", load_poison(), ids=lambda poison: poison.name)
def test_poisonous_task_becomes_a_record_that_names_what_of_its_status_is_unreadable(poison: Poison) -> None:
    record = task_record(wire.loads(poison.json(**METADATA)))
    assert (record.key.namespace, record.uid, record.version) == ("jobs", TASK_UID, 7)
    faults = [field for field in poison.unreadable if field.startswith("status") and not of_the_runner(field)]
    assert (record.unreadable is not None) == bool(faults)


@settings(max_examples=200, deadline=None)
@given(JSON_VALUES, JSON_VALUES, JSON_VALUES)
def test_any_json_becomes_a_record(metadata: Any, spec: Any, status: Any) -> None:
    obj = {"metadata": metadata, "spec": spec, "status": status}
    task_record(obj)
    pod_record(obj)


@settings(max_examples=200, deadline=None)
@given(JSON_VALUES, st.sampled_from(["containerStatuses", "initContainerStatuses", "conditions", "phase", "reason"]))
def test_any_status_of_our_pod_becomes_a_record(value: Any, field: str) -> None:
    obj = pod_object()
    obj["status"][field] = value
    record = pod_record(obj)
    assert record is not None
    assert record.task_uid == TASK_UID


@pytest.mark.parametrize("owners", [[{}], [None], {}, [{"controller": True}], [{"controller": True, "kind": 1}]])
def test_odd_owner_references_belong_to_no_task(owners: Any) -> None:
    obj = pod_object()
    obj["metadata"]["ownerReferences"] = owners
    assert pod_record(obj) is None


@pytest.mark.parametrize("label", ["two", "-1", "9" * 300, 7, None])
def test_attempt_label_that_is_not_a_number_counts_as_the_first(label: Any) -> None:
    obj = pod_object()
    obj["metadata"]["labels"]["skyvern.io/attempt"] = label
    record = pod_record(obj)
    assert record is not None
    assert record.attempt == 1


def test_times_of_the_wrong_shape_are_left_out() -> None:
    obj = json.loads(json.dumps(pod_object()).replace("2026-01-01T12:00:00Z", "yesterday"))
    record = pod_record(obj)
    assert record is not None
    assert record.runner.started_at is None


def test_part_of_the_spec_has_the_names_and_defaults_of_the_whole() -> None:
    whole = SkyvernTaskSpec.model_fields
    for name, field in SpecPart.model_fields.items():
        assert (field.alias, field.default) == (whole[name].alias, whole[name].default), name


def of_the_runner(field: str) -> bool:
    """Whether the runner writes this field of status, on which no decision depends."""
    names = ("steps", "artifacts", "errors", "lastHeartbeat", "currentUrl", "extractedInformation", "stepCount")
    return field.removeprefix("status.").startswith(names)


def task_object(status: dict[str, Any] | None = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "apply",
            "namespace": "jobs",
            "uid": TASK_UID,
            "resourceVersion": "7",
            "generation": 1,
            "creationTimestamp": "2026-01-01T12:00:00Z",
            "annotations": annotations or {},
        },
        "spec": {"url": "https://example.com", "proxyLocation": "US-CA"},
        "status": status or {},
    }


def pod_object() -> dict[str, Any]:
    ended = {"exitCode": 1, "reason": "Error", "startedAt": "2026-01-01T12:00:00Z"}
    return {
        "metadata": {
            "name": "apply-1",
            "namespace": "jobs",
            "uid": "pod-1",
            "resourceVersion": "8",
            "labels": {"skyvern.io/attempt": "1"},
            "ownerReferences": [
                {
                    "apiVersion": "skyvern.io/v1",
                    "kind": "SkyvernTask",
                    "name": "apply",
                    "uid": TASK_UID,
                    "controller": True,
                }
            ],
        },
        "spec": {"nodeName": "a-node"},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}],
            "containerStatuses": [{"name": "runner", "state": {"terminated": ended}}],
            "initContainerStatuses": [
                {
                    "name": "browser",
                    "state": {"running": {}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}},
                }
            ],
        },
    }
