"""Lists that load, choices that look alike, several at once, and what is added to a field."""

import pytest

from tests.runner.browser.conftest import Agent
from tests.runner.browser.serving import PAGES

pytestmark = pytest.mark.browser


@pytest.fixture
def slow(agent: Agent) -> Agent:
    agent.open("slow.html")
    return agent


def value(agent: Agent, key: str) -> object:
    return agent.script(f"const e = document.getElementById('{key}'); return e.value ?? e.textContent")


def chosen(agent: Agent, key: str) -> object:
    return agent.script(f"return Array.from(document.getElementById('{key}').selectedOptions, (o) => o.value)")


@pytest.mark.parametrize(
    ("label", "key", "wanted"),
    [("Street", "street", "Mill Street"), ("Fleet", "fleet", "Yawls")],
    ids=["typed, two seconds", "opened"],
)
def test_options_that_come_late_are_waited_for(slow: Agent, label: str, key: str, wanted: str) -> None:
    done = slow.do("select_option", label, text=wanted)
    assert done.ok, done.message
    assert value(slow, key) == wanted


def test_first_of_options_that_look_the_same_is_chosen(slow: Agent) -> None:
    done = slow.do("select_option", "Town", text="Springfield")
    assert done.ok, done.message
    assert slow.result == "first"


def test_same_label_in_two_groups_is_asked_for_by_its_group(slow: Agent) -> None:
    unclear = slow.do("select_option", "Berth", text="Window")
    assert not unclear.ok
    assert '"Window (Lower deck)"' in unclear.message
    assert slow.do("select_option", "Berth", text="Window (Lower deck)").ok
    assert value(slow, "berth") == "l1"
    assert not slow.do("select_option", "Crew", text="Mate").ok
    done = slow.do("select_option", "Crew", text="Mate (Engine)")
    assert done.ok, done.message
    assert slow.result == "Engine"


def test_list_of_labels_is_chosen_exactly(slow: Agent) -> None:
    done = slow.do("select_option", "Extras", text=["Bike", "Meal"])
    assert done.ok, done.message
    assert "holds exactly 'Meal', 'Bike'" in done.message
    assert chosen(slow, "extras") == ["Meal", "Bike"]
    one = slow.do("select_option", "Extras", text="Cabin")
    assert "beside 'Meal', 'Bike'" in one.message
    refused = slow.do("select_option", "Berth", text=["Aisle", "Window (Lower deck)"])
    assert not refused.ok
    assert "one option only" in refused.message


def test_several_options_of_a_custom_list_are_chosen(slow: Agent) -> None:
    done = slow.do("select_option", "Crew", text=["Mate (Deck)", "Oiler"])
    assert done.ok, done.message
    selected = "return Array.from(document.querySelectorAll('#crew [aria-selected=true]'), (o) => o.textContent)"
    assert slow.script(selected) == ["Mate", "Oiler"]


def test_slider_of_the_page_is_set_by_its_keys(slow: Agent) -> None:
    done = slow.do("input_text", "Speed", text="24")
    assert done.ok, done.message
    assert slow.script("return document.getElementById('speed').getAttribute('aria-valuenow')") == "24"
    near = slow.do("input_text", "Speed", text="10")
    assert not near.ok
    assert "the nearest to 10" in near.message
    assert "takes 0 to 40" in slow.do("input_text", "Speed", text="50").message


def test_text_is_added_to_what_a_field_holds(slow: Agent) -> None:
    done = slow.do("input_text", "Log", text="\nday two", append=True)
    assert done.ok, done.message
    assert value(slow, "log") == "day one\nday two"
    rich = slow.do("input_text", "Letter", text=", hello", append=True)
    assert rich.ok, rich.message
    assert slow.script("return document.getElementById('rich').innerHTML").startswith("<b>Dear</b> Ann, hello")


def test_several_files_are_uploaded_by_names_in_the_folder_of_the_payload(slow: Agent) -> None:
    done = slow.do("upload_file", "Scans", text=["keys.html", str(PAGES / "form.html")])
    assert done.ok, done.message
    assert slow.script("return Array.from(document.getElementById('scans').files, (f) => f.name)") == [
        "keys.html",
        "form.html",
    ]
    refused = slow.do("upload_file", "Photo", text=["keys.html", "form.html"])
    assert not refused.ok
    assert "one file only" in refused.message
