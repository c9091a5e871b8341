"""What an action leads to: other pages, waits for quiet, dialogs and tabs."""

import pytest

from skyvern_runner.browser.element_id import PAGE
from skyvern_runner.errors import BrowserError
from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser


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
    assert agent.result == "later"
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
    with agent.impatient():
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
    assert agent.result == "told"


@pytest.mark.parametrize(("accept", "said"), [(True, "deleted"), (False, "kept")])
def test_confirmation_waits_for_an_answer(agent: Agent, accept: bool, said: str) -> None:
    agent.open("windows.html")
    asked = agent.do("click", "Delete")
    assert asked.ok
    assert asked.changed_page
    assert "a dialog asks 'Delete your account?' and waits" in asked.message
    seen = agent.look()
    assert seen.outline == 'dialog "Delete your account?" confirm waits for answer_dialog'
    assert not seen.elements
    done = agent.do("answer_dialog", accept=accept)
    assert done.ok, done.message
    assert agent.result == said
    assert 'button "Delete"' in agent.look().outline


def test_prompt_takes_a_text(agent: Agent) -> None:
    agent.open("windows.html")
    assert "Your name?" in agent.do("click", "Prompt").message
    assert "prompt waits" in agent.look().outline
    assert agent.do("answer_dialog", accept=True, text="Ann").ok
    assert agent.result == "Ann"


def test_second_question_waits_as_well(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("click", "Double")
    assert "'Really?'" in agent.do("answer_dialog", accept=True).message
    assert agent.do("answer_dialog", accept=True).ok
    assert agent.result == "both"


def test_nothing_else_is_done_while_a_dialog_waits(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("click", "Delete")
    for kind, values in (("press_key", {"text": "Enter"}), ("go_to", {"text": f"{agent.site.url}/child.html"})):
        done = agent.do(kind, **values)
        assert not done.ok
        assert "not done" in done.message
    with pytest.raises(BrowserError, match="dialog"):
        agent.page.screenshot()
    agent.page.text()
    assert agent.result == "kept"


def test_answer_without_a_question_is_refused(agent: Agent) -> None:
    agent.open("windows.html")
    assert "no dialog is open" in agent.do("answer_dialog", accept=True).message


def test_page_with_a_draft_is_left(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("input_text", "Draft", text="unsaved")
    assert agent.script("return typeof window.onbeforeunload") == "function"
    done = agent.do("click", "Slow page")
    assert done.ok, done.message
    assert agent.look().title == "Slow"


def test_tab_that_opens_late_is_in_front_at_the_next_look(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("click", "Late tab")
    agent.script("go()")
    seen = agent.look()
    assert seen.title == "Child"
    assert len(seen.notes) == 1
    assert seen.notes[0].startswith("a new tab was opened and is now in front; tab ")
    assert agent.look().notes == ()


def test_alert_between_actions_is_told(agent: Agent) -> None:
    agent.open("windows.html")
    agent.script("setTimeout(() => alert('Time is up'))")
    assert agent.look().notes == ("a dialog said 'Time is up' and was accepted",)


def test_dialog_after_dialog_is_answered(agent: Agent) -> None:
    agent.open("windows.html")
    message = agent.do("click", "Twice").message
    assert "'one'" in message
    assert "'two'" in message
    assert agent.result == "both"


@pytest.mark.parametrize("label", ["Open a tab", "Open by script"])
def test_new_tab_is_adopted_with_its_listeners(agent: Agent, label: str) -> None:
    agent.open("windows.html")
    done = agent.do("click", label)
    assert done.changed_page
    assert "new tab" in done.message
    assert agent.look().title == "Child"
    assert agent.do("click", "Listener in the child").ok
    assert agent.result == "marked"


def test_closed_tab_gives_way_to_the_one_before(agent: Agent) -> None:
    agent.open("windows.html")
    agent.do("click", "Open by script")
    agent.look()
    done = agent.do("click", "Close me")
    assert done.changed_page
    assert agent.look().title == "Windows"
