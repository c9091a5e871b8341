"""What the result of an action says that the page did."""

import time

import pytest
from selenium.webdriver.support.wait import WebDriverWait

from skyvern_runner.input.outcome import ActionResult
from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser


@pytest.fixture
def effects(agent: Agent) -> Agent:
    agent.open("effects.html")
    return agent


def clicked(agent: Agent, label: str) -> str:
    done = agent.do("click", label)
    assert done.ok, done.message
    return done.message


def test_text_that_appears_and_vanishes_is_told(effects: Agent) -> None:
    message = clicked(effects, "Send letter")
    assert 'now shown: "Success!"' in message
    assert '"Draft of the letter"' in message.split("no longer shown: ")[1]


def test_text_that_only_flashes_is_told(effects: Agent) -> None:
    assert 'shown for a moment: "Saved for a blink"' in clicked(effects, "Toast")


def test_text_that_is_gone_by_the_next_look_is_told(effects: Agent) -> None:
    assert 'now shown: "Late news"' in clicked(effects, "Late toast")


def test_text_that_flashes_after_the_action_is_noted_by_the_next_look(effects: Agent) -> None:
    clicked(effects, "Later toast")
    WebDriverWait(effects.browser.driver, 60).until(lambda driver: driver.execute_script("return window.over"))
    assert effects.look().notes == ('shown for a moment since then: "Even later news"',)


def test_text_that_is_revealed_is_told_without_what_was_there(effects: Agent) -> None:
    message = clicked(effects, "Reveal")
    assert 'now shown: "The hidden note"' in message
    assert "no longer" not in message


def test_value_that_a_script_changes_is_told(effects: Agent) -> None:
    assert 'also changed: textbox "Sum": value="42"' in clicked(effects, "Total up")


def test_state_of_another_control_is_told(effects: Agent) -> None:
    assert 'tab "One": off' in clicked(effects, "Two")


def test_nothing_changed_is_said_only_when_nothing_did(effects: Agent) -> None:
    assert "nothing on the page changed" in clicked(effects, "Nothing")
    scrolled = effects.do("press_key", "Box", text="PageDown")
    assert scrolled.ok
    assert "nothing" not in scrolled.message


def test_same_text_put_anew_is_not_told_as_a_change(effects: Agent) -> None:
    message = clicked(effects, "Renew")
    assert "shown" not in message


def test_effect_is_bounded(effects: Agent) -> None:
    message = clicked(effects, "Many")
    assert '"Line 0 of many"' in message
    assert "and 24 more" in message
    assert len(message) < 400


def test_effect_in_a_shadow_root_is_told(effects: Agent) -> None:
    message = clicked(effects, "Count up")
    assert "nothing" not in message
    assert 'now shown: "Counted 1"' in message


def test_effect_in_a_frame_is_told(effects: Agent) -> None:
    assert '"Inside it worked"' in clicked(effects, "Inner act")


def test_native_complaint_is_told_and_stays_with_the_field(effects: Agent) -> None:
    effects.do("input_text", "E-mail", text="foo")
    message = clicked(effects, "Subscribe")
    assert "textbox \"E-mail\" is refused: Please include an '@'" in message
    assert 'value="foo" type=email required invalid="Please include' in effects.look().outline


def test_clock_of_the_page_is_neither_waited_for_nor_told(effects: Agent) -> None:
    clicked(effects, "Start the clock")
    started = time.monotonic()
    calm = clicked(effects, "Nothing")
    assert time.monotonic() - started < 60
    assert "nothing on the page changed" in calm
    assert "shown" not in calm
    assert 'now shown: "Success!"' in clicked(effects, "Send letter")


def test_element_that_means_something_else_now_is_refused(effects: Agent) -> None:
    clicked(effects, "Open Ann")
    done = effects.do("click", "Open Bea")
    assert not done.ok
    assert done.stale
    assert done.message.startswith('changed: it was "Open Bea" and is "Cid" now')
    effects.look()
    assert effects.do("click", "Cid").ok


def test_clobbered_names_make_no_look_fail(agent: Agent) -> None:
    snapshot = agent.open("clobbered.html")
    assert snapshot.title == "Clobbered"
    for name in ("Title", "Matches", "Local name", "Attribute", "Node type", "Children"):
        assert agent.find(name)
    assert agent.find("Other")


def test_route_behind_the_hash_is_another_page(agent: Agent) -> None:
    agent.open("wizard.html")
    done = agent.do("click", "Route two")
    assert done.ok
    assert done.changed_page


def test_wizard_without_addresses_leaves_stale_ids(agent: Agent) -> None:
    agent.open("wizard.html")
    assert clicked(agent, "Next")
    done: ActionResult = agent.do("click", "Later")
    assert not done.ok
    assert done.stale
