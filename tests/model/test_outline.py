"""Reading a page outline."""

import pytest

from tests.model.outline import FILLABLE, Node, parse_outline


@pytest.mark.parametrize(
    ("line", "node"),
    [
        ('heading "Apply" level=1', Node("heading", "Apply", 0, attributes={"level": "1"})),
        ('  [3] textbox "Full name" required', Node("textbox", "Full name", 1, "3", attributes={"required": "true"})),
        ('*[1z] button "Go"', Node("button", "Go", 0, "1z", new=True)),
        ('*text "Saved"', Node("text", "Saved", 0, new=True)),
        ("[9] textbox", Node("textbox", "", 0, "9")),
        (
            r'[a] textbox "A \"quoted\" name" value="two words"',
            Node("textbox", 'A "quoted" name', 0, "a", attributes={"value": "two words"}),
        ),
        (
            '[b] combobox "Size" value="S" options=["S", "M"]',
            Node("combobox", "Size", 0, "b", attributes={"value": "S", "options": '["S", "M"]'}),
        ),
        ('... 480 more in list "Results"', Node("text", '... 480 more in list "Results"', 0)),
    ],
)
def test_line_becomes_a_node(line: str, node: Node) -> None:
    assert parse_outline(line).nodes == (node,)


def test_exact_label_wins_over_a_prefix_and_a_substring() -> None:
    outline = parse_outline('[1] textbox "Your e-mail"\n[2] textbox "E-mail again"\n[3] textbox "E-mail *"')
    found = outline.find("e-mail", FILLABLE)
    assert found is not None
    assert found.id == "3"


def test_disabled_controls_and_other_roles_are_not_found() -> None:
    outline = parse_outline('[1] button "Send" disabled\n[2] link "Send"\ntext "Print"')
    found = outline.find("Send")
    assert found is not None
    assert found.id == "2"
    assert outline.find("Send", FILLABLE) is None
    assert outline.find("Print") is None


def test_value_after_a_label_is_the_next_text() -> None:
    outline = parse_outline('text "Position:"\ntext "Galley Cook"')
    assert outline.value_after("position") == "Galley Cook"
    assert outline.value_after("Galley Cook") is None
