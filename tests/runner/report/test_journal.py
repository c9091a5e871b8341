import hashlib
import json

from skyvern_crds import wire
from skyvern_crds.status import (
    MAX_ARTIFACTS,
    MAX_RUNNER_STATUS_BYTES,
    MAX_STEPS_IN_STATUS,
    Artifact,
    RunnerStatus,
    StepStatus,
)
from skyvern_runner.actions.fields.input_text import InputText
from skyvern_runner.model.ask import Exchange, Usage
from skyvern_runner.model.next_actions import ReportedError
from skyvern_runner.report.journal import Journal, newest_artifacts
from skyvern_runner.report.records import ActionRecord


def record(text: str = "Chris", message: str = "typed") -> ActionRecord:
    action = InputText.model_validate({"id": "3", "text": text})
    return ActionRecord(action, ok=True, message=message, seconds=0.01)


def exchange(tokens: int) -> Exchange:
    return Exchange("next_actions", (), "{}", Usage(tokens, tokens // 10), 0.1)


def artifact(name: str) -> Artifact:
    return Artifact(name=name, content_type="image/jpeg", size=1, sha256="0" * 64)


def test_steps_carry_the_tokens_of_all_their_questions_and_no_typed_text() -> None:
    journal = Journal()
    step = journal.begin(0, 0)
    step.exchanges += [exchange(100), exchange(50)]
    step.actions.append(record("Chris P. Bacon"))
    journal.end(step, StepStatus.COMPLETED)
    (reported,) = journal.status().steps
    assert (reported.input_token_count, reported.output_token_count, reported.actions) == (150, 15, 1)
    assert "Bacon" not in journal.status().model_dump_json()
    assert step.as_json()["actions"][0]["text"] == "Chris P. Bacon"


def test_retries_share_a_place_and_are_not_counted() -> None:
    journal = Journal()
    for order, retry in ((0, 0), (0, 1), (1, 0)):
        journal.end(journal.begin(order, retry), StepStatus.COMPLETED)
    assert journal.step_count == 2
    assert [step.folder for step in journal.steps] == ["steps/00-0", "steps/00-1", "steps/01-0"]
    assert len({step.step_id for step in journal.steps}) == 3


def test_longest_run_stays_within_its_share_of_the_object() -> None:
    journal = Journal()
    for order in range(1000):
        step = journal.begin(order, 0)
        step.url = "https://example.com/" + "ü" * 300
        step.problem = "ö" * 500
        journal.end(step, StepStatus.FAILED)
        journal.add_artifact(artifact(f"steps/{order:02d}-0/screenshot-1.jpg"))
    journal.take_result({"text": "x" * 16000})
    status = journal.status()
    assert wire.size(status.wire()) <= MAX_RUNNER_STATUS_BYTES
    assert 1 <= len(status.steps) <= MAX_STEPS_IN_STATUS
    assert status.steps[-1].order == 999
    assert status.step_count == 1000


def test_prompts_give_way_to_screenshots_in_the_list_of_artifacts() -> None:
    names = [f"steps/{n:02d}-0/{file}" for n in range(30) for file in ("prompt.json", "reply.json", "screenshot-1.jpg")]
    kept = [kept.name for kept in newest_artifacts([artifact(name) for name in [*names, "final.png"]])]
    assert len(kept) == MAX_ARTIFACTS
    assert kept[-1] == "final.png"
    assert sum(name.endswith(".jpg") for name in kept) == 30


def test_artifact_of_the_same_name_replaces_the_older() -> None:
    journal = Journal()
    journal.add_artifact(artifact("final.png"))
    journal.add_artifact(artifact("final.png"))
    assert len(journal.status().artifacts) == 1


def test_small_result_is_inline_with_its_nulls() -> None:
    journal = Journal()
    journal.take_result({"reference": None, "list": [None]})
    assert journal.set_aside_large_result() is None
    assert journal.status().wire()["extractedInformation"] == {"reference": None, "list": [None]}


def test_large_result_is_a_file_and_a_reference() -> None:
    journal = Journal()
    journal.take_result({"text": "x" * 20000})
    file = journal.set_aside_large_result()
    assert file is not None
    status = journal.status().wire()
    assert "extractedInformation" not in status
    assert status["extractedInformationRef"]["name"] == "result.json"
    assert json.loads(file.data) == journal.result


def test_result_has_one_digest_in_its_file_its_reference_and_the_verdict() -> None:
    journal = Journal()
    journal.take_result({"text": "x" * 20000, "lines": [{"b": 1, "a": 2}]})
    file = journal.set_aside_large_result()
    assert file is not None
    digest = hashlib.sha256(file.data).hexdigest()
    assert journal.status().wire()["extractedInformationRef"]["sha256"] == digest
    assert journal.result_sha256 == digest


def test_latest_report_of_an_error_code_counts() -> None:
    journal = Journal()
    journal.add_errors([ReportedError(error_code="A", reasoning="first"), ReportedError(error_code="B")])
    journal.add_errors([ReportedError(error_code="A", reasoning="second")])
    assert {error.error_code: error.reasoning for error in journal.errors} == {"A": "second", "B": ""}


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    one, other = Journal(), Journal()
    one.take_result({"a": 1, "b": {"c": "ü", "d": [{"e": 1, "f": 2}]}})
    other.take_result({"b": {"d": [{"f": 2, "e": 1}], "c": "ü"}, "a": 1})
    assert one.result_sha256 == other.result_sha256


def test_texts_are_cut_to_the_limits_of_the_status() -> None:
    journal = Journal()
    journal.begin(0, 0).url = "u" * 3000
    journal.current_url = "v" * 3000
    codes = [f"{number:03}{'c' * 300}" for number in range(30)]
    journal.add_errors([ReportedError(error_code=code, reasoning="r" * 3000) for code in codes])
    status = journal.status()
    RunnerStatus.model_validate(status.model_dump())
    assert (len(status.steps[0].url or ""), len(status.current_url or "")) == (256, 2083)
    assert [len(error.error_code) for error in status.errors] == [128] * 20
    assert {len(error.reasoning) for error in status.errors} == {1024}
