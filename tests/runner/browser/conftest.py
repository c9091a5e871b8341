"""One browser and one web server for all tests of the browser side."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from skyvern_crds.network.web_access import WebAccess
from skyvern_runner.actions.base import PageAction
from skyvern_runner.actions.catalog import read_action
from skyvern_runner.browser.session import Browser, BrowserOptions, start_browser
from skyvern_runner.browser.upload_source import UploadSources
from skyvern_runner.chrome_page import ChromePage
from skyvern_runner.input.outcome import ActionResult
from skyvern_runner.perceive.look import Element, Snapshot, perceive
from tests.runner.browser.serving import PAGES, Site, serve

LOCAL = WebAccess(allow_private_hosts=["127.0.0.1", "::1"])
"""These tests' servers are on the loopback."""


@dataclass
class Agent:
    """Drives the shared browser the way the loop does, but names elements by their label."""

    browser: Browser
    site: Site
    page: ChromePage
    seen: Snapshot | None = field(default=None)

    def open(self, name: str) -> Snapshot:
        self.page.open(f"{self.site.url}/{name}")
        return self.look()

    def look(self) -> Snapshot:
        self.seen = self.page.look()
        return self.seen

    def find(self, label: str, role: str | None = None) -> Element:
        snapshot = self.seen or self.look()
        for element in snapshot.elements.values():
            if element.name == label and role in (None, element.role):
                return element
        raise AssertionError(f"no element {label!r} in\n{snapshot.outline}")

    def do(self, kind: str, label: str | None = None, **values: Any) -> ActionResult:
        if label is not None:
            values["id"] = self.find(label).id
        action = read_action({"type": kind, **values})
        assert isinstance(action, PageAction)
        return self.page.do(action)

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Allow 2.5 s for a page, for pages that never come. All others get the time that a slow machine needs."""
        browser, patient = self.browser, self.browser.options
        browser.options = replace(patient, page_seconds=2.5)
        browser.driver.set_page_load_timeout(2.5)
        try:
            yield
        finally:
            browser.options = patient
            browser.driver.set_page_load_timeout(patient.page_seconds)

    @property
    def result(self) -> str:
        """What the page reports in its output."""
        return str(self.script("return document.getElementById('result').textContent"))

    def script(self, code: str) -> Any:
        return self.browser.driver.execute_script(code)


def browser_options() -> BrowserOptions:
    # Chrome's sandbox does not work for root.
    return BrowserOptions(sandbox=os.geteuid() != 0, window=(1280, 1080), access=LOCAL)


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with start_browser(browser_options()) as running:
        yield running


@pytest.fixture
def agent(browser: Browser, site: Site) -> Iterator[Agent]:
    page = ChromePage(browser, UploadSources(folders=(PAGES,), max_bytes=200_000))
    yield Agent(browser, site, page)
    close_other_tabs(browser)


def close_other_tabs(browser: Browser) -> None:
    driver = browser.driver
    first, *others = driver.window_handles
    for handle in others:
        driver.switch_to.window(handle)
        driver.close()
    driver.switch_to.window(first)
    browser.adopt_tab()


@pytest.fixture
def look(browser: Browser, site: Site) -> Callable[..., Snapshot]:
    """Open a page and look at it within a budget of tokens."""

    def run(name: str, **options: Any) -> Snapshot:
        ChromePage(browser).open(f"{site.url}/{name}")
        return perceive(browser, **options)

    return run
