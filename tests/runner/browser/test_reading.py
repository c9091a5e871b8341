"""Scrolling everywhere, finding and reading text, and waiting for it."""

import pytest

from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser


@pytest.fixture
def reading(agent: Agent) -> Agent:
    agent.open("reading.html")
    return agent


def test_scroll_reaches_both_ends(reading: Agent) -> None:
    done = reading.do("scroll", text="bottom")
    assert done.ok, done.message
    assert reading.script("return scrollY + innerHeight >= document.documentElement.scrollHeight - 2")
    assert "the end is reached" in reading.do("scroll", text="down").message
    assert reading.do("scroll", text="Top").ok
    assert reading.script("return scrollY") == 0


def test_area_scrolls_sideways(reading: Agent) -> None:
    done = reading.do("scroll", "First stop", text="right")
    assert done.ok, done.message
    assert "to the right" in done.message
    assert reading.script("return document.getElementById('wide').scrollLeft") > 100
    assert reading.do("scroll", "First stop", text="left").ok
    assert "the left edge is reached" in reading.do("scroll", "First stop", text="left").message


def test_text_is_found_with_what_stands_around_it_and_scrolled_to(reading: Agent) -> None:
    done = reading.do("find_text", text="pets travel")
    assert done.ok, done.message
    assert "once" in done.message
    assert "Clause nine: pets travel below deck." in done.shown
    assert reading.script("return scrollY") > 1000


def test_every_hit_is_counted_and_the_first_are_shown(reading: Agent) -> None:
    done = reading.do("find_text", text="LUGGAGE")
    assert "400 times, of which 10 are shown" in done.message
    assert len(done.shown.splitlines()) == 10


@pytest.mark.parametrize("text", ["Secret clause", "no such words", "hush"])
def test_text_that_nobody_sees_is_not_found(reading: Agent, text: str) -> None:
    done = reading.do("find_text", text=text)
    assert not done.ok
    assert "does not show" in done.message


def test_long_page_is_read_in_parts(reading: Agent) -> None:
    first = reading.do("read")
    assert first.ok, first.message
    assert first.shown.startswith("Terms of carriage")
    parts = int(first.message.split(" of ")[1].split()[0])
    assert parts >= 3
    text = first.shown + "".join(reading.do("read", part=part).shown for part in range(2, parts + 1))
    assert "Upper\t12.50" in text
    assert "Paragraph 400 on luggage.\n" in text
    assert "hush" not in text
    assert f"{parts} parts only" in reading.do("read", part=parts + 1).message


def test_long_value_is_read_to_its_end(reading: Agent) -> None:
    assert reading.do("read", "Memo", part=2).shown.endswith("m last words")
    assert "cannot be read" in reading.do("read", "Pin").message


def test_frames_of_other_origins_are_searched_and_read(agent: Agent) -> None:
    agent.open("framed-reading.html")
    done = agent.do("find_text", text="pets travel")
    assert done.ok, done.message
    assert "Terms of carriage" in agent.do("read").shown


@pytest.mark.parametrize(
    "until",
    [
        {"until": "text", "text": "boarding  NOW"},
        {"until": "no_text", "text": "boarding later"},
        {"until": "usable", "label": "Board"},
        {"until": "gone", "label": "Soon"},
    ],
    ids=lambda each: each["until"],
)
def test_wait_ends_when_what_is_waited_for_is_there(reading: Agent, until: dict[str, str]) -> None:
    # The label is looked up first: a wait for an element needs its id.
    values: dict[str, object] = {name: value for name, value in until.items() if name != "label"}
    if "label" in until:
        values["id"] = _any(reading, until["label"])
    reading.do("click", "Soon")
    done = reading.do("wait", None, seconds=30, **values)
    assert done.ok, done.message
    assert reading.script("return document.getElementById('state').textContent") == "boarding now"
    assert "waited" in done.message


def _any(agent: Agent, label: str) -> object:
    """The id of an element, usable or not."""
    rows = agent.page.look().rows
    return next(row.id for row in rows if row.name == label and row.id)


def test_wait_in_vain_is_a_failure(reading: Agent) -> None:
    done = reading.do("wait", seconds=0.3, until="text", text="never")
    assert not done.ok
    assert "waited 0.3 s in vain" in done.message


def test_wait_for_quiet_outlasts_changes(reading: Agent) -> None:
    reading.script(
        "let left = 10; const timer = setInterval(() => { document.getElementById('state').textContent = --left;"
        " if (!left) clearInterval(timer); }, 100)"
    )
    assert reading.do("wait", seconds=30, until="quiet").ok
    assert reading.script("return document.getElementById('state').textContent") == "0"
