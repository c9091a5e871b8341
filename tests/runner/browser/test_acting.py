"""Clicking, keys and scrolling on real pages, each verified."""

import pytest

from skyvern_runner.browser.element_id import ElementId
from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser


@pytest.fixture
def targets(agent: Agent) -> Agent:
    agent.open("targets.html")
    return agent


def test_click_on_a_covered_button_names_what_covers_it(targets: Agent) -> None:
    done = targets.do("click", "Covered")
    assert not done.ok
    assert "covered by" in done.message
    assert 'dialog "Cookies"' in done.message
    assert targets.result == ""


def test_covered_button_works_once_the_cover_is_gone(targets: Agent) -> None:
    assert targets.do("click", "Accept cookies").ok
    assert targets.do("click", "Covered").ok
    assert targets.result == "clicked covered"


def test_cover_in_a_frame_is_named_by_its_whole_id(agent: Agent) -> None:
    agent.open("framed.html")
    done = agent.do("click", "Pay")
    assert not done.ok
    cover = agent.find("Answer the survey").id
    assert len(cover.frame) == 1
    assert f'covered by [{cover}] button "Answer the survey"' in done.message


@pytest.mark.parametrize("label", ["Disabled", "Aria disabled"])
def test_disabled_button_is_refused(targets: Agent, label: str) -> None:
    done = targets.do("click", label)
    assert not done.ok
    assert done.message.startswith("disabled: ")


def test_id_of_a_removed_element_is_gone(targets: Agent) -> None:
    victim = targets.find("Victim").id
    assert targets.do("click", "Remove the victim").ok
    done = targets.do("click", id=victim)
    assert not done.ok
    assert done.message.startswith("gone: ")


def test_page_that_replaces_its_elements_for_hours_can_still_be_used(agent: Agent) -> None:
    agent.open("refilled.html")
    for _ in range(4):
        agent.script("refill(12000)")
        agent.look()
    done = agent.do("click", "Item 5-11999")
    assert done.ok, done.message
    assert agent.result == "Item 5-11999"


def test_unknown_id_is_not_found(targets: Agent) -> None:
    done = targets.do("click", id="zz")
    assert not done.ok
    assert "no element has the id zz" in done.message


def test_unknown_id_in_an_unknown_frame_is_not_found(targets: Agent) -> None:
    done = targets.do("click", id="zz.1")
    assert not done.ok
    assert "no element has the id zz.1" in done.message


def test_id_of_an_earlier_page_is_gone_even_if_the_new_page_uses_it(targets: Agent) -> None:
    first = targets.find("Add a row").id
    targets.page.open(f"{targets.site.url}/form.html")
    done = targets.do("click", id=first)
    assert not done.ok
    assert "another page was loaded" in done.message


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("Raise the flag", "the flag is up"),
        ("Ring the bell", "the bell rang"),
        ("icon", "deleted"),
        ("Framework click", "framework"),
        ("Pointing hand", "hand"),
    ],
)
def test_elements_known_only_by_their_listener_can_be_clicked(targets: Agent, label: str, said: str) -> None:
    assert targets.find(label).role == "clickable"
    assert targets.do("click", label).ok
    assert targets.result == said


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("a link that wraps over several lines of text", "wrapped"),
        ("Inside the box", "inner"),
        ("Far below", "deep"),
    ],
)
def test_elements_out_of_view_are_scrolled_to_and_clicked(targets: Agent, label: str, name: str) -> None:
    assert targets.do("click", label).ok
    assert targets.result == f"clicked {name}"


def test_click_says_that_nothing_changed(targets: Agent) -> None:
    done = targets.do("click", "Does nothing")
    assert done.ok
    assert "nothing on the page changed" in done.message
    assert not done.changed_page


def test_click_reports_new_controls_and_alerts(targets: Agent) -> None:
    done = targets.do("click", "Add a row")
    assert [entry.split("] ")[1] for entry in done.new_elements] == ['button "Row 1"']
    assert "A row was added" in done.message
    new = ElementId.parse(done.new_elements[0].split("]")[0].strip("["))
    assert targets.look().elements[new].name == "Row 1"


def test_details_open_and_show_their_content(targets: Agent) -> None:
    done = targets.do("click", "More")
    assert "is open now" in done.message
    targets.look()
    assert targets.do("click", "In details").ok
    assert targets.result == "clicked detail"


def test_enter_submits_and_tab_moves_on(agent: Agent) -> None:
    agent.open("keys.html")
    field = agent.find("Search").id
    assert agent.do("press_key", id=field, text="Tab").ok
    assert agent.script("return document.activeElement.id") == "other"
    done = agent.do("press_key", id=field, text="Enter")
    assert done.changed_page
    assert done.url_after.endswith("child.html?q=boats")


def test_combinations_and_characters_reach_the_page(agent: Agent) -> None:
    agent.open("keys.html")
    field = agent.find("Search").id
    assert agent.do("press_key", id=field, text="Ctrl+A").ok
    assert agent.do("press_key", text="x").ok
    assert agent.script("return document.getElementById('search').value") == "x"
    assert agent.do("press_key", text="ArrowDown").ok
    assert "Ctrl+a x ArrowDown" in agent.script("return document.getElementById('log').textContent").replace(
        "Ctrl+A", "Ctrl+a"
    )


def test_unknown_key_is_refused_with_the_known_ones(agent: Agent) -> None:
    agent.open("keys.html")
    done = agent.do("press_key", text="Hyper")
    assert not done.ok
    assert "unknown key 'Hyper'" in done.message


def test_scroll_moves_the_page_or_the_container(agent: Agent) -> None:
    agent.open("keys.html")
    assert agent.do("scroll", text="down").ok
    assert agent.script("return scrollY") > 500
    assert agent.do("scroll", text="up").ok
    assert not agent.do("scroll", text="up").ok
    assert agent.do("scroll", "In the box", text="down").ok
    assert agent.script("return document.getElementById('box').scrollTop") > 50


def test_go_to_opens_web_addresses_only(agent: Agent) -> None:
    agent.open("keys.html")
    done = agent.do("go_to", text=f"{agent.site.url}/child.html")
    assert done.ok
    assert done.changed_page
    refused = agent.do("go_to", text="file:///etc/passwd")
    assert not refused.ok
    assert "only http and https" in refused.message
    missing = agent.do("go_to", text=f"{agent.site.url}/missing")
    assert not missing.ok
    assert "404" in missing.message
