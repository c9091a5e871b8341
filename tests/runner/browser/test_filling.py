"""Text, options, checkboxes and files in real controls, each verified."""

from pathlib import Path

import pytest

from tests.runner.browser.conftest import Agent
from tests.runner.browser.serving import PAGES

pytestmark = pytest.mark.browser


@pytest.fixture
def form(agent: Agent) -> Agent:
    agent.open("form.html")
    return agent


@pytest.fixture
def choices(agent: Agent) -> Agent:
    agent.open("choices.html")
    return agent


def value(agent: Agent, key: str) -> str:
    return str(agent.script(f"const e = document.getElementById('{key}'); return e.value ?? e.textContent"))


@pytest.mark.parametrize(
    ("label", "key", "text"),
    [
        ("Name", "name", "Chris P. Bacon"),
        ("E-mail", "mail", "chris@example.com"),
        ("Controlled", "controlled", "kept by the page"),
        ("Stubborn", "stubborn", "set at last"),
        ("Keys only", "keys", "typed"),
        ("Amount", "amount", "7"),
        ("Remarks", "remarks", "two\nlines"),
        ("Note", "note", "a new note"),
        ("Name", "name", "Zoë 北京 😀"),
        ("Day", "day", "2026-03-04"),
        ("Hour", "hour", "13:45"),
        ("Color", "color", "#336699"),
        ("Volume", "volume", "70"),
        ("Password", "password", "s3cret!"),
    ],
)
def test_text_replaces_what_the_field_held(form: Agent, label: str, key: str, text: str) -> None:
    done = form.do("input_text", label, text=text)
    assert done.ok, done.message
    assert value(form, key).strip() == text


def test_text_can_be_cleared(form: Agent) -> None:
    assert form.do("input_text", "E-mail", text="").ok
    assert value(form, "mail") == ""


def test_mask_is_accepted_and_quoted(form: Agent) -> None:
    done = form.do("input_text", "Phone:", text="5551234567")
    assert done.ok
    assert "(555) 123-4567" in done.message


def test_handlers_of_keys_run_for_text_put_in_at_once(form: Agent) -> None:
    assert form.do("input_text", "Upper", text="loud").ok
    assert value(form, "upper") == "LOUD"


def test_change_event_comes_when_the_field_is_left(form: Agent) -> None:
    form.do("input_text", "Name", text="Ann")
    form.do("input_text", "E-mail", text="ann@example.com")
    assert form.script("return document.getElementById('result').textContent") == "Changed to Ann"


def test_date_tells_the_page(form: Agent) -> None:
    assert "Day 2026-03-04" in form.do("input_text", "Day", text="2026-03-04").message


def test_wrong_date_names_the_format(form: Agent) -> None:
    done = form.do("input_text", "Day", text="4 March 2026")
    assert not done.ok
    assert "YYYY-MM-DD" in done.message


@pytest.mark.parametrize(
    ("label", "cause"),
    [("Fixed", "readonly: "), ("Closed", "disabled: "), ("Send", "takes no text"), ("Short", "at most 4 characters")],
)
def test_field_that_cannot_take_the_text_says_why(form: Agent, label: str, cause: str) -> None:
    done = form.do("input_text", label, text="too long")
    assert not done.ok
    assert cause in done.message


def test_password_is_never_in_a_message_nor_in_the_outline(form: Agent) -> None:
    done = form.do("input_text", "Password", text="s3cret!")
    assert done.ok
    assert "s3cret" not in done.message
    outline = form.look().outline
    assert "s3cret" not in outline
    assert 'textbox "Password" value="*******" type=password' in outline


def test_suggestions_are_reported_and_can_be_clicked(form: Agent) -> None:
    done = form.do("input_text", "City", text="Ber")
    assert done.ok
    assert [entry.split("] ")[1] for entry in done.new_elements] == [
        'option "Berlin"',
        'option "Bern"',
        'option "Bergen"',
    ]
    assert form.do("click", id=done.new_elements[1].split("]")[0].strip("[")).ok
    assert value(form, "city") == "Bern"


def test_combobox_is_filtered_by_typing_when_it_shows_nothing(form: Agent) -> None:
    done = form.do("select_option", "City", text="Boston")
    assert done.ok, done.message
    assert value(form, "city") == "Boston"


@pytest.mark.parametrize(
    ("wanted", "held"),
    [
        ("Cook (evening)", "cook"),
        ("cook", "cook"),
        ("eng", "eng"),
        ("software ENGINEER", "eng"),
    ],
)
def test_option_is_found_by_label_or_value(choices: Agent, wanted: str, held: str) -> None:
    done = choices.do("select_option", "Position", text=wanted)
    assert done.ok, done.message
    assert value(choices, "position") == held


def test_unknown_option_lists_the_known_ones(choices: Agent) -> None:
    done = choices.do("select_option", "Position", text="Pilot")
    assert not done.ok
    assert "Software Engineer" in done.message
    assert value(choices, "position") == ""


def test_disabled_option_is_refused(choices: Agent) -> None:
    done = choices.do("select_option", "Position", text="Chef")
    assert not done.ok
    assert "cannot be chosen" in done.message


@pytest.mark.parametrize("wanted", ["engineer", "1", "Not a cook", "Coo"])
def test_option_that_is_not_certain_is_refused(choices: Agent, wanted: str) -> None:
    done = choices.do("select_option", "Position", text=wanted)
    assert not done.ok
    assert '"Software Engineer"' in done.message
    assert value(choices, "position") == ""


def test_option_among_five_hundred_is_chosen(choices: Agent) -> None:
    assert choices.do("select_option", "Country", text="country number 432").ok
    assert value(choices, "country") == "c432"


def test_several_options_of_a_multiple_select_are_kept(choices: Agent) -> None:
    assert choices.do("select_option", "Skills", text="Knots").ok
    assert choices.do("select_option", "Skills", text="Sails").ok
    held = choices.script("return Array.from(document.getElementById('skills').selectedOptions, (o) => o.value)")
    assert held == ["Knots", "Sails"]


def test_custom_combobox_is_opened_and_its_option_clicked(choices: Agent) -> None:
    done = choices.do("select_option", "Berth", text="inner basin")
    assert done.ok, done.message
    assert value(choices, "berth") == "Inner basin"


def test_custom_combobox_in_a_frame_of_another_origin_works_too(agent: Agent) -> None:
    agent.open("framed.html")
    done = agent.do("select_option", "Berth", text="inner basin")
    assert done.ok, done.message
    assert 'combobox "Berth" value="Inner basin"' in agent.look().outline


def test_combobox_without_any_role_works_too(choices: Agent) -> None:
    done = choices.do("select_option", "Pick a tide", text="Low tide")
    assert done.ok, done.message
    assert value(choices, "plain") == "Low tide"


def test_combobox_that_filters_is_typed_into(choices: Agent) -> None:
    done = choices.do("select_option", "Harbour", text="Rostock")
    assert done.ok, done.message
    assert value(choices, "harbour") == "Rostock"


def test_missing_custom_option_lists_what_is_there(choices: Agent) -> None:
    done = choices.do("select_option", "Berth", text="North pier")
    assert not done.ok
    assert "East pier" in done.message


def test_click_on_a_select_points_to_select_option(choices: Agent) -> None:
    done = choices.do("click", "Position")
    assert not done.ok
    assert "use select_option" in done.message


@pytest.mark.parametrize(
    ("label", "test"),
    [
        ("I agree to the terms", "document.getElementById('terms').checked"),
        ("Newsletter", "document.getElementById('news').checked"),
        ("Gale", "document.querySelector('[value=gale]').checked"),
        ("Night mode", "document.getElementById('night').getAttribute('aria-checked') === 'true'"),
    ],
)
def test_check_reaches_the_wanted_state_once(choices: Agent, label: str, test: str) -> None:
    first = choices.do("check", label, checked=True)
    assert first.ok, first.message
    assert choices.script(f"return {test}") is True
    again = choices.do("check", label, checked=True)
    assert "already" in again.message
    assert choices.script(f"return {test}") is True


def test_check_can_be_taken_back(choices: Agent) -> None:
    choices.do("check", "Newsletter", checked=True)
    assert choices.do("check", "Newsletter", checked=False).ok
    assert choices.script("return document.getElementById('news').checked") is False


def test_checkbox_that_the_page_resets_is_a_failure(choices: Agent) -> None:
    done = choices.do("check", "Never on", checked=True)
    assert not done.ok
    assert "put it back" in done.message


def test_radio_cannot_be_unchecked(choices: Agent) -> None:
    choices.do("check", "Gale", checked=True)
    assert "choose another one" in choices.do("check", "Gale", checked=False).message


@pytest.mark.parametrize("label", ["Resume", "Choose a letter", "Attach", "Drop it here"])
def test_file_reaches_inputs_choosers_and_drop_zones(agent: Agent, label: str) -> None:
    agent.open("upload.html")
    done = agent.do("upload_file", label, text=f"{agent.site.url}/redirect")
    assert done.ok, done.message
    assert "cv.pdf application/pdf 15 %PDF-1.4" in agent.look().outline


def test_local_file_comes_from_an_allowed_folder_only(agent: Agent, tmp_path: Path) -> None:
    agent.open("upload.html")
    assert agent.do("upload_file", "Photos", text=str(PAGES / "keys.html")).ok
    assert agent.do("upload_file", "Photos", text=str(PAGES / "form.html")).ok
    assert agent.script("return document.getElementById('photos').files.length") == 2
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    done = agent.do("upload_file", "Photos", text=str(secret))
    assert not done.ok
    assert "may not be read" in done.message


@pytest.mark.parametrize(
    ("path", "cause"),
    [("/missing", "HTTP status 404"), ("/large", "larger than"), ("/keys.html", "accepts .pdf")],
)
def test_unusable_file_names_the_cause(agent: Agent, path: str, cause: str) -> None:
    agent.open("upload.html")
    done = agent.do("upload_file", "Resume", text=agent.site.url + path)
    assert not done.ok
    assert cause in done.message


def test_unreachable_file_names_the_cause(agent: Agent) -> None:
    agent.open("upload.html")
    done = agent.do("upload_file", "Resume", text="http://127.0.0.1:1/cv.pdf")
    assert not done.ok
    assert "cannot be fetched" in done.message
