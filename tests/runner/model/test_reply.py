import json
from typing import Any

import jsonschema_rs
import pytest

from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ReplyError
from skyvern_runner.model.next_actions import MAX_ACTIONS, next_actions_format, parse_next_actions
from skyvern_runner.model.reply import CompletionCheck, completion_check_format, load_object, parse_as
from skyvern_runner.model.rules import ACT_RULES

LABELS = {
    ElementId.parse("3"): 'textbox "Full name"',
    ElementId.parse("7"): 'button "Submit"',
    ElementId.parse("1a"): 'checkbox "I agree"',
    ElementId.parse("5.7"): 'button "Pay"',
}
CODES = {"SOLD_OUT": "nothing is left"}
STRICT_KEYWORDS = {"$defs", "$ref", "additionalProperties", "anyOf", "enum", "items", "properties", "required", "type"}
"""Keywords that every server with a strict mode takes; others make it refuse the whole schema."""


def action(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "id": None, "text": None, "checked": None, "seconds": None, "reason": "why"} | fields


def reply(*actions: Any, **fields: Any) -> str:
    return json.dumps({"thought": "I see", "actions": list(actions), "errors": []} | fields)


@pytest.mark.parametrize(
    "entry",
    [
        action("click", id="7"),
        action("CLICK", id="[7]"),
        action("click", id="[5.7]"),
        {"type": "click", "id": 7},
        action("input_text", id="3", text="Chris"),
        action("input_text", id="3", text=""),
        action("input_text", id="3", text=42),
        action("check", id="1a", checked=False),
        action("scroll", text="down"),
        action("press_key", text="Enter"),
        action("wait", seconds=2),
        action("go_to", text="https://example.com/"),
        action("complete"),
        action("click", id="7", button="right", count=2, modifiers=["Ctrl"], hold=1),
        action("drag", id="7", to="3"),
        action("terminate", reason="no such job"),
    ],
    ids=lambda entry: f"{entry['type']}-{entry.get('id', '')}",
)
def test_well_formed_action_is_taken(entry: dict[str, Any]) -> None:
    checked = parse_next_actions(reply(entry), LABELS, CODES)
    assert [taken.type for taken in checked.actions] == [entry["type"].lower()]
    assert checked.refused == ()


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (action("dance"), "unknown type 'dance'"),
        ({"id": "3"}, "unknown type None"),
        ("click 3", "valid dictionary"),
        (action("click"), "click needs the id"),
        (action("click", id="99"), r"no element \[99\]"),
        (action("scroll", id="99", text="up"), r"no element \[99\]"),
        (action("input_text", id="3"), "input_text needs a text"),
        (action("select_option", id="3", text=""), "select_option needs a text"),
        (action("scroll", text="sideways"), "'top' or 'bottom'"),
        (action("note", text="x" * 501), "at most 500 characters"),
        (action("wait", until="text"), "needs text"),
        (action("wait", until="gone"), "needs the id"),
        (action("wait", text="Done"), "only until"),
        (action("read", part=0), "part"),
        (action("go_to", text="javascript:alert(1)"), "http or https"),
        (action("go_to", text="/apply"), "http or https"),
        (action("terminate", reason="  "), "needs its reason"),
        (action("wait", seconds=-1), "seconds"),
        (action("click", id="7", seconds=3), "click takes no 'seconds'; it takes reason, id, button, count"),
        (action("complete", id="7"), "complete takes no 'id'"),
        (action("click", id="7", button="upper"), "'left', 'right' or 'middle'"),
        (action("drag", id="7"), "to = the id"),
        (action("drag", id="7", to="99"), r"no element \[99\]"),
        (action("check", id="1a", checked="maybe"), "checked"),
        (action("click", id=5.12), "click.id: write id as a string, as the outline shows it"),
        (action("click", id=1.0), "click.id: write id as a string, as the outline shows it"),
        (action("click", id=["7"]), "click.id: write id as a string, as the outline shows it"),
        (action("scroll", id=5.7, text="up"), "scroll.id: write id as a string, as the outline shows it"),
    ],
)
def test_wrong_action_is_refused_with_what_to_change(entry: Any, complaint: str) -> None:
    with pytest.raises(ReplyError, match=complaint):
        parse_next_actions(reply(entry), LABELS, CODES)


def test_wrong_action_is_refused_alone_and_fields_are_filled_all_the_same() -> None:
    text = reply(action("click", id="7"), action("click", id="99"), action("input_text", id="3", text="Ann"))
    checked = parse_next_actions(text, LABELS, CODES)
    assert [taken.type for taken in checked.actions] == ["click", "input_text"]
    assert len(checked.refused) == 1
    assert "action 2: there is no element [99]" in checked.refused[0]


def test_form_that_lacks_a_refused_field_is_not_sent() -> None:
    text = reply(
        action("input_text", id="99", text="Ann"),
        action("check", id="1a", checked=True),
        action("click", id="7"),
        action("input_text", id="3", text="next page"),
    )
    checked = parse_next_actions(text, LABELS, CODES)
    assert [taken.type for taken in checked.actions] == ["check"]
    assert checked.refused[1:] == (
        "action 3 (click) and what follows: not carried out, since one before it was refused",
    )


def test_actions_beyond_the_cap_are_told() -> None:
    typing = action("input_text", id="3", text="Ann")
    checked = parse_next_actions(reply(*[typing] * (MAX_ACTIONS + 3)), LABELS, CODES)
    assert len(checked.actions) == MAX_ACTIONS
    assert checked.refused == ("actions 13 to 15: give at most 12 in one answer",)
    assert f"at most {MAX_ACTIONS} actions" in ACT_RULES


@pytest.mark.parametrize("text", ["", None, "   ", "The weather is fair.", "[]", "{}", '"click"', reply(), "[1, 2]"])
def test_answer_without_actions_is_refused(text: str | None) -> None:
    with pytest.raises(ReplyError):
        parse_next_actions(text, LABELS, CODES)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: f"Here it is:\n```json\n{text}\n```",
        lambda text: text.replace("}]", "},]"),
        lambda text: text.replace('"thought"', "'thought'"),
        lambda text: f"[{text}]",
    ],
    ids=["exact", "fenced", "comma", "single-quotes", "in-a-list"],
)
def test_sloppy_json_is_repaired(wrap: Any) -> None:
    text = wrap(reply(action("click", id="7")))
    assert [str(taken.element) for taken in parse_next_actions(text, LABELS, CODES).actions] == ["7"]


def test_torn_answer_is_refused_wherever_it_ends() -> None:
    whole = reply(action("input_text", id="7", text='12 "Main" Street {3}'), action("click", id="7"))
    assert len(parse_next_actions(f"Answer: {whole}", LABELS, CODES).actions) == 2
    for end in range(1, len(whole)):
        with pytest.raises(ReplyError, match="JSON"):
            parse_next_actions(whole[:end], LABELS, CODES)


def test_only_the_users_error_codes_are_taken() -> None:
    errors = [
        {"error_code": "SOLD_OUT", "reasoning": "none left", "confidence_float": 0.9},
        {"error_code": "INVENTED", "reasoning": "", "confidence_float": 1},
        {"error_code": "SOLD_OUT", "confidence_float": 7},
        "SOLD_OUT",
    ]
    checked = parse_next_actions(reply(action("complete"), errors=errors), LABELS, CODES)
    assert [(error.error_code, error.confidence_float) for error in checked.errors] == [("SOLD_OUT", 0.9)]


@pytest.mark.parametrize("form", [next_actions_format(), completion_check_format()], ids=lambda form: form.name)
def test_schemas_keep_to_strict_mode(form: Any) -> None:
    def objects(node: Any) -> Any:
        if isinstance(node, dict):
            if "properties" in node:
                yield node
            for value in node.values():
                yield from objects(value)
        elif isinstance(node, list):
            for value in node:
                yield from objects(value)

    found = list(objects(form.schema))
    assert found
    for node in found:
        assert node["additionalProperties"] is False
        assert sorted(node["required"]) == sorted(node["properties"])
    for keyword in ("default", "oneOf", "discriminator", "const", "minLength", "minimum"):
        assert f'"{keyword}"' not in json.dumps(form.schema)


@pytest.mark.parametrize("form", [next_actions_format(), completion_check_format()], ids=lambda form: form.name)
def test_schemas_use_only_keywords_of_strict_mode(form: Any) -> None:
    def keywords(schema: Any) -> Any:
        for keyword, value in schema.items():
            yield keyword
            if keyword in {"$defs", "properties"}:
                inner = list(value.values())
            elif keyword == "anyOf":
                inner = value
            else:
                inner = [value] if keyword == "items" else []
            for each in inner:
                yield from keywords(each)

    found = set(keywords(form.schema))
    assert found >= {"additionalProperties", "properties", "required", "type"}
    assert found <= STRICT_KEYWORDS


def test_schema_accepts_a_whole_answer() -> None:
    text = reply(
        {"type": "click", "id": "7", "reason": "why"},
        {"type": "press_key", "id": None, "text": "Enter", "reason": "why"},
        {"type": "wait", "seconds": 1.5, "reason": "why"},
    )
    assert jsonschema_rs.is_valid(dict(next_actions_format().schema), json.loads(text))


def test_check_without_its_verdict_is_refused() -> None:
    assert parse_as(CompletionCheck, '{"achieved": true, "reason": "seen"}').achieved
    with pytest.raises(ReplyError, match="achieved"):
        parse_as(CompletionCheck, '{"reason": "seen"}')


def test_load_object_takes_the_object_out_of_prose() -> None:
    assert load_object('Well: {"a": 1} - there you are') == {"a": 1}


@pytest.mark.parametrize(
    "text",
    [
        "{" * 3000,
        "[" * 3000,
        '{"actions": ' + "[" * 3000,
        '{"a":' * 3000 + "1" + "}" * 3000,
        '{"a":' * 300 + "1" + "}" * 300,
        '{"a":' * 300 + "1",
    ],
    ids=["braces", "brackets", "torn-list", "whole", "whole-300", "torn-300"],
)
def test_answer_nested_too_deep_is_refused(text: str) -> None:
    with pytest.raises(ReplyError, match="JSON"):
        load_object(text)


@pytest.mark.parametrize("text", ['{"thought": "a\\ud83d"}', '{"thought": "a\\ud83d",}'], ids=["exact", "sloppy"])
def test_lone_surrogate_in_an_answer_is_replaced(text: str) -> None:
    assert load_object(text) == {"thought": "a\ufffd"}


def test_whole_surrogate_pair_in_an_answer_is_kept() -> None:
    assert load_object('{"thought": "\\ud83d\\ude00"}') == {"thought": "\U0001f600"}
