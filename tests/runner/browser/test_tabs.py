"""Going back and forward, and working with several tabs."""

import pytest

from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser


def tabs(agent: Agent) -> dict[str, int]:
    """Numbers of the open tabs by what their lines say."""
    return {line.split(":", 1)[1].split('"')[1]: int(line.split()[1].strip(":")) for line in agent.look().situation}


def test_back_and_forward_and_reload(agent: Agent) -> None:
    agent.open("keys.html")
    agent.open("child.html")
    back = agent.do("navigate", text="Back")
    assert back.ok, back.message
    assert back.changed_page
    assert agent.look().title == "Keys"
    assert agent.do("navigate", text="forward").ok
    assert agent.look().title == "Child"
    agent.script("window.visited = 1")
    again = agent.do("navigate", text="reload")
    assert again.ok, again.message
    assert again.changed_page
    assert agent.script("return window.visited") is None


def test_route_of_a_one_page_application_is_left_by_going_back(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("click", "Route")
    done = agent.do("navigate", text="back")
    assert done.ok, done.message
    assert done.url_after.endswith("/windows.html")


def test_there_is_nowhere_to_go_from_the_newest_page(agent: Agent) -> None:
    agent.open("keys.html")
    done = agent.do("navigate", text="forward")
    assert not done.ok
    assert "no page to go forward to" in done.message


def test_back_to_an_error_page_says_so(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("click", "Missing page")
    agent.look()
    assert agent.do("navigate", text="back").ok
    again = agent.do("navigate", text="forward")
    assert not again.ok
    assert "HTTP status 404" in again.message


def test_advertisement_in_a_new_tab_is_left_and_closed(agent: Agent) -> None:
    agent.open("windows.html")
    opened = agent.do("click", "Open by script")
    assert "is still open" in opened.message
    numbers = tabs(agent)
    assert set(numbers) == {"Windows", "Child"}
    assert f'Tab {numbers["Child"]} (in front): "Child"' in "\n".join(agent.look().situation)
    switched = agent.do("switch_tab", tab=numbers["Windows"])
    assert switched.ok, switched.message
    assert switched.changed_page
    assert agent.look().title == "Windows"
    assert agent.do("click", "Tell").ok
    closed = agent.do("close_tab", tab=numbers["Child"])
    assert closed.ok, closed.message
    assert not closed.changed_page
    assert agent.look().situation == ()
    assert agent.seen is not None
    assert agent.seen.title == "Windows"


def test_tab_in_front_is_closed_and_the_one_before_comes_back(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("click", "Open by script")
    agent.look()
    done = agent.do("close_tab")
    assert done.ok, done.message
    assert done.changed_page
    assert agent.look().title == "Windows"


def test_tab_that_is_not_there_is_refused_with_the_open_ones(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("click", "Open by script")
    done = agent.do("switch_tab", tab=99_999)
    assert not done.ok
    assert "there is no tab 99999; open are" in done.message


def test_only_tab_stays_open(agent: Agent) -> None:
    agent.open("windows.html")
    done = agent.do("close_tab")
    assert not done.ok
    assert "only tab" in done.message


def test_new_tab_is_read_once_it_shows_its_page(agent: Agent) -> None:
    agent.open("windows.html")
    done = agent.do("click", "Tab to come")
    assert done.url_after.endswith("/slow"), done.message
    assert 'heading "Here at last"' in agent.look().outline


def test_tab_that_opens_while_the_agent_acts_elsewhere_is_adopted(agent: Agent) -> None:
    agent.open("windows.html")
    agent.script("window.open('/child.html', '_blank')")
    done = agent.do("click", "Route")
    assert "a new tab was opened" in done.message
    assert agent.look().title == "Child"


def test_two_tabs_that_open_at_once_can_both_be_used(agent: Agent) -> None:
    agent.open("windows.html")
    agent.script("window.open('/child.html', '_blank'); window.open('/keys.html', '_blank')")
    numbers = tabs(agent)
    assert set(numbers) == {"Windows", "Child", "Keys"}
    for title in ("Child", "Keys", "Windows"):
        assert agent.do("switch_tab", tab=numbers[title]).ok
        assert agent.look().title == title


def test_keys_that_are_down_are_shown(agent: Agent) -> None:
    agent.open("keys.html")
    agent.do("press_key", text="Shift", phase="down")
    assert agent.look().situation == ("Keys held down: Shift",)
    agent.do("press_key", text="Shift", phase="up")
    assert agent.look().situation == ()
