"""Rows to text: folding, marks, ids, without a browser."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyvern_runner.act_text import same_text
from skyvern_runner.keys import find_key
from skyvern_runner.outline import ACTIONABLE, FORM_CONTROL, IN_VIEW, Tree, join, marks, parse, render, split


def tree(rows: list[list[Any]], lists: list[list[Any]] | None = None) -> Tree:
    return parse({"rows": rows, "lists": lists or []})


def links(count: int, flags: int = ACTIONABLE, group: int = -1) -> list[list[Any]]:
    return [[0, f"{i:x}", "link", f"Job {i}", "", flags, group, i] for i in range(1, count + 1)]


def test_row_is_printed_with_id_role_quoted_name_and_states() -> None:
    page = tree([[1, "7", "textbox", 'The "name"', ' value="x" required', ACTIONABLE, -1, 0]])
    assert render(page, 100).text == '  [7] textbox "The \\"name\\"" value="x" required'


def test_container_without_a_name_has_no_quotes() -> None:
    assert render(tree([[0, "", "navigation", "", "", 8, -1, 0]]), 100).text == "navigation"


def test_list_is_folded_with_the_count_of_its_items() -> None:
    page = tree(links(100, group=0), [["Jobs", "ul", 100, -1, 0]])
    printed = render(page, 150)
    shown = printed.text.count("link")
    assert f'... {100 - shown} more in list "Jobs"' in printed.text
    assert 100 < printed.tokens <= 150


def test_nothing_is_folded_within_the_budget() -> None:
    page = tree(links(100, group=0), [["Jobs", "ul", 100, -1, 0]])
    assert render(page, 2000).hidden == 0


def test_items_in_view_survive_the_fold() -> None:
    rows = links(100, group=0)
    rows[60][5] |= IN_VIEW
    printed = render(tree(rows, [["Jobs", "ul", 100, -1, 0]]), 200)
    assert '"Job 61"' in printed.text
    assert printed.text.count("more in list") == 2


def test_form_controls_survive_when_links_go() -> None:
    rows = [*links(100), [0, "zz", "textbox", "Query", "", ACTIONABLE | FORM_CONTROL, -1, 0]]
    printed = render(tree(rows), 60)
    assert '[zz] textbox "Query"' in printed.text
    assert "more controls not shown" in printed.text


def test_marked_rows_survive_when_text_goes() -> None:
    rows = [[0, "", "text", f"Paragraph {i}", "", 0, -1, 0] for i in range(100)]
    printed = render(tree(rows), 60, marked={90})
    assert '*text "Paragraph 90"' in printed.text
    assert "more lines of text not shown" in printed.text


@given(st.integers(0, 200), st.integers(20, 2000))
def test_gaps_account_for_every_item(count: int, budget: int) -> None:
    printed = render(tree(links(count, group=0), [["Jobs", "ul", count, -1, 0]]), budget)
    missing = sum(int(line.split()[1]) for line in printed.text.splitlines() if line.startswith("... "))
    assert missing + printed.text.count("link") == count
    assert missing == printed.hidden


def test_nested_lists_fold_by_the_outer_item() -> None:
    rows = [[0, f"{i:x}", "button", f"B{i}", "", ACTIONABLE, 1 + i // 10, i % 10] for i in range(200)]
    lists = [["Cards", "ul", 20, -1, 0], *[["", "ul", 10, 0, i] for i in range(20)]]
    assert 'more in list "Cards"' in render(tree(rows, lists), 200).text


def test_marks_are_for_new_and_changed_rows_only() -> None:
    before = tree([*links(2), [0, "", "text", "same", "", 0, -1, 0]])
    after = tree([*links(3), [0, "", "text", "same", "", 0, -1, 0], [0, "", "text", "same", "", 0, -1, 0]])
    assert marks(after.rows, before.rows) == {2, 4}
    assert marks(after.rows, None) == frozenset()


@given(st.lists(st.integers(1, 36**3 - 1), min_size=1, max_size=4))
def test_ids_of_frames_split_as_they_were_joined(numbers: list[int]) -> None:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"

    def base36(number: int) -> str:
        return (base36(number // 36) if number >= 36 else "") + digits[number % 36]

    ids = [base36(number) for number in numbers]
    full = ""
    for part in ids:
        full = join(full, part)
    for part in reversed(ids):
        full, own = split(full)
        assert own == part
    assert full == ""


@pytest.mark.parametrize(
    ("text", "raw", "same"),
    [
        ("5551234567", "(555) 123-4567", True),
        ("5551234567", "+1 (555) 123-4567", True),
        ("Ann", "ANN", True),
        ("two  words", "two words", True),
        ("abc", "abcd", False),
        ("", "left over", False),
        ("", "", True),
        ("1234", "234", False),
    ],
)
def test_masked_text_counts_as_the_same(text: str, raw: str, same: bool) -> None:
    assert same_text(text, {"raw": raw, "secret": False}) is same


def test_secret_text_must_be_exact() -> None:
    assert not same_text("s3cret", {"raw": "S3CRET", "secret": True})


@pytest.mark.parametrize(
    ("name", "key", "modifiers"),
    [
        ("Enter", "Enter", 0),
        ("esc", "Escape", 0),
        ("Ctrl+A", "A", 2),
        ("Shift+Tab", "Tab", 8),
        (" ", " ", 0),
        ("+", "+", 0),
    ],
)
def test_keys_are_found_by_name(name: str, key: str, modifiers: int) -> None:
    found = find_key(name)
    assert (found[0].key, found[1]) == (key, modifiers)


@pytest.mark.parametrize("name", ["", "Hyper", "Super+A"])
def test_unknown_keys_are_named(name: str) -> None:
    with pytest.raises(ValueError, match="unknown"):
        find_key(name)
