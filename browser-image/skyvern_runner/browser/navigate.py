"""Opening addresses, and telling pages from what the browser shows instead of one."""

import time
import urllib.parse
from typing import Any, Final

from selenium.common.exceptions import (
    InsecureCertificateException,
    TimeoutException,
    UnexpectedAlertPresentException,
    WebDriverException,
)

from skyvern_crds.urls import is_http_url
from skyvern_runner.browser.element_id import PAGE
from skyvern_runner.browser.session import Browser, lost_is_an_error
from skyvern_runner.errors import PageErrorKind, PageLoadError, first_line
from skyvern_runner.network.gate import Failure

READY_MS: Final = 2000
"""Longest wait for frames, images and first requests once the document is loaded."""
BLANK_SECONDS: Final = 1.5
"""Longest wait for the first page of a tab."""
_BLANK_POLL: Final = 0.05
_CAUSES: Final = {
    "ERR_NAME_NOT_RESOLVED": "its host name cannot be resolved",
    "ERR_CONNECTION_REFUSED": "the connection was refused",
    "ERR_CONNECTION_RESET": "the connection was reset",
    "ERR_CONNECTION_CLOSED": "the server closed the connection",
    "ERR_CONNECTION_TIMED_OUT": "the connection timed out",
    "ERR_ADDRESS_UNREACHABLE": "its network cannot be reached",
    "ERR_INTERNET_DISCONNECTED": "there is no network",
    "ERR_EMPTY_RESPONSE": "the server sent an empty response",
    "ERR_TOO_MANY_REDIRECTS": "it redirects in a circle",
    "ERR_UNSAFE_PORT": "the browser refuses this port",
    "ERR_SSL_PROTOCOL_ERROR": "the server does not speak TLS correctly",
}


def open_page(browser: Browser, url: str) -> None:
    """Load ``url`` and wait for its document. Raises PageLoadError, DialogWaitsError, BrowserLostError."""
    if not is_http_url(url):
        raise PageLoadError(
            PageErrorKind.UNREACHABLE, f"{url} was not opened: only http and https addresses are allowed"
        )
    before = browser.call(PAGE, "pageState")
    mark = browser.way_out.gate.count
    with lost_is_an_error():
        try:
            browser.driver.get(url)
        except UnexpectedAlertPresentException:
            browser.meet_dialog()
        except InsecureCertificateException as error:
            raise _certificate(url, first_line(error)) from error
        except TimeoutException as error:
            raise PageLoadError(
                PageErrorKind.TIMEOUT, f"{url} showed no page within {browser.options.page_seconds:g} s"
            ) from error
        except WebDriverException as error:
            if "net::" not in (error.msg or ""):
                raise
            code = (error.msg or "").split("net::", 1)[1].split()[0]
            raise _network(url, code, browser.way_out.cause(url, code, mark)) from error
    after = browser.call(PAGE, "pageState")
    if after["token"] == before["token"] and _document(after["url"]) != _document(url):
        raise _no_page(browser, url)
    if after["failed"] and not after["text"]:
        after["text"] = _error_code(browser, url)
    problem = page_problem(browser, after, url, mark)
    if problem:
        raise problem
    try:
        browser.call(PAGE, "settle", None, {"most": READY_MS})
    except WebDriverException:
        # The page moved on to another document by itself, which will do as well.
        browser.call(PAGE, "pageState")


def await_tab(browser: Browser) -> None:
    """Wait until a tab that has just opened shows its page: it begins blank. Raises DialogWaitsError."""
    deadline = time.monotonic() + BLANK_SECONDS
    while True:
        try:
            state = browser.call(PAGE, "settle", None, {"most": READY_MS})
        except WebDriverException:
            state = browser.call(PAGE, "pageState")  # its first page came meanwhile
            if time.monotonic() < deadline:
                continue
        if state["url"] not in {"", "about:blank"} or time.monotonic() > deadline:
            return
        time.sleep(_BLANK_POLL)


def page_problem(browser: Browser, state: dict[str, Any], url: str, mark: int) -> PageLoadError | None:
    """What is wrong with a page, given its state from the page script; None if nothing is.

    ``mark`` is the gate's count of failures before the page was loaded.
    """
    status = int(state["status"])
    if status >= 400:
        return PageLoadError(PageErrorKind.HTTP, f"{url} answered with HTTP status {status}", status)
    if state["failed"]:
        code = str(state["text"])
        return _network(url, code, browser.way_out.cause(url, code, mark))
    return None


def _document(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, ""))


def _network(url: str, code: str, failure: Failure | None) -> PageLoadError:
    if "CERT" in code:
        return _certificate(url, code)
    if failure is not None and failure.refusal:
        return PageLoadError(PageErrorKind.REFUSED, f"{url} was refused: {failure.refusal}")
    code = failure.code if failure is not None else code
    cause = _CAUSES.get(code)
    text = f"{cause} ({code})" if cause else code or "the browser shows an error page"
    return PageLoadError(PageErrorKind.UNREACHABLE, f"{url} cannot be reached: {text}")


def _certificate(url: str, detail: str) -> PageLoadError:
    code = detail.split("net::", 1)[-1].split(maxsplit=1)[0] if detail else ""
    suffix = f" ({code})" if code.startswith("ERR_") else ""
    return PageLoadError(PageErrorKind.CERTIFICATE, f"the certificate of {url} is not valid{suffix}")


def _error_code(browser: Browser, url: str) -> str:
    """Navigate again for the error code, which the headless shell does not show for an invalid certificate."""
    return str(browser.cdp("Page.navigate", url=url).get("errorText", "")).removeprefix("net::")


def _no_page(browser: Browser, url: str) -> PageLoadError:
    """The document did not change: navigate again to find out why."""
    answer = browser.cdp("Page.navigate", url=url)
    what = "is a download" if answer.get("isDownload") else "has an empty response"
    return PageLoadError(PageErrorKind.DOWNLOAD, f"{url} {what}, not a page")
