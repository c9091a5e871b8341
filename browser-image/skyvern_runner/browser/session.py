"""A browser session: starting it on a WebDriver server or a local chromedriver, calling into its pages, ending it."""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self

import urllib3
from selenium.common.exceptions import (
    InvalidSessionIdException,
    NoSuchWindowException,
    SessionNotCreatedException,
    UnexpectedAlertPresentException,
    WebDriverException,
)
from selenium.webdriver import ChromeOptions
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.webdriver import WebDriver

from skyvern_crds.network.web_access import WebAccess, WebPolicy
from skyvern_runner.browser.dialog import close_dialog, meet_dialog
from skyvern_runner.browser.driver_process import LocalDriver, wait_until_ready
from skyvern_runner.browser.element_id import PAGE, Frame
from skyvern_runner.browser.flags import FLAGS
from skyvern_runner.browser.page_script import PageScript
from skyvern_runner.browser.tabs import Tabs
from skyvern_runner.browser.way_out import WayOut
from skyvern_runner.errors import BrowserLostError, BrowserStartError, DialogWaitsError, first_line

MAX_DIALOGS: Final = 5
"""Most dialogs in a row that are answered before giving the page up."""
_LOST: Final = (
    "tab crashed",
    "session deleted",
    "disconnected",
    "not connected to devtools",
    "chrome not reachable",
    "no such execution context",
    "unable to receive message from renderer",
)


@dataclass(frozen=True)
class BrowserOptions:
    """How to start a session."""

    webdriver_url: str | None = None
    """A WebDriver server; without it a chromedriver from PATH is started and ended with the session."""
    chrome_binary: str | None = None
    """Path of the browser where chromedriver runs; without it chromium or chrome from PATH."""
    sandbox: bool = True
    """Chrome's sandbox; off only where the kernel or the container forbids it."""
    headless: bool = True
    window: tuple[int, int] = (1280, 1080)
    """Width and height of the page in CSS pixels."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Extra headers of every request."""
    access: WebAccess = field(default_factory=WebAccess)
    """Where it may go."""
    hosts: Sequence[str] | None = None
    """The only hosts of the task, within that."""
    start_seconds: float = 30.0
    """Time for the WebDriver server to be ready, and again for the session to start."""
    page_seconds: float = 30.0
    """Time for an address to show a page."""
    script_seconds: float = 10.0
    """Time for one call into a page."""


class Browser:
    """A session with one tab in front."""

    def __init__(
        self, driver: WebDriver, options: BrowserOptions, way_out: WayOut, local: LocalDriver | None = None
    ) -> None:
        self.driver = driver
        self.options = options
        self.way_out = way_out
        self.script = PageScript(driver, "skyvern:" + secrets.token_hex(12))
        self.notes: list[str] = []
        """Dialogs closed and tabs closed since the list was last cleared."""
        self.waiting = False
        """Whether a dialog waits for an answer."""
        self._local = local
        self.tabs = Tabs(driver, self.prepare_tab)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session; never raises."""
        try:
            self.driver.quit()
        except (WebDriverException, urllib3.exceptions.HTTPError, OSError):
            pass  # it is gone already
        finally:
            if self._local:
                self._local.stop()
            self.way_out.close()

    @property
    def local_url(self) -> str | None:
        """Address of this session's local chromedriver, if it has one."""
        return self._local.url if self._local else None

    def prepare_tab(self) -> None:
        """Set up the tab in front: page script, view size, headers."""
        self.script.install()
        width, height = self.options.window
        view = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)
        if self.options.headers:
            self.driver.execute_cdp_cmd("Network.enable", {})
            self.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": dict(self.options.headers)})

    def call(self, frame: Frame, name: str, *args: object) -> Any:
        """Call the page script in the document ``frame``. Raises DialogWaitsError."""
        with lost_is_an_error():
            for _ in range(MAX_DIALOGS):
                try:
                    if not frame:
                        return self.script.call(name, *args)
                    with self.inside(frame):
                        return self.script.call(name, *args)
                except UnexpectedAlertPresentException:
                    self.meet_dialog()
                except NoSuchWindowException:
                    frame = PAGE
                    self._leave_closed_tab()
            raise BrowserLostError(f"the page keeps showing dialogs: {self.notes[-1]}")

    @contextmanager
    def inside(self, frame: Frame) -> Iterator[None]:
        """Switch into a frame of another origin and back to the page."""
        try:
            self._enter(frame)
            yield
        finally:
            try:
                self.driver.switch_to.default_content()
            except UnexpectedAlertPresentException:
                self.meet_dialog()
                self.driver.switch_to.default_content()

    def _enter(self, frame: Frame) -> None:
        for own in frame:
            for step in (*self.script.call("framePath", own), own):
                self.driver.switch_to.frame(self.script.element(step))

    def cdp(self, command: str, **parameters: object) -> Any:
        """Send a DevTools command. A dialog that it opens is met by the next call. Raises DialogWaitsError."""
        with lost_is_an_error():
            try:
                return self.driver.execute_cdp_cmd(command, dict(parameters))
            except UnexpectedAlertPresentException:
                self.meet_dialog()
                return self.driver.execute_cdp_cmd(command, dict(parameters))
            except NoSuchWindowException:
                self._leave_closed_tab()
                return {}

    def meet_dialog(self) -> None:
        """Close a dialog that asks nothing of the task, and note what it said. Raises DialogWaitsError for others."""
        try:
            said = meet_dialog(self.driver)
        except DialogWaitsError:
            self.waiting = True
            raise
        if said:
            self.notes.append(said)

    def answer_dialog(self, *, accept: bool, text: str | None = None) -> bool:
        """Answer the dialog that waits. Returns whether there was one."""
        self.waiting = False
        with lost_is_an_error():
            answered = close_dialog(self.driver, accept=accept, text=text)
            # It may have come up during a call into a frame. Another dialog is met by the next call.
            with suppress(UnexpectedAlertPresentException):
                self.driver.switch_to.default_content()
        return answered

    def adopt_tab(self) -> str | None:
        """Switch to a tab that was opened, or away from one that was closed. Returns what happened, if anything."""
        with lost_is_an_error():
            return self.tabs.adopt()

    def _leave_closed_tab(self) -> None:
        said = self.adopt_tab()
        if said is None:
            raise BrowserLostError("the browser's tab is gone")
        self.notes.append(said)


def start_browser(options: BrowserOptions) -> Browser:
    """Start a session. Raises BrowserStartError."""
    browser = _connected(options)
    driver = browser.driver
    try:
        # Until the first tab answers, the browser is still starting, which may take longer than a page may.
        driver.set_page_load_timeout(options.start_seconds)
        browser.adopt_tab()
        driver.set_page_load_timeout(options.page_seconds)
        driver.set_script_timeout(options.script_seconds)
    except (WebDriverException, urllib3.exceptions.HTTPError) as error:
        browser.close()
        raise BrowserStartError(f"the browser started but does not answer: {first_line(error)}") from error
    return browser


def _connected(options: BrowserOptions) -> Browser:
    """A session with its way out, and without the ports that control it."""
    with ExitStack() as undo:
        local = None if options.webdriver_url else LocalDriver(options.start_seconds)
        if local:
            undo.callback(local.stop)
        url = options.webdriver_url or (local.url if local else "")
        way_out = WayOut(WebPolicy(options.access, options.hosts))
        undo.callback(way_out.close)
        way_out.close_ports_of(url)
        wait_until_ready(url, options.start_seconds)
        driver = _session(url, options, way_out, local)
        undo.callback(driver.quit)
        debugger = driver.capabilities.get("goog:chromeOptions", {}).get("debuggerAddress")
        if debugger:
            way_out.close_ports_of(debugger)
        undo.pop_all()
        return Browser(driver, options, way_out, local)


def _session(url: str, options: BrowserOptions, way_out: WayOut, local: LocalDriver | None) -> WebDriver:
    chrome = ChromeOptions()
    binary = options.chrome_binary
    if local:
        names = ("chromium", "google-chrome", "chromium-browser", "chrome")
        binary = binary or next((path for name in names if (path := shutil.which(name))), None)
        if binary is None:
            raise BrowserStartError("no chromium is on PATH: install it (Debian: apt install chromium)")
        chrome.add_argument(f"--user-data-dir={local.folder / 'profile'}")
    if binary:
        chrome.binary_location = binary
    width, height = options.window
    for flag in (*FLAGS, *way_out.flags, f"--window-size={width},{height}"):
        chrome.add_argument(flag)
    if options.headless:
        chrome.add_argument("--headless")
    if not options.sandbox:
        chrome.add_argument("--no-sandbox")
    chrome.page_load_strategy = "eager"
    chrome.set_capability("unhandledPromptBehavior", "ignore")
    chrome.set_capability("acceptInsecureCerts", False)
    # Longer than any command may take, so that only a dead driver exceeds it.
    limit = round(options.page_seconds + options.script_seconds + options.start_seconds)
    config = ClientConfig(remote_server_addr=url, keep_alive=True, timeout=limit)
    try:
        return WebDriver(command_executor=url, options=chrome, client_config=config)
    except SessionNotCreatedException as error:
        remedy = " (as root, or without user namespaces, turn its sandbox off)" if options.sandbox else ""
        raise BrowserStartError(f"Chromium did not start{remedy}: {first_line(error)}") from error
    except (WebDriverException, urllib3.exceptions.HTTPError, OSError) as error:
        raise BrowserStartError(f"no browser session at {url}: {first_line(error)}") from error


@contextmanager
def lost_is_an_error() -> Iterator[None]:
    """Turn every sign of a dead tab, browser or driver into BrowserLostError."""
    try:
        yield
    except (InvalidSessionIdException, NoSuchWindowException) as error:
        raise BrowserLostError(f"the browser or its tab is gone: {first_line(error)}") from error
    except WebDriverException as error:
        if any(sign in str(error).lower() for sign in _LOST):
            raise BrowserLostError(f"the browser died: {first_line(error)}") from error
        raise
    except (urllib3.exceptions.HTTPError, ConnectionError) as error:
        raise BrowserLostError(f"the WebDriver server does not answer: {first_line(error)}") from error
