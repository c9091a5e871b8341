"""Stored objects, however odd, become records: the reader never raises and names what it left out."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyvern_crds import wire
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.response import encode_steps, step_responses, task_response
from skyvern_crds.rest.webhook import webhook_body
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_crds.status import OperatorStatus, SkyvernTaskStatus
from skyvern_crds.stored import StoredTask, read, read_task
from skyvern_crds.vocabulary import ANNOTATION_CANCEL, ANNOTATION_REQUEST, Phase
from tests.crds.corpus import Poison, load_poison

LINKS = ArtifactLinks("https://tasks.example.com", b"0123456789abcdef", now=1_800_000_000)
KEYS = ["request", "task_id", "status", "created_at", "modified_at", "extracted_information"]
METADATA = {"namespace": "team-a", "uid": "u-1", "resourceVersion": "7", "creationTimestamp": "2026-11-20T10:00:00Z"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def answer(task: StoredTask) -> dict[str, Any]:
    """What REST and the webhook say of a task; both must always be JSON."""
    json.loads(webhook_body(task, LINKS))
    json.loads(encode_steps(step_responses(task)))
    json.loads(task_response(task, None).encode())
    value: dict[str, Any] = json.loads(task_response(task, LINKS).encode())
    return value


@pytest.mark.parametrize("poison", load_poison(), ids=lambda poison: poison.name)
def test_poison_is_read_and_answered(poison: Poison) -> None:
    task = read_task(wire.loads(poison.json(**METADATA)))
    assert sorted(each.field for each in task.unreadable) == sorted(poison.unreadable)
    assert all(each.reason for each in task.unreadable)
    said = answer(task)
    assert list(said)[:6] == KEYS
    assert said["task_id"] == poison.name.replace("_", "-")
    assert said["status"] in set(Phase)


def test_corpus_has_every_annotation_and_depth_that_hurt() -> None:
    names = {poison.name for poison in load_poison()}
    assert len(names) >= 25
    assert {"request_annotation_list", "payload_nested_9000", "result_nested_1000", "goals_of_cjk"} <= names


def test_what_is_readable_stays_when_something_beside_it_is_not() -> None:
    status = {"phase": "running", "attempt": "many", "podName": "p", "conditions": [5, _condition("Queued")]}
    found, unreadable = read(OperatorStatus, status, "status")
    assert (found.phase, found.pod_name, found.attempt) == (Phase.RUNNING, "p", None)
    assert [condition.reason for condition in found.conditions] == ["Queued"]
    assert sorted(map(str, unreadable))[0].startswith("status.attempt: ")


def test_record_of_a_partly_unreadable_status_equals_one_that_was_written_by_the_models() -> None:
    found, _ = read(
        OperatorStatus, {"phase": "queued", "attempt": "many", "conditions": [_condition("Queued")]}, "status"
    )
    written = OperatorStatus.model_validate({"phase": "queued", "conditions": [_condition("Queued")]})
    assert found == written


def test_limits_of_writers_are_not_checked_on_reading() -> None:
    task = read_task({"metadata": METADATA, "spec": {"url": "x", "maxSteps": 5000, "navigationGoal": "g" * 100_000}})
    assert task.unreadable == ()
    assert (task.spec.max_steps, len(task.spec.navigation_goal or "")) == (5000, 100_000)


def test_only_chosen_fields_are_read_when_fields_are_given() -> None:
    spec, unreadable = read(
        SkyvernTaskSpec, {"url": [], "priority": 5, "navigationGoal": 7}, "spec", fields=frozenset({"priority"})
    )
    assert (spec.priority, spec.navigation_goal, unreadable) == (5, None, ())


@pytest.mark.parametrize(("started", "answered"), [(None, Phase.QUEUED), ("2026-11-20T10:00:00Z", Phase.RUNNING)])
def test_phase_of_a_newer_version_is_answered_as_unfinished_and_says_why(started: str | None, answered: Phase) -> None:
    status = {"phase": "paused"} | ({"startedAt": started} if started else {})
    said = answer(read_task({"metadata": METADATA, "spec": {"url": "x"}, "status": status}))
    assert said["status"] == answered
    assert "status.phase" in said["failure_reason"]


def test_result_that_cannot_be_read_is_not_a_silent_null() -> None:
    deep = wire.loads("[" * 500 + "]" * 500)
    status = {"phase": "completed", "extractedInformation": deep}
    said = answer(read_task({"metadata": METADATA, "spec": {"url": "x"}, "status": status}))
    assert (said["status"], said["extracted_information"]) == ("completed", None)
    assert "status.extractedInformation" in said["failure_reason"]


def test_odd_request_annotation_hides_nothing_but_itself() -> None:
    metadata = METADATA | {"annotations": {ANNOTATION_REQUEST: "[]", ANNOTATION_CANCEL: "true"}}
    task = read_task({"metadata": metadata, "spec": {"url": "https://a.example"}, "status": {"phase": "completed"}})
    assert task.metadata.cancel_requested
    said = answer(task)
    assert (said["status"], said["failure_reason"], said["request"]["url"]) == ("completed", None, "https://a.example")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(json_values, json_values, json_values)
def test_any_json_value_in_any_part_is_read(metadata: Any, spec: Any, status: Any) -> None:
    answer(read_task({"metadata": metadata, "spec": spec, "status": status}))
    answer(read_task(metadata))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.dictionaries(st.sampled_from([field.alias for field in SkyvernTaskSpec.model_fields.values()]), json_values),
    st.dictionaries(st.sampled_from([field.alias for field in SkyvernTaskStatus.model_fields.values()]), json_values),
)
def test_any_json_value_in_any_field_is_read(spec: dict[str, Any], status: dict[str, Any]) -> None:
    answer(read_task({"metadata": METADATA | {"name": "t"}, "spec": spec, "status": status}))


def _condition(reason: str) -> dict[str, str]:
    return {
        "type": "Succeeded",
        "status": "Unknown",
        "reason": reason,
        "lastTransitionTime": "2026-11-20T10:00:00Z",
    }
