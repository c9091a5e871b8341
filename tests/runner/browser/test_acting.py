"""Clicking, checking, keys and scrolling on real pages, each verified."""

import pytest

from skyvern_runner.browser.element_id import PAGE, ElementId
from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser


@pytest.fixture
def targets(agent: Agent) -> Agent:
    agent.open("targets.html")
    return agent


def result(agent: Agent) -> str:
    return str(agent.script("return document.getElementById('result').textContent"))


def test_click_on_a_covered_button_names_what_covers_it(targets: Agent) -> None:
    done = targets.do("click", "Covered")
    assert not done.ok
    assert "covered by" in done.message
    assert 'dialog "Cookies"' in done.message
    assert result(targets) == ""


def test_covered_button_works_once_the_cover_is_gone(targets: Agent) -> None:
    assert targets.do("click", "Accept cookies").ok
    assert targets.do("click", "Covered").ok
    assert result(targets) == "clicked covered"


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
    assert result(agent) == "Item 5-11999"


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
    assert result(targets) == said


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
    assert result(targets) == f"clicked {name}"


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
    assert result(targets) == "clicked detail"


def test_link_to_another_page_changes_the_page(agent: Agent) -> None:
    agent.open("windows.html")
    done = agent.do("click", "Slow page")
    assert done.changed_page
    assert done.url_after.endswith("/slow")
    assert 'heading "Here at last"' in agent.look().outline


def test_link_within_the_page_does_not_change_the_page(agent: Agent) -> None:
    agent.open("windows.html")
    done = agent.do("click", "Same page")
    assert done.ok
    assert not done.changed_page
    assert done.url_after.endswith("#part")


def test_route_of_a_one_page_application_changes_the_page(agent: Agent) -> None:
    agent.open("windows.html")
    assert agent.do("click", "Route").changed_page


def test_wait_for_quiet_covers_timers_and_requests(agent: Agent) -> None:
    agent.open("windows.html")
    assert agent.do("click", "Later").ok
    assert result(agent) == "later"
    assert "fetched" in agent.do("click", "Fetch").message


WATCH_TIMERS = """
window.timers = [];
const original = window.setTimeout;
window.setTimeout = (then, delay, ...rest) => {
  window.timers.push([performance.now(), delay]);
  return original(then, delay, ...rest);
};
"""


def timers(agent: Agent) -> list[tuple[float, float]]:
    """When the page script slept, and for how long it meant to, in ms."""
    return [(at, delay) for at, delay in agent.script("return window.timers")]


def test_quiet_page_is_waited_for_once_and_exactly(agent: Agent) -> None:
    agent.open("windows.html")
    agent.script(WATCH_TIMERS)
    agent.browser.call(PAGE, "arm")
    agent.browser.call(PAGE, "settle", None, {"least": 35})
    first, *more = timers(agent)
    assert first[1] == 35
    # A timer may fire a moment early; then the rest is waited for, no round of a poll.
    assert all(delay == 1 for _, delay in more)


def test_wait_for_quiet_starts_again_at_each_change_and_ends_in_time(agent: Agent) -> None:
    agent.open("windows.html")
    agent.script("setInterval(() => { document.title = performance.now(); document.body.append('.'); }, 5)")
    agent.script(WATCH_TIMERS)
    agent.browser.call(PAGE, "arm")
    effect = agent.browser.call(PAGE, "settle", None, {"least": 35, "most": 200})
    assert effect["mutations"] > 1
    slept = timers(agent)
    assert len(slept) > 1
    started = slept[0][0]
    assert all(delay <= 35 and at - started + delay <= 201 for at, delay in slept)


def test_link_to_an_error_page_is_a_failed_action(agent: Agent) -> None:
    agent.open("windows.html")
    done = agent.do("click", "Missing page")
    assert not done.ok
    assert done.changed_page
    assert "HTTP status 404" in done.message


def test_link_to_a_page_that_never_comes_is_given_up(agent: Agent) -> None:
    agent.open("windows.html")
    done = agent.do("click", "Never ends")
    assert not done.ok
    assert "did not load within" in done.message
    agent.look()
    assert agent.do("click", "Route").ok


def test_alert_is_accepted_and_quoted(agent: Agent) -> None:
    agent.open("windows.html")
    done = agent.do("click", "Tell")
    assert "The tide is in" in done.message
    assert "accepted" in done.message
    assert result(agent) == "told"


def test_confirmation_is_accepted_and_prompt_is_dismissed(agent: Agent) -> None:
    agent.open("windows.html")
    assert "Cast off?" in agent.do("click", "Ask").message
    assert result(agent) == "yes"
    assert "dismissed" in agent.do("click", "Prompt").message
    assert result(agent) == "null"


def test_dialog_after_dialog_is_answered(agent: Agent) -> None:
    agent.open("windows.html")
    message = agent.do("click", "Twice").message
    assert "'one'" in message
    assert "'two'" in message
    assert result(agent) == "both"


@pytest.mark.parametrize("label", ["Open a tab", "Open by script"])
def test_new_tab_is_adopted_with_its_listeners(agent: Agent, label: str) -> None:
    agent.open("windows.html")
    done = agent.do("click", label)
    assert done.changed_page
    assert "new tab" in done.message
    assert agent.look().title == "Child"
    assert agent.do("click", "Listener in the child").ok
    assert result(agent) == "marked"


def test_closed_tab_gives_way_to_the_one_before(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("click", "Open by script")
    agent.look()
    done = agent.do("click", "Close me")
    assert done.changed_page
    assert agent.look().title == "Windows"


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
