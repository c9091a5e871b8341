"""The gallery of difficult pages, over HTTP."""

import time
from urllib.request import urlopen

import pytest
from starlette.datastructures import URL
from starlette.testclient import TestClient

from tests.site.app import create_app
from tests.site.gallery import PAGES, other_origin
from tests.site.serving import serve


@pytest.fixture(scope="module")
def browser() -> TestClient:
    return TestClient(create_app())


@pytest.mark.parametrize("name", PAGES)
def test_each_page_of_the_gallery_answers_and_is_listed(browser: TestClient, name: str) -> None:
    answer = browser.get(f"/{name}")
    assert answer.status_code == 200
    assert "<h1>" in answer.text
    assert f'href="/{name}"' in browser.get("/gallery").text


@pytest.mark.parametrize("code", [403, 404, 500, 503])
def test_status_page_answers_with_its_status(browser: TestClient, code: int) -> None:
    answer = browser.get(f"/status/{code}")
    assert answer.status_code == code
    assert f"<h1>{code} " in answer.text


def test_slow_page_takes_its_time(browser: TestClient) -> None:
    started = time.monotonic()
    assert "This took 0.2 seconds" in browser.get("/slow?seconds=0.2").text
    assert time.monotonic() - started >= 0.2
    assert browser.get("/slow?seconds=soon").status_code == 400


def test_download_is_an_attachment(browser: TestClient) -> None:
    assert browser.get("/download").headers["content-disposition"] == 'attachment; filename="tides.csv"'


def test_resume_is_a_pdf(browser: TestClient) -> None:
    answer = browser.get("/resume.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8090/frames", "http://localhost:8090"),
        ("http://localhost/frames", "http://127.0.0.1"),
        ("http://site.demo.svc:8090/frames", "http://site.demo.svc.:8090"),
    ],
)
def test_foreign_frame_comes_from_another_origin(url: str, expected: str) -> None:
    assert str(other_origin(URL(url))) == expected


def test_frame_form_shows_what_was_sent(browser: TestClient) -> None:
    assert "Holder: Chris" in browser.post("/frames/form", data={"holder": "Chris"}).text


def test_site_serves_on_a_real_socket() -> None:
    with serve(create_app()) as url, urlopen(f"{url}/healthz", timeout=10) as answer:
        assert answer.read() == b"ok"
