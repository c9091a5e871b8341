"""What the scripted server answers to a page."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.model.conftest import ABOUT_PAGE, APPLICANT, DONE_PAGE, Ask, body, extraction_schema
from tests.model.script import SCRIPTS, ScriptError, load_script


def brief(reply: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (
            action["type"],
            *(action[key] for key in ("id", "text", "checked") if action.get(key) is not None),
        )
        for action in reply["actions"]
    ]


def test_form_is_filled_by_its_labels_and_what_is_right_already_is_left(ask: Ask) -> None:
    assert brief(ask(ABOUT_PAGE)) == [
        ("input_text", "1", "Chris P. Bacon"),
        ("input_text", "2", "chris@example.com"),
        ("select_option", "4", "Galley Cook"),
        ("check", "5", True),
        ("input_text", "7", "2027-03-01"),
        ("click", "8"),
    ]


def test_each_value_of_a_list_is_checked_and_an_optional_field_is_passed_over(ask: Ask) -> None:
    page = (
        'heading "Your documents"\n[1] file "Resume"\n[2] textbox "Cover letter"\n[3] checkbox "A friend"\n'
        '[4] checkbox "Newspaper" checked\n[5] checkbox "I accept the terms"\n[6] button "Continue"\n'
    )
    assert brief(ask(page)) == [
        ("upload_file", "1", "http://site/resume.pdf"),
        ("check", "3", True),
        ("check", "5", True),
        ("click", "6"),
    ]


def test_missing_information_terminates_and_is_named(ask: Ask) -> None:
    reply = ask(ABOUT_PAGE, payload={key: value for key, value in APPLICANT.items() if key != "phone"})
    [action] = reply["actions"]
    assert (action["type"], action["reason"]) == ("terminate", "missing information: phone")


def test_control_that_is_not_there_terminates_and_is_named(ask: Ask) -> None:
    [action] = ask('heading "About you"\n[1] button "Continue"\n')["actions"]
    assert (action["type"], action["reason"]) == ("terminate", "the page has no control labeled 'Full name' to fill")


def test_page_without_a_rule_terminates(ask: Ask) -> None:
    [action] = ask('heading "Elsewhere"\n')["actions"]
    assert action["type"] == "terminate"
    assert "'Elsewhere'" in action["reason"]


def test_confirmation_completes_and_is_confirmed(ask: Ask) -> None:
    assert brief(ask(DONE_PAGE)) == [("complete",)]
    assert ask(DONE_PAGE, "completion_check")["achieved"] is True
    assert ask(ABOUT_PAGE, "completion_check")["achieved"] is False


def test_extraction_has_the_requested_shape_and_nulls_where_nothing_is_known(ask: Ask) -> None:
    text = {"type": ["string", "null"]}
    information = {
        "type": "object",
        "additionalProperties": False,
        "required": ["successful", "reference_number", "job", "salary"],
        "properties": {
            "successful": {"type": "boolean"},
            "reference_number": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "job": {"type": "object", "properties": {"position": text}, "required": ["position"]},
            "salary": text,
        },
    }
    assert ask(DONE_PAGE, "extraction", schema=extraction_schema(information)) == {
        "extracted_information": {
            "successful": True,
            "reference_number": "JOB-ABC234",
            "job": {"position": "Galley Cook"},
            "salary": None,
        }
    }


def test_extraction_without_a_shape_holds_all_that_is_known(ask: Ask) -> None:
    found = ask(DONE_PAGE, "extraction", schema=extraction_schema({}))["extracted_information"]
    assert found == {"reference": "JOB-ABC234", "successful": True, "position": "Galley Cook"}


def test_answer_that_does_not_fit_the_schema_is_an_error_that_names_the_place(client: TestClient) -> None:
    schema = extraction_schema({"type": "object", "properties": {"salary": {"type": "integer"}}})
    answer = client.post("/v1/chat/completions", json=body(DONE_PAGE, "extraction", schema=schema))
    assert answer.status_code == 500
    assert "/extracted_information/salary: null is not of type" in answer.json()["error"]["message"]


def test_without_strictness_a_null_stands_for_what_the_page_does_not_tell(ask: Ask) -> None:
    schema = extraction_schema({"type": "object", "properties": {"salary": {"type": "integer"}}})
    assert ask(DONE_PAGE, "extraction", schema=schema, strict=False) == {"extracted_information": {"salary": None}}


def test_another_script_is_chosen_by_the_model_name(ask: Ask) -> None:
    assert brief(ask(ABOUT_PAGE, model="scripted-1:script=fix-errors")) == [("click", "8")]
    assert ask(ABOUT_PAGE, model="scripted-1:script=never-done")["actions"][0]["type"] == "wait"


def test_json_mode_is_answered_too(ask: Ask) -> None:
    assert ask(ABOUT_PAGE, response_format={"type": "json_object"})["actions"]
    messages = body(DONE_PAGE)["messages"]
    messages[-1]["content"] += "\nAnswer with one JSON object, completion_check, that fits this JSON schema: {}"
    assert ask(DONE_PAGE, response_format={"type": "json_object"}, messages=messages)["achieved"] is True


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_script_can_be_loaded(script: Path) -> None:
    assert load_script(script).rules


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [{name: x, do: [{click: a, press: Enter}]}]", "exactly one of"),
        ("rules: [{name: x, do: [{fill: a}]}]", "'fill' needs 'with'"),
        ("rules: [{name: x, do: [], when: {title: a}}]", "title"),
        ("rules: [", "expected the node content"),
    ],
)
def test_wrong_script_is_refused_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ScriptError, match=r"wrong\.yaml") as refused:
        load_script(path)
    assert message in str(refused.value)
