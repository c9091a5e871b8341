"""Starting browsers, opening addresses, and the errors when there is no page."""

import os
import shutil
import signal
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.common.exceptions import WebDriverException

from skyvern_runner.browser.session import Browser, BrowserOptions, start_browser
from skyvern_runner.chrome_page import ChromePage
from skyvern_runner.errors import BrowserLostError, BrowserStartError, PageErrorKind, PageLoadError
from tests.runner.browser.conftest import Agent, browser_options
from tests.runner.browser.serving import Site, serve

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/missing", PageErrorKind.HTTP, "HTTP status 404"),
        ("/broken", PageErrorKind.HTTP, "HTTP status 500"),
        ("/archive", PageErrorKind.DOWNLOAD, "is a download, not a page"),
        ("/nothing", PageErrorKind.DOWNLOAD, "has an empty response, not a page"),
    ],
)
def test_address_without_a_page_names_the_cause(agent: Agent, path: str, kind: PageErrorKind, text: str) -> None:
    agent.open("child.html")
    with pytest.raises(PageLoadError, match=text) as caught:
        agent.page.open(agent.site.url + path)
    assert caught.value.kind is kind
    assert agent.site.url + path in str(caught.value)


def test_page_that_never_comes_is_given_up(agent: Agent) -> None:
    with agent.impatient(), pytest.raises(PageLoadError, match=r"/never showed no page within 2\.5 s") as caught:
        agent.page.open(agent.site.url + "/never")
    assert caught.value.kind is PageErrorKind.TIMEOUT


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://127.0.0.1:1/", "ERR_UNSAFE_PORT"),
        ("file:///etc/hosts", "only http and https"),
        ("chrome://version", "only http and https"),
    ],
)
def test_unreachable_address_names_the_cause(agent: Agent, url: str, text: str) -> None:
    with pytest.raises(PageLoadError, match=text) as caught:
        agent.page.open(url)
    assert caught.value.kind is PageErrorKind.UNREACHABLE


def test_unknown_host_name_names_the_cause(agent: Agent) -> None:
    agent.browser.driver.set_page_load_timeout(60)  # as long as the machine's resolver takes to say no
    try:
        with pytest.raises(PageLoadError, match="host name cannot be resolved") as caught:
            agent.page.open("http://no-such-host.invalid/")
    finally:
        agent.browser.driver.set_page_load_timeout(agent.browser.options.page_seconds)
    assert caught.value.kind is PageErrorKind.UNREACHABLE


def test_refused_connection_is_unreachable(agent: Agent) -> None:
    with serve() as gone:
        url = gone.url
    with pytest.raises(PageLoadError, match="refused") as caught:
        agent.page.open(url)
    assert caught.value.kind is PageErrorKind.UNREACHABLE


def test_invalid_certificate_is_named(agent: Agent, tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serve(context) as secure, pytest.raises(PageLoadError, match="certificate") as caught:
        agent.page.open(f"https://127.0.0.1:{secure.port}/child.html")
    assert caught.value.kind is PageErrorKind.CERTIFICATE


def test_page_opens_again_after_each_error(agent: Agent) -> None:
    with pytest.raises(PageLoadError):
        agent.page.open(f"{agent.site.url}/broken")
    assert agent.open("child.html").title == "Child"


def test_same_address_opens_twice(agent: Agent) -> None:
    agent.open("child.html")
    assert agent.open("child.html").title == "Child"


def test_screenshots_are_pictures(agent: Agent) -> None:
    agent.open("targets.html")
    assert agent.page.screenshot().startswith(b"\xff\xd8\xff")
    assert agent.page.final_screenshot().startswith(b"\x89PNG")


def test_text_of_the_page_includes_its_frames(agent: Agent) -> None:
    agent.open("frames.html")
    assert agent.page.text().count("Not paid") == 3


def test_headers_are_sent_with_every_request(site: Site) -> None:
    page = ChromePage.start(replace(browser_options(), headers={"X-Tide": "high"}))
    try:
        page.open(f"{site.url}/child.html")
        assert site.headers["x-tide"] == "high"
    finally:
        page.close()


def test_session_at_a_webdriver_server_that_runs_already(browser: Browser, site: Site) -> None:
    local = browser.local_url
    assert local is not None
    page = ChromePage.start(replace(browser_options(), webdriver_url=local))
    try:
        page.open(f"{site.url}/child.html")
        assert page.look().title == "Child"
    finally:
        page.close()


def test_missing_webdriver_server_is_a_start_error() -> None:
    with pytest.raises(BrowserStartError, match=r"no WebDriver server was ready at http://127.0.0.1:9 within 0.3 s"):
        start_browser(BrowserOptions(webdriver_url="http://127.0.0.1:9", start_seconds=0.3))


def test_missing_browser_is_a_start_error() -> None:
    with pytest.raises(BrowserStartError, match="did not start"):
        start_browser(BrowserOptions(chrome_binary="/does/not/exist", start_seconds=10))


def test_driver_whose_port_is_taken_starts_again_on_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = shutil.which("chromedriver")
    unlucky = tmp_path / "chromedriver"
    unlucky.write_text(
        f"""#!/bin/sh
test -e {tmp_path}/started && exec {driver} "$@"
touch {tmp_path}/started
echo "bind() failed: Address already in use (98)"
echo "IPv4 port not available. Exiting..."
exit 1
"""
    )
    unlucky.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with start_browser(browser_options()) as browser:
        assert browser.driver.capabilities["browserName"]


def test_driver_that_never_finds_a_port_is_a_start_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlucky = tmp_path / "chromedriver"
    unlucky.write_text("#!/bin/sh\necho IPv4 port not available. Exiting...\nexit 1\n")
    unlucky.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(BrowserStartError, match="chromedriver found no free port in 5 starts: IPv4 port not available"):
        start_browser(browser_options())


def test_start_takes_longer_than_a_page_may() -> None:
    with start_browser(replace(browser_options(), page_seconds=0.001)) as browser:
        assert browser.driver.capabilities["browserName"]


def test_tab_that_crashes_is_lost(site: Site) -> None:
    with start_browser(browser_options()) as browser:
        page = ChromePage(browser)
        page.open(f"{site.url}/child.html")
        with pytest.raises(WebDriverException):
            browser.driver.get("chrome://crash")
        with pytest.raises(BrowserLostError):
            page.look()


def test_browser_that_dies_is_lost(site: Site) -> None:
    with start_browser(browser_options()) as browser:
        page = ChromePage(browser)
        page.open(f"{site.url}/child.html")
        os.kill(browser.driver.capabilities["goog:processID"], signal.SIGKILL)
        with pytest.raises(BrowserLostError):
            page.look()


def test_browser_of_a_session_that_did_not_start_is_ended(tmp_path: Path) -> None:
    chrome = tmp_path / "chrome"
    noted = tmp_path / "pid"
    chrome.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {noted}\nexit 1\n")
    chrome.chmod(0o755)
    with pytest.raises(BrowserStartError):
        start_browser(replace(browser_options(), chrome_binary=str(chrome)))
    left = Path("/proc") / noted.read_text().strip() / "stat"
    assert not left.exists() or left.read_text().split()[2] == "Z"
