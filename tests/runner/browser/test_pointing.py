"""Hovering, clicks of every kind, dragging, and keys that stay down, each confirmed by the page."""

import pytest

from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser


@pytest.fixture
def pointer(agent: Agent) -> Agent:
    agent.open("pointer.html")
    return agent


def test_menu_that_shows_under_the_pointer_can_be_used(pointer: Agent) -> None:
    done = pointer.do("hover", "Boats")
    assert done.ok, done.message
    assert [entry.split("] ")[1] for entry in done.new_elements] == ['link "Sloops"', 'link "Yawls"']
    pointer.look()
    chosen = pointer.do("click", "Yawls")
    assert chosen.url_after.endswith("#yawl"), chosen.message


def test_tip_that_shows_under_the_pointer_is_told(pointer: Agent) -> None:
    assert "'Children sail free'" in pointer.do("hover", "Fare").message


def test_hover_without_effect_says_so(pointer: Agent) -> None:
    assert "nothing on the page changed" in pointer.do("hover", "Idle").message


@pytest.mark.parametrize(
    ("label", "how", "said", "told"),
    [
        ("Files", {"button": "right"}, "context menu", "right-clicked"),
        ("Rename", {"count": 2}, "renamed", "double-clicked"),
        ("Close tab", {"button": "middle"}, "button 1", "middle-clicked"),
        ("Row 7", {"modifiers": ["Ctrl", "Shift"]}, "ctrl true shift true", "clicked"),
        ("Press and hold", {"hold": 0.4}, "held", "for 0.4 s"),
    ],
    ids=["right", "double", "middle", "modifiers", "hold"],
)
def test_click_of_every_kind_reaches_the_page(
    pointer: Agent, label: str, how: dict[str, object], said: str, told: str
) -> None:
    done = pointer.do("click", label, **how)
    assert done.ok, done.message
    assert told in done.message
    assert pointer.result == said


def test_short_click_is_not_held(pointer: Agent) -> None:
    pointer.do("click", "Press and hold")
    assert pointer.result == "too short"


def test_thing_that_can_be_dragged_is_dropped_on_another(pointer: Agent) -> None:
    hold = pointer.find("Cargo hold").id
    done = pointer.do("drag", "Crate", to=hold)
    assert done.ok, done.message
    assert pointer.result == "stowed"
    assert pointer.script("return document.getElementById('hold').contains(document.getElementById('crate'))")


def test_drop_that_nothing_takes_is_a_failure(pointer: Agent) -> None:
    done = pointer.do("drag", "Crate", to=pointer.find("Wall").id)
    assert not done.ok
    assert "nothing took it" in done.message


def test_slider_is_dragged_by_an_offset_and_its_value_read_back(pointer: Agent) -> None:
    done = pointer.do("drag", "Speed", x=90)
    assert done.ok, done.message
    assert "it holds '9' now" in done.message


def test_element_that_follows_the_mouse_is_moved_step_by_step(pointer: Agent) -> None:
    done = pointer.do("drag", "Card", x=120)
    assert done.ok, done.message
    assert "it has moved by 120,0 px" in done.message
    assert int(pointer.result.split()[0]) >= 5


def test_drag_without_effect_says_so(pointer: Agent) -> None:
    assert "nothing on the page changed" in pointer.do("drag", "Idle", x=50).message


def test_key_that_stays_down_counts_for_what_follows(pointer: Agent) -> None:
    assert "holds down Shift" in pointer.do("press_key", text="Shift", phase="down").message
    pointer.do("click", "Row 7")
    assert pointer.result == "ctrl false shift true"
    pointer.do("press_key", text="Shift", phase="up")
    pointer.do("click", "Row 7")
    assert pointer.result == "ctrl false shift false"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Alt", "down Alt up Alt"),
        ("Ctrl+Shift", "down Control down Shift up Shift up Control"),
        ("Ctrl+K", "down Control down K up K up Control"),
        ("F2", "down F2 up F2"),
    ],
)
def test_page_sees_each_key_of_a_combination(pointer: Agent, text: str, seen: str) -> None:
    pointer.script(
        "window.keys = []; for (const kind of ['keydown', 'keyup'])"
        " addEventListener(kind, (event) => window.keys.push(`${kind.slice(3)} ${event.key}`))"
    )
    done = pointer.do("press_key", text=text)
    assert done.ok, done.message
    assert " ".join(pointer.script("return window.keys")) == seen


def test_keys_for_a_field_in_a_foreign_frame_are_not_called_lost(agent: Agent) -> None:
    agent.open("framed.html")
    agent.do("input_text", "Berth", text="inner")
    assert agent.do("press_key", text="Escape").ok


def test_things_dragged_in_a_foreign_frame_are_where_they_were_dropped(agent: Agent) -> None:
    agent.open("framed-pointer.html")
    done = agent.do("drag", "Speed", x=50)
    assert "it holds '5' now" in done.message
    stowed = agent.do("drag", "Crate", to=agent.find("Cargo hold").id)
    assert stowed.ok, stowed.message
