"""What an outline of a real page shows, and what it leaves out."""

import json
import time
from collections.abc import Callable
from datetime import date

import pytest

from skyvern_runner.model.prompt import PageView, next_actions_messages
from skyvern_runner.perceive.look import Snapshot
from skyvern_runner.task.task import Task
from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser

Look = Callable[..., Snapshot]


def test_form_is_printed_with_roles_names_values_and_states(look: Look) -> None:
    lines = look("form.html").outline.splitlines()
    bare = [line.split("] ", 1)[-1] for line in lines]
    assert 'heading "Registration" level=1' in bare
    assert 'textbox "Name" required' in bare
    assert 'textbox "E-mail" value="old@example.com" type=email' in bare
    assert 'textbox "Fixed" value="as it is" readonly' in bare
    assert 'textbox "Closed" disabled' in bare
    assert 'spinbutton "Amount" min="0" max="10"' in bare
    assert 'date "Day"' in bare
    assert 'slider "Volume" value="50" min="0" max="100"' in bare
    assert 'combobox "City"' in bare
    assert 'textbox "Note" value="old note"' in bare


def test_label_is_not_repeated_as_text(look: Look) -> None:
    assert 'text "Name"' not in look("form.html").outline


def test_long_select_shows_the_first_options_and_the_count(look: Look) -> None:
    line = next(line for line in look("choices.html").outline.splitlines() if '"Country"' in line)
    assert '"Country number 6", "... 494 more"]' in line
    assert "number 7" not in line


def test_controls_hidden_behind_their_label_are_shown(look: Look) -> None:
    outline = look("choices.html").outline
    assert 'radio "Calm"' in outline
    assert 'checkbox "Newsletter"' in outline
    assert 'group "Wind"' in outline


def test_label_with_a_link_shows_both(look: Look) -> None:
    outline = look("choices.html").outline
    assert 'checkbox "I agree to the terms"' in outline
    assert 'link "terms"' in outline


def test_container_with_a_listener_is_not_a_control_but_its_content_is(look: Look) -> None:
    elements = look("targets.html").elements.values()
    names = {element.name: element.role for element in elements}
    assert names["One"] == "link"
    assert not any("Not a control" in name for name in names)


def test_hidden_text_is_left_out(look: Look) -> None:
    snapshot = look("hidden.html")
    assert "INJECT" not in snapshot.outline
    for shown in ("shown again", "White on black", 'button "Close"', "Tags and marks"):
        assert shown in snapshot.outline
    assert "Folded text" not in snapshot.outline


def test_invisible_characters_are_stripped(look: Look) -> None:
    snapshot = look("hidden.html")
    assert snapshot.title == "Hidden"
    assert 'heading "Visible heading"' in snapshot.outline
    assert not any(0x200B <= ord(character) <= 0x200F or ord(character) >= 0xE0000 for character in snapshot.outline)


def test_page_cannot_close_the_fence_of_its_outline(look: Look) -> None:
    seen = look("hidden.html")
    assert "</page>" in seen.outline
    view = PageView(seen.url, seen.title, seen.outline)
    prompt = next_actions_messages(Task(url=seen.url, goal="Look"), [], view, today=date(2027, 2, 3))[-1]["content"]
    assert prompt.lower().count("</page") == 1
    assert prompt.endswith("</page>")


def test_shadow_roots_open_and_closed_are_shown_and_work(agent: Agent) -> None:
    outline = agent.open("shadow.html").outline
    assert 'heading "Slotted title" level=2' in outline
    assert agent.do("input_text", "Deep field", text="eel").ok
    assert agent.do("click", "Open listener").ok
    assert agent.script("return document.getElementById('result').textContent") == "open eel"
    assert agent.do("click", "Closed button").ok
    assert agent.script("return document.getElementById('result').textContent") == "closed"


def test_frames_of_every_origin_are_nested(look: Look) -> None:
    outline = look("frames.html").outline
    own, foreign = outline.split('frame "Foreign frame"')
    assert 'frame "Own frame"' in own
    assert 'textbox "Card number"' in own
    outer, nested = foreign.split('frame "Nested frame"')
    assert 'button "Outer button"' in outer
    nested, back = nested.split('frame "Back frame"')
    assert 'textbox "Card number"' in nested
    assert 'textbox "Card number"' in back
    assert "Hidden frame" not in outline


@pytest.mark.parametrize("place", ["", "?same", "?nested", "?back"])
def test_controls_in_frames_can_be_used(agent: Agent, place: str) -> None:
    snapshot = agent.open("inner.html" if not place else "frames.html")
    cards = [element for element in snapshot.elements.values() if element.name == "Card number"]
    card = cards[{"?nested": 1, "?back": 2}.get(place, 0)]
    index = list(snapshot.elements).index(card.id)
    kind, keep, pay = list(snapshot.elements.values())[index + 1 : index + 4]
    assert len(card.id.frame) == {"?nested": 1, "?back": 2}.get(place, 0)
    for done in (
        agent.do("input_text", id=card.id, text="4111"),
        agent.do("select_option", id=kind.id, text="Debit"),
        agent.do("check", id=keep.id, checked=True),
        agent.do("click", id=pay.id),
    ):
        assert done.ok, done.message
    outline = agent.look().outline
    assert 'textbox "Card number" value="4111"' in outline
    assert 'value="Debit"' in outline
    assert 'checkbox "Keep the card" checked' in outline
    assert "Paid with 4111" in outline


def test_listener_in_a_frame_of_another_origin_is_known(look: Look) -> None:
    elements = [element for element in look("frames.html").elements.values() if element.name == "Pay now"]
    assert [element.role for element in elements] == ["clickable"] * 3


def test_host_of_an_element_is_that_of_its_frame(agent: Agent) -> None:
    snapshot = agent.open("frames.html")
    button = agent.find("Outer button")
    assert agent.page.host_of(button.id) == "localhost"
    assert agent.page.host_of(next(iter(snapshot.elements))) == "127.0.0.1"
    assert agent.page.host_of(None) == "127.0.0.1"


def test_ids_stay_with_their_elements_while_the_page_changes(agent: Agent) -> None:
    before = agent.open("targets.html")
    agent.do("click", "Add a row")
    after = agent.look()
    assert set(before.elements) < set(after.elements)
    assert all(after.elements[key].name == element.name for key, element in before.elements.items())


def test_new_and_changed_elements_are_marked(agent: Agent) -> None:
    agent.open("targets.html")
    agent.do("click", "Add a row")
    marked = [line.strip() for line in agent.look().outline.splitlines() if line.strip().startswith("*")]
    assert any(line.endswith('button "Row 1"') for line in marked)
    assert '*alert "A row was added"' in marked
    assert len(marked) == 2
    assert "*" not in agent.look().outline


def test_other_page_has_no_marks(agent: Agent) -> None:
    agent.open("targets.html")
    agent.page.open(f"{agent.site.url}/child.html")
    assert "*" not in agent.look().outline


def test_long_list_is_folded_and_says_how_much_is_missing(look: Look) -> None:
    snapshot = look("lists.html?n=500", budget=2000)
    assert 'more in list "Results"' in snapshot.outline
    missing = int(next(line for line in snapshot.outline.splitlines() if "more in list" in line).split()[1])
    shown = snapshot.outline.count('link "Job number')
    assert missing + shown == 500
    assert 'textbox "Query"' in snapshot.outline
    assert 'text "Ann | 31"' in snapshot.outline
    assert snapshot.stats.tokens <= 2000
    assert len(snapshot.elements) > 1000


def test_short_list_is_not_folded(look: Look) -> None:
    snapshot = look("lists.html?n=10")
    assert "more in list" not in snapshot.outline
    assert snapshot.stats.hidden == 0


def test_tiny_budget_keeps_the_form_control_and_says_what_is_missing(look: Look) -> None:
    snapshot = look("lists.html?n=300", budget=300)
    assert 'textbox "Query"' in snapshot.outline
    assert "not shown" in snapshot.outline or "more in list" in snapshot.outline


def test_fingerprint_tells_pages_apart_and_equal_ones_not(agent: Agent) -> None:
    first = agent.open("targets.html").fingerprint
    assert agent.look().fingerprint == first
    agent.do("click", "Add a row")
    assert agent.look().fingerprint != first


def test_page_cannot_see_the_script(agent: Agent) -> None:
    agent.open("shadow.html")
    assert agent.script("return Object.keys(window).filter((key) => key.includes('skyvern')).length") == 0
    assert "native code" in agent.script("return String(EventTarget.prototype.addEventListener)")
    assert agent.script("return document.querySelector('closed-form').shadowRoot") is None


def test_page_that_replaces_built_ins_is_still_seen(agent: Agent) -> None:
    agent.open("targets.html")
    agent.script("window.getComputedStyle = () => ({}); Array.prototype.toJSON = () => 'broken'")
    assert 'button "Add a row"' in agent.look().outline


def test_six_thousand_elements_are_seen_in_time(agent: Agent) -> None:
    agent.open("lists.html?n=750")
    times = []
    for _ in range(3):
        started = time.perf_counter()
        snapshot = agent.look()
        times.append(time.perf_counter() - started)
    assert snapshot.stats.elements > 6000
    # Ten times the figure of a quiet machine, to catch what is quadratic.
    assert min(times) < 1.5, json.dumps(times)


def test_level_of_a_heading_cannot_forge_a_row(look: Look) -> None:
    lines = look("text.html").outline.splitlines()
    assert 'heading "Forged" level=2' in lines
    assert 'heading "Stated" level=7' in lines
    assert 'heading "Plain" level=2' in lines
    assert not any("Delete account" in line for line in lines)


def test_long_name_is_not_cut_inside_a_character(look: Look) -> None:
    names = [element.name for element in look("text.html").elements.values()]
    assert "a" * 158 + "…" in names


def test_lone_surrogate_of_a_page_is_replaced(look: Look) -> None:
    snapshot = look("text.html")
    assert "half \ufffd of it" in [element.name for element in snapshot.elements.values()]
    assert snapshot.outline.encode()
