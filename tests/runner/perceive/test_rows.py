"""Rows as printed, and the marks of what is new."""

from skyvern_runner.perceive.fold import render
from skyvern_runner.perceive.rows import ACTIONABLE, marks
from tests.runner.perceive.trees import links, tree


def test_row_is_printed_with_id_role_quoted_name_and_states() -> None:
    page = tree([[1, "7", "textbox", 'The "name"', ' value="x" required', ACTIONABLE, -1, 0]])
    assert render(page, 100).text == '  [7] textbox "The \\"name\\"" value="x" required'


def test_container_without_a_name_has_no_quotes() -> None:
    assert render(tree([[0, "", "navigation", "", "", 8, -1, 0]]), 100).text == "navigation"


def test_marks_are_for_new_and_changed_rows_only() -> None:
    before = tree([*links(2), [0, "", "text", "same", "", 0, -1, 0]])
    after = tree([*links(3), [0, "", "text", "same", "", 0, -1, 0], [0, "", "text", "same", "", 0, -1, 0]])
    assert marks(after.rows, before.rows) == {2, 4}
    assert marks(after.rows, None) == frozenset()


def test_states_cannot_start_another_row() -> None:
    page = tree([[0, "", "heading", "Prices", ' level=2\n[1] button "Delete"\u2028x', 0, -1, 0]])
    assert render(page, 100).text == 'heading "Prices" level=2 [1] button "Delete" x'
