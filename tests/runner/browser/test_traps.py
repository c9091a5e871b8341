"""Controls that make it easy to report more than what happened, or to fill in another field."""

import pytest

from tests.runner.browser.conftest import Agent

pytestmark = pytest.mark.browser


@pytest.fixture
def traps(agent: Agent) -> Agent:
    agent.open("traps.html")
    return agent


def value(agent: Agent, key: str) -> str:
    return str(agent.script(f"const e = document.getElementById('{key}'); return e.value ?? e.textContent"))


def test_list_without_the_option_leaves_the_field_in_focus_alone(traps: Agent) -> None:
    assert traps.do("input_text", "Full name", text="Ada").ok
    done = traps.do("select_option", "Sizes", text="Medium")
    assert not done.ok
    assert '"Small", "Large"' in done.message
    assert value(traps, "full") == "Ada"


def test_text_for_what_takes_none_leaves_the_field_in_focus_alone(traps: Agent) -> None:
    traps.do("input_text", "Full name", text="Ada")
    done = traps.do("input_text", "Deaf", text="Grace")
    assert not done.ok
    assert "takes no text" in done.message
    assert value(traps, "full") == "Ada"


def test_key_for_what_takes_no_focus_leaves_the_field_in_focus_alone(traps: Agent) -> None:
    traps.do("input_text", "Full name", text="Ada")
    done = traps.do("press_key", "Sizes", text="x")
    assert not done.ok
    assert "does not take the focus" in done.message
    assert value(traps, "full") == "Ada"


def test_focus_that_the_page_moves_while_typing_takes_no_text_along(traps: Agent) -> None:
    traps.do("input_text", "Full name", text="Ada")
    traps.do("input_text", "Code", text="1234")
    assert value(traps, "full") == "Ada"
    assert value(traps, "code") == "1234"


def test_amount_that_loses_its_decimal_point_is_a_failure(traps: Agent) -> None:
    done = traps.do("input_text", "Amount in cents", text="12.50")
    assert not done.ok
    assert "holds '1250' instead" in done.message


def test_line_break_is_never_sent_as_enter(traps: Agent) -> None:
    done = traps.do("input_text", "Message", text="Hello :)\nhow are you")
    assert not done.ok
    assert traps.result == ""


def test_option_that_does_not_take_is_a_failure(traps: Agent) -> None:
    done = traps.do("select_option", "Deaf", text="Loud")
    assert not done.ok
    assert "clicked the option 'Loud', but combobox \"Deaf\" shows ''" in done.message


@pytest.mark.parametrize(("label", "option"), [("Reset", "Kept"), ("Emptied", "Male")])
def test_select_that_the_page_puts_back_is_a_failure(traps: Agent, label: str, option: str) -> None:
    done = traps.do("select_option", label, text=option)
    assert not done.ok
    assert f"instead of '{option}'" in done.message


def test_option_that_is_marked_as_selected_is_confirmed(traps: Agent) -> None:
    done = traps.do("select_option", "Picked", text="Eggs")
    assert done.ok, done.message
    assert "selected 'Eggs'" in done.message


def test_option_shown_beside_its_field_is_confirmed(traps: Agent) -> None:
    done = traps.do("select_option", "Tags", text="Hull")
    assert done.ok, done.message
    assert value(traps, "tags") == "Hull × "


def test_field_that_a_click_brings_up_may_be_searched_in(traps: Agent) -> None:
    done = traps.do("select_option", "Port", text="Rostock")
    assert done.ok, done.message
    assert value(traps, "port") == "Rostock"


def test_option_of_another_list_is_never_taken(traps: Agent) -> None:
    done = traps.do("select_option", "Port", text="Eggs")
    assert not done.ok
    assert traps.script("return document.querySelectorAll('#picked [aria-selected=true]').length") == 0


def test_list_that_was_opened_before_can_be_opened_again(traps: Agent) -> None:
    for name in ("Rostock", "Riga"):
        assert traps.do("select_option", "Port", text=name).ok
        assert value(traps, "port") == name


def test_search_without_a_result_leaves_its_field_as_it_was(traps: Agent) -> None:
    traps.do("select_option", "Tags", text="Mast")
    assert value(traps, "tagger") == ""
