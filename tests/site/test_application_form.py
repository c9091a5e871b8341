"""The application form, as an applicant's browser sees it."""

import re

import pytest
from starlette.testclient import TestClient

from tests.site.app import create_app
from tests.site.applicant import ABOUT, HEARD_FROM

LETTER = {"cover_letter": "I cook at sea.", "accepted_terms": "on", "heard_from": HEARD_FROM}
RESUME = {"resume": ("chris.pdf", b"%PDF-1.4 resume", "application/pdf")}


@pytest.fixture
def browser() -> TestClient:
    return TestClient(create_app())


def apply(browser: TestClient) -> str:
    """Start an application and return its address."""
    answer = browser.post("/jobs/galley-cook/apply")
    return str(answer.url).removesuffix("/about")


def submit(browser: TestClient, **changes: str) -> str:
    """Send a whole application and return the text of its last page."""
    application = apply(browser)
    browser.post(f"{application}/about", data=ABOUT | changes)
    browser.post(f"{application}/documents", data=LETTER, files=RESUME)
    return browser.post(f"{application}/review").text


def reference_in(text: str) -> str:
    found = re.search(r"JOB-[A-Z2-7]{6}", text)
    assert found, text
    return found.group()


def test_complete_application_is_recorded_as_it_was_entered(browser: TestClient) -> None:
    confirmation = submit(browser)
    [application] = browser.get("/applications.json").json()
    assert application["reference"] == reference_in(confirmation)
    assert {name: application[name] for name in ABOUT} == ABOUT
    assert application["heard_from"] == HEARD_FROM
    assert application["cover_letter"] == "I cook at sea."
    assert application["accepted_terms"] is True
    assert application["resume"]["filename"] == "chris.pdf"
    assert application["resume"]["size"] == len(RESUME["resume"][1])


def test_reference_follows_from_the_data_alone(browser: TestClient) -> None:
    other_site = TestClient(create_app())
    submit(other_site, full_name="Somebody Else")
    assert reference_in(submit(browser)) == reference_in(submit(other_site))
    assert reference_in(submit(browser, full_name="Somebody Else")) != reference_in(submit(browser))


def test_nothing_is_recorded_before_the_review_is_sent(browser: TestClient) -> None:
    application = apply(browser)
    browser.post(f"{application}/about", data=ABOUT)
    answer = browser.post(f"{application}/documents", data=LETTER, files=RESUME)
    assert "Check your answers" in answer.text
    assert browser.get("/applications.json").json() == []


def test_sending_the_review_twice_records_one_application(browser: TestClient) -> None:
    submit(browser)
    browser.post("/applications/1/review")
    assert len(browser.get("/applications.json").json()) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"full_name": " "}, "Enter your full name"),
        ({"email": "chris at example"}, "Enter an e-mail address like name@example.com"),
        ({"phone": "12"}, "Enter a phone number of at least seven digits"),
        ({"position": ""}, "Select a position"),
        ({"employment_type": ""}, "Choose full time, part time or seasonal"),
        ({"start_date": ""}, "Enter the date on which you can start"),
        ({"start_date": "2027-02-28"}, "Choose a working day, Monday to Friday"),
    ],
)
def test_wrong_field_is_named_on_the_page(browser: TestClient, change: dict[str, str], message: str) -> None:
    answer = browser.post(f"{apply(browser)}/about", data=ABOUT | change)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert answer.text.count(message) == 2  # in the summary and beside the field


def test_fields_are_kept_when_the_page_is_refused(browser: TestClient) -> None:
    answer = browser.post(f"{apply(browser)}/about", data=ABOUT | {"phone": "12"})
    assert 'value="Chris P. Bacon"' in answer.text
    assert 'value="12"' in answer.text
    assert "<option selected>Galley Cook</option>" in answer.text
    assert 'value="Full time" checked' in answer.text
    assert 'value="2027-03-01"' in answer.text


@pytest.mark.parametrize(
    ("resume", "message"),
    [
        (None, "Attach your resume"),
        (("chris.exe", b"MZ"), "The resume must be a PDF, DOCX or TXT file"),
        (("chris.pdf", b""), "The resume is an empty file"),
        (("chris.pdf", b"x" * (1024 * 1024 + 1)), "The resume must be smaller than 1 MB"),
    ],
)
def test_wrong_resume_is_refused(browser: TestClient, resume: tuple[str, bytes] | None, message: str) -> None:
    application = apply(browser)
    browser.post(f"{application}/about", data=ABOUT)
    answer = browser.post(f"{application}/documents", data=LETTER, files={"resume": resume} if resume else None)
    assert answer.status_code == 422
    assert message in answer.text


def test_terms_must_be_accepted_and_the_resume_is_kept(browser: TestClient) -> None:
    application = apply(browser)
    browser.post(f"{application}/about", data=ABOUT)
    refused = browser.post(f"{application}/documents", data={"heard_from": "A friend"}, files=RESUME)
    assert "Accept the terms to go on" in refused.text
    assert "Attached: chris.pdf" in refused.text
    assert 'aria-checked="true" data-name="heard_from" data-value="A friend"' in refused.text
    assert "Check your answers" in browser.post(f"{application}/documents", data=LETTER).text


def test_later_page_leads_back_to_the_first_unfinished_one(browser: TestClient) -> None:
    application = apply(browser)
    assert str(browser.get(f"{application}/done").url).endswith("/about")


def test_entered_text_is_shown_as_text(browser: TestClient) -> None:
    answer = browser.post(f"{apply(browser)}/about", data=ABOUT | {"full_name": '"><script>x</script>', "phone": ""})
    assert "<script>x" not in answer.text


def test_cookie_notice_is_shown_until_it_is_answered(browser: TestClient) -> None:
    assert "Accept all cookies" in browser.get("/").text
    browser.cookies.set("notice", "all")
    assert "Accept all cookies" not in browser.get("/").text


def test_unknown_jobs_and_applications_are_not_found(browser: TestClient) -> None:
    assert browser.get("/jobs/astronaut").status_code == 404
    assert browser.get("/applications/7/about").status_code == 404
