"""A status fits its budget, whatever the runner and the operator have to say."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyvern_crds.fitting import fit_operator_status, fit_runner_status
from skyvern_crds.status import (
    MAX_ARTIFACTS,
    MAX_CONDITION_MESSAGE,
    MAX_INLINE_RESULT_BYTES,
    MAX_OPERATOR_STATUS_BYTES,
    MAX_RUNNER_STATUS_BYTES,
    MAX_STATUS_BYTES,
    MAX_STEPS_IN_STATUS,
    Artifact,
    Condition,
    Failure,
    OperatorStatus,
    RunnerStatus,
    SkyvernTaskStatus,
    Step,
    StepStatus,
    UserError,
    WebhookState,
    WebhookStatus,
)
from skyvern_crds.vocabulary import ConditionType, Phase
from skyvern_crds.wire import size

NOW = datetime(2026, 11, 23, 10, 0, 0, 123456, UTC)
WIDEST = "\x01"  # six bytes of JSON


def step(order: int, letter: str, length: int = 256) -> Step:
    return Step(
        step_id=f"stp_{order}", order=order, status=StepStatus.COMPLETED, created_at=NOW, modified_at=NOW,
        input_token_count=10**6, output_token_count=10**6, actions=10, url=letter * length, summary=letter * length,
    )  # fmt: skip


def artifact(name: str) -> Artifact:
    return Artifact(name=name, content_type="image/jpeg", size=10**7, sha256="f" * 64)


def runner_status(letter: str, *, result: int = MAX_INLINE_RESULT_BYTES) -> RunnerStatus:
    """Everything at the limits of the models."""
    files = [artifact(f"steps/{number:03}-0/{'s' * 100}.jpg") for number in range(MAX_ARTIFACTS - 2)]
    return RunnerStatus(
        steps=[step(order, letter) for order in range(MAX_STEPS_IN_STATUS)],
        step_count=1000,
        current_url=letter * 2083,
        last_heartbeat=NOW,
        extracted_information="r" * (result - 2),
        errors=[UserError(error_code=letter * 128, reasoning=letter * 1024) for _ in range(20)],
        artifacts=[*files, artifact("final.png"), artifact("recording.webm")],
    )


def operator_status(letter: str) -> OperatorStatus:
    message = letter * MAX_CONDITION_MESSAGE
    return OperatorStatus(
        observed_generation=10**6,
        phase=Phase.TIMED_OUT,
        conditions=[
            Condition(type=kind, status="Unknown", reason="r" * 64, message=message, last_transition_time=NOW)
            for kind in ConditionType
        ],
        pod_name="p" * 253,
        pod_uid="u" * 36,
        attempt=11,
        node_name="n" * 253,
        queued_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        failure_reason=message,
        failure=Failure(reason="r" * 64, message=message, exit_code=137),
        webhook=WebhookStatus(state=WebhookState.FAILED, attempts=99, last_error=message, retry_requested="t" * 64),
    )


@pytest.mark.parametrize("letter", ["a", "ä", "\U0001f600", '"', WIDEST])
def test_longest_status_fits_an_object(letter: str) -> None:
    ours, theirs = fit_operator_status(operator_status(letter)), fit_runner_status(runner_status(letter))
    assert size(ours.wire()) <= MAX_OPERATOR_STATUS_BYTES
    assert size(theirs.wire()) <= MAX_RUNNER_STATUS_BYTES
    whole = SkyvernTaskStatus.model_validate({**theirs.wire(), **ours.wire()})
    assert len(json.dumps(whole.wire(), ensure_ascii=False).encode()) <= MAX_STATUS_BYTES
    assert theirs.extracted_information == "r" * (MAX_INLINE_RESULT_BYTES - 2)
    assert (theirs.step_count, theirs.steps[-1].order) == (1000, MAX_STEPS_IN_STATUS - 1)


def test_ordinary_long_task_keeps_all_its_steps() -> None:
    steps = [step(order, "a", 60) for order in range(MAX_STEPS_IN_STATUS)]
    status = RunnerStatus(steps=steps, step_count=50, artifacts=[artifact("final.png")], last_heartbeat=NOW)
    assert fit_runner_status(status) is status


def test_oldest_steps_go_first_and_the_final_files_stay() -> None:
    status = fit_runner_status(runner_status("a", result=1024))
    orders = [each.order for each in status.steps]
    assert orders == list(range(orders[0], MAX_STEPS_IN_STATUS))
    assert len(orders) >= 10
    assert [each.name for each in status.artifacts][-2:] == ["final.png", "recording.webm"]


def test_conditions_keep_their_meaning_when_messages_are_cut() -> None:
    whole = operator_status("ä")
    cut = fit_operator_status(whole)
    assert [each.type for each in cut.conditions] == [each.type for each in whole.conditions]
    assert cut.failure_reason
    assert cut.failure_reason == "ä" * len(cut.failure_reason)
    short = whole.model_copy(update={"conditions": whole.conditions[:1]})
    assert fit_operator_status(short) is short


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(
        st.builds(step, st.integers(0, 99), st.sampled_from(["a", "ä", WIDEST]), st.integers(0, 256)), max_size=50
    ),
    st.lists(st.builds(artifact, st.sampled_from(["steps/1-0/a.jpg", "final.png", "a" * 128])), max_size=60),
    st.integers(2, MAX_INLINE_RESULT_BYTES),
)
def test_every_status_fits(steps: list[Step], artifacts: list[Artifact], result: int) -> None:
    whole = RunnerStatus(steps=steps, artifacts=artifacts, extracted_information="r" * (result - 2))
    status = fit_runner_status(whole)
    assert size(status.wire()) <= MAX_RUNNER_STATUS_BYTES
    assert status.steps == steps[len(steps) - len(status.steps) :]
