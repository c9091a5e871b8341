"""Parts of a page that scroll by themselves, in the printed outline."""

from typing import Any

from skyvern_runner.perceive.fold import render
from skyvern_runner.perceive.rows import ACTIONABLE, APART, CONTAINER, IN_VIEW, SCROLLS
from tests.runner.perceive.trees import tree


def link(depth: int, name: str, flags: int = 0) -> list[Any]:
    return [depth, f"{abs(hash(name)) % 10**6:x}", "link", name, "", ACTIONABLE | flags, -1, 0]


AREA = [0, "5", "area", "Mails", " scrolls: 1.0 screens above, 1.0 below", CONTAINER | SCROLLS | IN_VIEW, -1, 0]


def test_view_of_an_area_is_marked_by_its_own_rows() -> None:
    rows = [AREA, link(1, "A"), link(1, "B", IN_VIEW), link(1, "C"), link(0, "After", IN_VIEW)]
    text = render(tree(rows), 500).text
    marked = [line.split("] ")[-1] for line in text.splitlines()]
    assert marked[1:] == [
        'link "A"',
        "  --- view begins ---",
        'link "B"',
        "  --- view ends ---",
        'link "C"',
        'link "After"',
    ]


def test_what_is_placed_apart_does_not_move_the_marks() -> None:
    rows = [AREA, link(1, "A", IN_VIEW), link(1, "B"), link(1, "Badge", IN_VIEW | APART)]
    lines = render(tree(rows), 500).text.splitlines()
    assert lines.index("  --- view ends ---") == 2


def test_page_that_does_not_scroll_has_no_marks() -> None:
    assert "view" not in render(tree([link(0, "A", IN_VIEW), link(0, "B")]), 500).text


def test_rows_left_out_of_an_area_say_where_to_scroll() -> None:
    rows = [AREA, *(link(1, f"Old {'mail ' * 9}{i}") for i in range(9)), link(1, "Seen", IN_VIEW)]
    rows += [link(1, f"New {'mail ' * 9}{i}") for i in range(7)]
    text = render(tree(rows), 60).text
    assert "  ... 9 more controls not shown, above in [5]" in text
    assert "  ... 7 more controls not shown, below in [5]" in text
