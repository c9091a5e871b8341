"""Folding an outline into its budget."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyvern_runner.perceive.fold import MIN_BUDGET, render
from skyvern_runner.perceive.rows import ACTIONABLE, CONTAINER, FORM_CONTROL, IN_VIEW, Tree
from tests.runner.perceive.trees import links, tree


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


def offers(count: int) -> list[list[Any]]:
    """Items as on a results page: a link, a text, a checkbox and a button each."""
    rows: list[list[Any]] = []
    for i in range(count):
        rows += [
            [0, f"{4 * i + 1:x}", "link", f"Offer {i}", "", ACTIONABLE, 0, i],
            [0, "", "text", f"Place {i} of many, open today", "", 0, 0, i],
            [0, f"{4 * i + 2:x}", "checkbox", f"Compare {i}", "", ACTIONABLE | FORM_CONTROL, 0, i],
            [0, f"{4 * i + 3:x}", "button", "Apply", "", ACTIONABLE, 0, i],
        ]
    return rows


@pytest.mark.parametrize("budget", [1000, 3000, 6000, 12000])
def test_controls_that_every_item_repeats_fold_with_their_list(budget: int) -> None:
    rows = [[0, "zz", "textbox", "Query", "", ACTIONABLE | FORM_CONTROL, -1, 0], *offers(500)]
    printed = render(tree(rows, [["Offers", "ul", 500, -1, 0]]), budget)
    assert budget * 0.9 < printed.tokens <= budget
    assert '[zz] textbox "Query"' in printed.text
    assert [line for line in printed.text.splitlines() if line.startswith("...")] == [
        f'... {printed.hidden // 4} more in list "Offers"'
    ]


def test_handful_of_controls_in_a_list_survives_the_fold() -> None:
    rows = links(300, group=0)
    for i in range(100, 110):
        rows[i][2:6] = ["textbox", f"Answer {i}", "", ACTIONABLE | FORM_CONTROL]
    printed = render(tree(rows, [["Jobs", "ul", 300, -1, 0]]), 400)
    assert printed.text.count("textbox") == 10
    assert printed.text.count('more in list "Jobs"') == 2
    assert printed.tokens <= 400


def test_items_that_are_all_marked_fold_with_their_list() -> None:
    page = tree(offers(300), [["Offers", "ul", 300, -1, 0]])
    printed = render(page, 1000, marked=range(1200))
    assert printed.tokens <= 1000
    assert printed.text.splitlines()[-1] == f'... {printed.hidden // 4} more in list "Offers"'


def test_item_of_an_outer_list_takes_the_marks_of_the_lists_in_it_along() -> None:
    rows = [[0, f"{i:x}", "button", f"B{i}", "", ACTIONABLE, 1 + i // 100, i % 100] for i in range(3000)]
    lists = [["Cards", "ul", 30, -1, 0], *[["Inner", "ul", 100, 0, i] for i in range(30)]]
    lines = render(tree(rows, lists), 200).text.splitlines()
    outer = [line for line in lines if 'in list "Cards"' in line]
    inner = [line for line in lines if 'in list "Inner"' in line]
    assert len(outer) == 1
    assert len(inner) == 30 - int(outer[0].split()[1])


def test_gap_longer_than_what_it_hides_is_not_made() -> None:
    rows = []
    for i in range(40):
        rows += [
            [0, f"{i + 1:x}", "textbox", f"Q{i}", "", ACTIONABLE | FORM_CONTROL, -1, 0],
            [0, "", "text", "or", "", 0, -1, 0],
        ]
    printed = render(tree(rows), 200)
    assert sum(line.startswith("...") for line in printed.text.splitlines()) == 1
    assert 150 < printed.tokens <= 200


def test_rows_in_view_survive_when_a_long_form_does_not_fit() -> None:
    rows: list[list[Any]] = [
        [0, f"{i:x}", "textbox", f"Question {i}", "", ACTIONABLE | FORM_CONTROL, -1, 0] for i in range(1, 400)
    ]
    for row in rows[300:305]:
        row[5] |= IN_VIEW
    printed = render(tree(rows), 300)
    assert printed.tokens <= 300
    assert all(f'"Question {i}"' in printed.text for i in range(301, 306))


@pytest.mark.parametrize(
    ("controls", "texts", "mark"),
    [
        (1, 0, "... 1 more control not shown"),
        (2, 1, "... 2 more controls and 1 more line of text not shown"),
        (1, 2, "... 1 more control and 2 more lines of text not shown"),
    ],
)
def test_counts_are_singular_or_plural(controls: int, texts: int, mark: str) -> None:
    rows: list[list[Any]] = [[0, "1", "link", "In view", "", ACTIONABLE | IN_VIEW, -1, 0]]
    rows += [[0, f"{i + 2:x}", "link", "far " * 40, "", ACTIONABLE, -1, 0] for i in range(controls)]
    rows += [[0, "", "text", "far " * 40, "", 0, -1, 0] for _ in range(texts)]
    assert render(tree(rows), 30).text == f'[1] link "In view"\n{mark}'


Node = tuple[str, Any]
MAX_ROWS = 1500
LEAVES = st.tuples(st.sampled_from(["text", "link", "checkbox", "textbox", "long text"]), st.booleans())


def repeated(item: list[Node], count: int) -> Node:
    return ("list", [item] * count)


NODES: st.SearchStrategy[Node] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("region"), st.lists(inner, min_size=1, max_size=5)),
        st.tuples(st.just("list"), st.lists(st.lists(inner, max_size=4), min_size=8, max_size=12)),
        st.builds(repeated, st.lists(inner, max_size=4), st.integers(8, 60)),
    ),
    max_leaves=30,
)
FLAGS = {
    "text": 0,
    "long text": 0,
    "link": ACTIONABLE,
    "checkbox": ACTIONABLE | FORM_CONTROL,
    "textbox": ACTIONABLE | FORM_CONTROL,
}


def grown(nodes: list[Node]) -> Tree:
    """Rows and lists as the page script sends them; each row's name starts with its index."""
    rows: list[list[Any]] = []
    lists: list[list[Any]] = []

    def grow(node: Node, depth: int, group: int, item: int) -> None:
        if len(rows) >= MAX_ROWS:
            return
        kind, inside = node
        name = f"n{len(rows)}."
        if kind == "list":
            lists.append([f"L{len(lists)}", "ul", len(inside), group, item])
            own = len(lists) - 1
            for number, content in enumerate(inside):
                for each in content:
                    grow(each, depth, own, number)
        elif kind == "region":
            rows.append([depth, "", kind, name, "", CONTAINER, group, item])
            for each in inside:
                grow(each, depth + 1, group, item)
        else:
            key = f"{len(rows) + 1:x}" if FLAGS[kind] else ""
            long = "word " * 20 if kind == "long text" else ""
            flags = FLAGS[kind] | (IN_VIEW if inside else 0)
            rows.append([depth, key, kind, name + long, "", flags, group, item])

    for node in nodes:
        grow(node, 0, -1, 0)
    return tree(rows, lists)


LIST_MARK = re.compile(r'\.\.\. (\d+) more in list "L(\d+)"')
LOOSE_MARK = re.compile(r"\.\.\. (?:([1-9]\d*) more controls?)?(?: and )?(?:([1-9]\d*) more lines? of text)? not shown")


def accounted(page: Tree, text: str) -> tuple[int, int]:
    """Check that each row is printed, or counted by one mark in its place. Returns how many are printed and missing."""
    at = printed = 0
    for line in text.splitlines():
        if name := re.search(r'"n(\d+)\.', line):
            assert int(name[1]) == at, f"row {at} is missing without a mark"
            at, printed = at + 1, printed + 1
        elif mark := LIST_MARK.fullmatch(line.strip()):
            at = after_items(page, at, int(mark[2]), int(mark[1]))
        else:
            loose = LOOSE_MARK.fullmatch(line.strip())
            assert loose, line
            controls, texts = int(loose[1] or 0), int(loose[2] or 0)
            gap = page.rows[at : at + controls + texts]
            assert sum(row.flags & ACTIONABLE for row in gap) == controls
            assert len(gap) == controls + texts > 0
            at += len(gap)
    assert at == len(page.rows)
    return printed, len(page.rows) - printed


def after_items(page: Tree, at: int, group: int, count: int) -> int:
    """The row after ``count`` whole items of a list, of which the row ``at`` begins the first."""

    def item(index: int) -> int | None:
        return dict(page.rows[index].groups).get(group) if 0 <= index < len(page.rows) else None

    assert item(at - 1) != item(at), "an item is counted in part"
    for _ in range(count):
        begun = item(at)
        assert begun is not None
        while item(at) == begun:
            at += 1
    return at


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(NODES, min_size=1, max_size=12), st.integers(0, 3000), st.integers(1, 50))
def test_every_row_is_printed_or_counted_by_one_mark_within_the_budget(
    nodes: list[Node], budget: int, every: int
) -> None:
    page = grown(nodes)
    printed = render(page, budget, marked=range(0, len(page.rows), every))
    assert printed.tokens <= max(budget, MIN_BUDGET)
    shown, hidden = accounted(page, printed.text)
    assert hidden == printed.hidden
    assert len(printed.shown) <= shown


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
