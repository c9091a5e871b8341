"""What an outline says about parts of a page that scroll by themselves, and about what is in view."""

import re
from collections.abc import Callable

import pytest

from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.perceive.look import Snapshot
from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser

Look = Callable[..., Snapshot]


def row(snapshot: Snapshot, start: str) -> str:
    """The row whose role and name begin so, without its id and mark."""
    bare = [re.sub(r"^\s*\*?(\[[^\]]*\] )?", "", line) for line in snapshot.outline.splitlines()]
    return next((line for line in bare if line.startswith(start)), f"no {start} in\n{snapshot.outline}")


def lines_in_view(snapshot: Snapshot, depth: int, after: str = "") -> list[str]:
    """The lines between the marks of a view whose rows are indented so, from the row on that has ``after`` in it."""
    lines = snapshot.outline.splitlines()
    lines = lines[next(index for index, line in enumerate(lines) if after in line) :]
    begin, end = (f"{'  ' * depth}--- view {word} ---" for word in ("begins", "ends"))
    return lines[lines.index(begin) + 1 if begin in lines else 0 : lines.index(end)]


def test_what_is_scrolled_away_in_an_area_stays_known_and_usable(agent: Agent) -> None:
    before = agent.open("shell.html")
    assert agent.do("click", "Field 18").ok
    after = agent.look()
    assert set(before.elements) <= set(after.elements)
    assert all(f'textbox "Field {number}"' in after.outline for number in range(1, 21))
    done = agent.do("input_text", "Field 1", text="back")
    assert done.ok, done.message


def test_area_has_an_id_a_position_and_what_is_left(agent: Agent) -> None:
    snapshot = agent.open("shell.html")
    assert re.fullmatch(r'main "Form" scrolls: 0\.0 screens above, 1\.\d below', row(snapshot, "main "))
    assert row(snapshot, 'navigation "Sections" scrolls: 0.0 screens above')
    assert row(snapshot, 'area "Columns"') == 'area "Columns" scrolls: 3.0 right'
    assert row(snapshot, 'log "Chat"') == 'log "Chat" scrolls: 4.4 screens above, 0.0 below'
    assert "page scrolls" not in snapshot.outline
    area = agent.find("Form", "main")
    assert agent.do("scroll", id=area.id, text="down").ok
    assert re.search(r"scrolls: 0\.[89] screens above", row(agent.look(), "main "))


def test_marks_show_where_the_view_of_an_area_begins_and_ends(agent: Agent) -> None:
    agent.open("shell.html")
    agent.do("scroll", "Field 5", text="down")
    shown = lines_in_view(agent.look(), 1, "main")
    fields = [int(found[1]) for line in shown if (found := re.search(r'"Field (\d+)"', line))]
    tops = agent.script(
        "return [...document.querySelectorAll('input')].filter((e) => e.getBoundingClientRect().bottom > 60 &&"
        " e.getBoundingClientRect().top < innerHeight).map((e) => Number(e.name.slice(1)))"
    )
    assert fields == tops


def test_rows_that_do_not_fit_are_counted_with_the_area_to_scroll(look: Look) -> None:
    snapshot = look("shell.html", budget=180)
    area = next(key for key, element in snapshot.elements.items() if element.name == "Form")
    assert re.search(rf"\.\.\. \d+ more .*, below in \[{area}\]", snapshot.outline), snapshot.outline


def test_what_no_scrolling_brings_into_view_is_left_out(look: Look) -> None:
    assert "INJECT" not in look("shell.html").outline


def test_page_says_how_far_it_is_scrolled_and_where_its_view_ends(agent: Agent) -> None:
    first = agent.open("tall.html")
    assert re.match(r"page scrolls: 0\.0 screens above, 1\.\d below\n", first.outline)
    assert [line for line in lines_in_view(first, 0) if "text" in line][-1] == 'text "Third"'
    agent.do("scroll", text="down")
    second = agent.look()
    assert not second.outline.startswith("page scrolls: 0.0")
    assert 'text "First"' not in lines_in_view(second, 0)
    assert 'text "Stays on top"' in second.outline
    assert first.fingerprint != second.fingerprint
    assert 'button "Out of the clip"' in second.outline


@pytest.mark.parametrize("name", ["Own", "Foreign"])
def test_frame_says_how_much_of_it_is_below_and_can_be_scrolled(agent: Agent, name: str) -> None:
    snapshot = agent.open("tall.html")
    state = row(snapshot, f'frame "{name}')
    assert re.match(rf'frame "{name} frame" scrolls: 0\.0 screens above, [234]\.\d below', state)
    key = re.search(rf'\[(\S+)\] frame "{name} frame"', snapshot.outline)
    assert key
    assert agent.do("scroll", id=ElementId.parse(key[1]), text="down").ok
    assert "0.0 screens above" not in row(agent.look(), f'frame "{name}')
