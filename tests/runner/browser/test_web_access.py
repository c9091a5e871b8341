"""Where pages and the agent may go, tried in a real browser against servers that listen."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

import pytest

from skyvern_crds.network.web_access import WebAccess
from skyvern_runner.browser.session import Browser, start_browser
from skyvern_runner.browser.upload_source import UploadSources
from skyvern_runner.chrome_page import ChromePage
from skyvern_runner.errors import BrowserStartError, PageErrorKind, PageLoadError
from tests.runner.browser.conftest import LOCAL, Agent, browser_options, close_other_tabs
from tests.runner.browser.listening import Listening, hold, listening
from tests.runner.browser.serving import Site

pytestmark = pytest.mark.browser
WAYS = (
    *("img", "frame", "script", "style", "media", "object", "fetch", "redirect", "beacon", "events", "socket"),
    *("secure", "worker", "form", "download", "popup", "turn"),
)
SECONDS = 120


@pytest.fixture
def servers() -> Iterator[Listening]:
    with listening((*WAYS, "link")) as found:
        yield found


@pytest.fixture(scope="module")
def confined(site: Site) -> Iterator[Browser]:
    """A browser that may open the site, and nothing else that is not public."""
    access = WebAccess(allow_private_hosts=[f"127.0.0.1:{site.port}"])
    with start_browser(replace(browser_options(), access=access)) as running:
        yield running


@pytest.fixture
def visitor(confined: Browser, site: Site) -> Iterator[Agent]:
    yield Agent(confined, site, ChromePage(confined, UploadSources()))
    close_other_tabs(confined)


def ways(servers: Listening, host: str) -> str:
    return "ways.html?" + urlencode({"host": host, "udp": servers.udp_port, **servers.ports})


def test_page_reaches_what_is_opened_by_each_of_its_ways(site: Site, servers: Listening) -> None:
    """Shows that the page of the next test tries what it says."""
    with start_browser(replace(browser_options(), access=LOCAL)) as browser:
        ChromePage(browser).open(f"{site.url}/{ways(servers, '127.0.0.1')}")
        hold(lambda: servers.reached >= set(WAYS), SECONDS)
    assert "udp" not in servers.reached


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433"])
def test_page_reaches_nothing_private_by_any_of_its_ways(visitor: Agent, servers: Listening, host: str) -> None:
    gate = visitor.browser.way_out.gate
    mark = gate.count
    visitor.page.open(f"{visitor.site.url}/{ways(servers, host)}")
    tried = {servers.ports[way] for way in WAYS}
    hold(lambda: {failure.port for failure in gate.since(mark) if failure.refusal} >= tried, SECONDS)
    assert servers.reached == set()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://169.254.169.254/latest/meta-data/", "link-local"),
        ("https://169.254.169.254/", "link-local"),
        ("http://2852039166/", "link-local"),
        ("http://0xa9.0xfe.0xa9.0xfe/", "link-local"),
        ("http://[::ffff:169.254.169.254]/", "link-local"),
        ("http://[fd00:ec2::254]/", "link-local"),
        ("http://100.100.100.200/", "link-local"),
        ("http://10.96.0.1/", "private"),
        ("http://[64:ff9b::10.0.0.1]/", "private"),
        ("http://0.0.0.0/", "loopback"),
        ("http://any.localhost/", "loopback"),
        ("{site}/to?http://169.254.169.254/", "link-local"),
    ],
)
def test_address_that_is_not_public_is_refused_by_name(visitor: Agent, url: str, kind: str) -> None:
    with pytest.raises(PageLoadError, match=f"was refused: the address of .* is {kind}") as caught:
        visitor.page.open(url.replace("{site}", visitor.site.url))
    assert caught.value.kind is PageErrorKind.REFUSED


def test_result_of_an_action_says_what_was_refused(visitor: Agent, servers: Listening) -> None:
    visitor.open("child.html")
    went = visitor.do("go_to", text="http://169.254.169.254/")
    assert (went.ok, "refused: the address of 169.254.169.254:80 is link-local" in went.message) == (False, True)
    visitor.open("child.html")
    url = f"http://127.0.0.1:{servers.ports['link']}/"
    visitor.script(f"document.body.innerHTML = '<a href=\"{url}\">A link elsewhere</a>'")
    visitor.look()
    clicked = visitor.do("click", "A link elsewhere")
    assert not clicked.ok
    assert f"refused: the address of 127.0.0.1:{servers.ports['link']} is loopback" in clicked.message
    assert servers.reached == set()


def test_refused_part_of_a_page_is_told_once(visitor: Agent, servers: Listening) -> None:
    visitor.open("child.html")
    frame = f"{visitor.site.url}/to?http://127.0.0.1:{servers.ports['frame']}/"
    script = f"const f = document.createElement('iframe'); f.src = '{frame}'; document.body.append(f)"
    told = f"refused: the address of 127.0.0.1:{servers.ports['frame']} is loopback"

    def said() -> str:
        gate = visitor.browser.way_out.gate
        mark = gate.count
        visitor.script(script)
        hold(lambda: gate.count > mark, SECONDS)
        return "; ".join(visitor.browser.way_out.refusals(mark))

    assert said() == told
    assert said() == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "127.1", "any.localhost"])
def test_controls_of_the_browser_are_refused_even_where_the_loopback_is_open(
    site: Site, opened: Browser, host: str
) -> None:
    page = ChromePage(opened)
    driver = urlsplit(opened.local_url or "").port
    debugger = opened.driver.capabilities["goog:chromeOptions"]["debuggerAddress"].rsplit(":", 1)[1]
    for port in (driver, debugger):
        with pytest.raises(PageLoadError, match="part of the browser's own controls") as caught:
            page.open(f"http://{host}:{port}/json/version")
        assert caught.value.kind is PageErrorKind.REFUSED
    page.open(f"{site.url}/child.html")


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    access = WebAccess(allow_private_hosts=["127.0.0.0/8", "::1", "0.0.0.0/8"])
    with start_browser(replace(browser_options(), access=access)) as running:
        yield running


def test_lists_of_hosts_hold_for_pages(site: Site) -> None:
    access = WebAccess(allow=["localhost"], deny=[f"any.localhost:{site.port}"], allow_private_hosts=["127.0.0.1"])
    with start_browser(replace(browser_options(), access=access)) as browser:
        page = ChromePage(browser)
        page.open(f"{site.foreign_url}/child.html")
        with pytest.raises(PageLoadError, match="is not among the hosts that the configuration allows"):
            page.open(f"{site.url}/child.html")
        with pytest.raises(PageLoadError, match="is denied by the configuration"):
            page.open(f"http://any.localhost:{site.port}/child.html")


def test_task_that_names_its_hosts_opens_no_other(site: Site) -> None:
    with start_browser(replace(browser_options(), access=LOCAL, hosts=(f"localhost:{site.port}",))) as browser:
        page = ChromePage(browser)
        page.open(f"{site.foreign_url}/child.html")
        with pytest.raises(PageLoadError, match="is not among the hosts that the task allows") as caught:
            page.open(f"{site.url}/child.html")
        assert caught.value.kind is PageErrorKind.REFUSED


def test_file_is_not_fetched_from_an_address_that_is_not_public(visitor: Agent, servers: Listening) -> None:
    visitor.open("upload.html")
    private = f"http://127.0.0.1:{servers.ports['fetch']}/cv.pdf"
    for source in (private, f"{visitor.site.url}/to?{private}"):
        done = visitor.do("upload_file", "Resume", text=source)
        assert not done.ok
        assert f"was refused: the address of 127.0.0.1:{servers.ports['fetch']} is loopback" in done.message
    assert servers.reached == set()


def test_browser_on_another_machine_is_a_start_error() -> None:
    with pytest.raises(BrowserStartError, match="start the WebDriver server beside the runner"):
        start_browser(replace(browser_options(), webdriver_url="http://192.0.2.1:4444", start_seconds=0.1))
