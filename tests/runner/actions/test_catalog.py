"""The prompt and the schema follow from the action classes."""

from typing import Any

import pytest

from skyvern_runner.actions.base import Action
from skyvern_runner.actions.catalog import ACTIONS, TYPES, read_action
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.model.next_actions import next_actions_format
from skyvern_runner.model.rules import ACT_RULES

ENTRIES: list[tuple[dict[str, Any], str]] = [
    ({"type": "click", "id": "5.7"}, 'click [5.7] button "Pay"'),
    ({"type": "click", "id": "3", "button": "right", "modifiers": ["Ctrl"]}, "click [3] right Ctrl"),
    ({"type": "click", "id": "3", "count": 2, "hold": 1.5}, "click [3] double held 1.5 s"),
    ({"type": "hover", "id": "5.7"}, 'hover [5.7] button "Pay"'),
    ({"type": "drag", "id": "3", "to": "4"}, "drag [3] to [4]"),
    ({"type": "drag", "id": "3", "x": 20, "y": -5}, "drag [3] by 20,-5"),
    ({"type": "press_key", "text": "Shift", "phase": "down"}, "press_key 'Shift' down"),
    ({"type": "input_text", "id": "3", "text": "x" * 100}, f"input_text [3] '{'x' * 79}…'"),
    ({"type": "select_option", "id": "3", "text": "Bern"}, "select_option [3] 'Bern'"),
    ({"type": "select_option", "id": "3", "text": ["Bern", "Basel"]}, "select_option [3] 'Bern, Basel'"),
    ({"type": "input_text", "id": "3", "text": "more", "append": True}, "input_text [3] 'more' added"),
    ({"type": "upload_file", "id": "3", "text": ["a.pdf", "b.pdf"]}, "upload_file [3] 'a.pdf, b.pdf'"),
    ({"type": "check", "id": "3", "checked": False}, "check [3] off"),
    ({"type": "check", "id": "3", "checked": None}, "check [3] on"),
    ({"type": "upload_file", "id": "3", "text": "cv.pdf"}, "upload_file [3] 'cv.pdf'"),
    ({"type": "press_key", "id": "", "text": "Enter"}, "press_key 'Enter'"),
    ({"type": "scroll", "id": "3", "text": " Up "}, "scroll [3] 'up'"),
    ({"type": "wait", "seconds": 1}, "wait"),
    ({"type": "wait", "until": "text", "text": "Done"}, "wait 'Done' until text"),
    ({"type": "wait", "until": "quiet"}, "wait until quiet"),
    ({"type": "find_text", "text": "Terms"}, "find_text 'Terms'"),
    ({"type": "read", "id": "3", "part": 2}, "read [3] part 2"),
    ({"type": "note", "text": "Order 12"}, "note 'Order 12'"),
    ({"type": "go_to", "text": "https://x.example/"}, "go_to 'https://x.example/'"),
    ({"type": "navigate", "text": "Back"}, "navigate 'back'"),
    ({"type": "switch_tab", "tab": 2}, "switch_tab 2"),
    ({"type": "close_tab", "tab": 2}, "close_tab 2"),
    ({"type": "close_tab", "tab": None}, "close_tab"),
    ({"type": "answer_dialog", "accept": False}, "answer_dialog Cancel"),
    ({"type": "answer_dialog", "accept": True, "text": "Ann"}, "answer_dialog 'Ann' OK"),
    ({"type": "complete"}, "complete"),
    ({"type": "terminate", "reason": "gone"}, "terminate"),
]


@pytest.mark.parametrize("action", ACTIONS, ids=TYPES)
def test_action_is_in_the_rules_and_in_the_schema(action: type[Action]) -> None:
    name = str(action.model_fields["type"].default)
    assert f"\n- {name}: {action.RULE}\n" in ACT_RULES
    definitions = next_actions_format().schema["$defs"]
    definition = definitions[action.__name__]
    shapes = [shape["properties"] for shape in definition.get("anyOf", [definition])]
    for shape in shapes:
        assert shape["type"]["enum"] == [name]
        assert list(shape)[-1] == "reason"
    assert set(shapes[-1]) - set(shapes[0]) == set(action.RARE)


@pytest.mark.parametrize(("entry", "line"), ENTRIES, ids=lambda value: value if isinstance(value, str) else "")
def test_action_is_one_line_of_history(entry: dict[str, Any], line: str) -> None:
    action = read_action(entry)
    label = 'button "Pay"' if action.element == ElementId.parse("5.7") else ""
    assert action.describe(label) == line


def test_every_action_has_a_line_of_history() -> None:
    assert {str(entry["type"]) for entry, _ in ENTRIES} == set(TYPES)


def test_action_is_written_as_it_was_read() -> None:
    action = read_action({"type": "press_key", "id": "[5.7]", "text": "Enter", "reason": "send"})
    assert action.model_dump(mode="json", exclude_defaults=True) == {"reason": "send", "id": "5.7", "text": "Enter"}
    nowhere = read_action({"type": "press_key", "text": "Enter"})
    assert nowhere.model_dump(mode="json")["id"] is None
