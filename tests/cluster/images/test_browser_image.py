"""The browser image under a pod's restrictions, and the seccomp profile under which it keeps its sandbox."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.client_config import ClientConfig
from websocket import create_connection

from tests.cluster.base.shell import wait_until
from tests.cluster.images.build import ROOT
from tests.cluster.images.container import Container, RootFilesystem, running

PROFILE: dict[str, Any] = json.loads((ROOT / "browser-image/seccomp/chrome.json").read_text())
DRIVER = "http://127.0.0.1:9515"
T = TypeVar("T")
NAMESPACES = {
    "mount": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "network": 0x40000000,
}
"""The flags of clone(2) that make namespaces."""


def allowed(profile: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rules that allow a system call, by its name."""
    calls: dict[str, list[dict[str, Any]]] = {}
    for rule in profile["syscalls"]:
        for name in rule["names"]:
            if rule["action"] == "SCMP_ACT_ALLOW":
                calls.setdefault(name, []).append(rule)
    return calls


def test_profile_refuses_what_the_runtimes_own_refuses() -> None:
    assert PROFILE["defaultAction"] == "SCMP_ACT_ERRNO"
    refused = {
        "mount",
        "umount2",
        "pivot_root",
        "setns",
        "bpf",
        "keyctl",
        "add_key",
        "perf_event_open",
        "io_uring_setup",
    }
    refused |= {"init_module", "kexec_load", "open_by_handle_at", "userfaultfd", "reboot", "clone3"}
    assert not refused & set(allowed(PROFILE))


@pytest.mark.parametrize(
    ("call", "made"), [("clone", {"user", "pid", "network"}), ("unshare", {"user"})], ids=["clone", "unshare"]
)
def test_profile_allows_only_the_namespaces_of_the_sandbox(call: str, made: set[str]) -> None:
    (rule,) = allowed(PROFILE)[call]
    (argument,) = rule["args"]
    forbidden = sum(flag for name, flag in NAMESPACES.items() if name not in made)
    assert argument == {"index": 0, "value": forbidden, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}


@dataclass(frozen=True)
class Process:
    """One of Chromium's processes, as the kernel sees it."""

    kind: str
    user_namespace: str
    network_namespace: str
    root: str
    seccomp_filters: int


def process(pid: int) -> Process | None:
    """None if it has ended."""
    folder = Path(f"/proc/{pid}")
    try:
        # Chromium rewrites its title, with spaces between the words.
        arguments = (folder / "cmdline").read_text().replace("\0", " ").split()
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        user, network = (str((folder / "ns" / kind).readlink()) for kind in ("user", "net"))
        root = str((folder / "root").readlink())
    except OSError:
        return None
    kind = next((word.removeprefix("--type=") for word in arguments if word.startswith("--type=")), "browser")
    return Process(kind, user, network, root, int(status["Seccomp_filters"]))


@dataclass(frozen=True)
class Browser:
    """A container of the browser's image, with a thread inside its network."""

    container: Container
    thread: ThreadPoolExecutor

    def use(self, work: Callable[[webdriver.Remote], T], *flags: str) -> T:
        """Do something in a new WebDriver session."""

        def run() -> T:
            with open_session(*flags) as driver:
                return work(driver)

        return self.thread.submit(run).result(60)

    def renderers(self) -> list[Process]:
        """Its renderer processes."""
        return [found for pid in self.container.processes() if (found := process(pid)) and found.kind == "renderer"]


def open_session(*flags: str) -> webdriver.Remote:
    """A session made as the runner makes it; called in the container's network."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/local/bin/chromium-task"
    for flag in flags:
        options.add_argument(flag)
    config = ClientConfig(remote_server_addr=DRIVER, timeout=30)
    return webdriver.Remote(command_executor=DRIVER, options=options, client_config=config)


@contextmanager
def browsing(root: RootFilesystem, bundle: Path, seccomp: dict[str, Any]) -> Iterator[Browser]:
    with running(root, bundle, seccomp=seccomp) as container:
        wait_until(lambda: "started successfully" in container.log, timeout=20, what="chromedriver listening")
        with ThreadPoolExecutor(1, initializer=container.enter_network) as thread:
            yield Browser(container, thread)


@pytest.fixture
def browser(roots: Mapping[str, RootFilesystem], bundle: Path) -> Iterator[Browser]:
    """Under the profile."""
    with browsing(roots["browser"], bundle, PROFILE) as found:
        yield found


def without(call: str) -> dict[str, Any]:
    """The profile with one call that it adds, treated as in the container runtime's profile."""
    profile = deepcopy(PROFILE)
    for rule in profile["syscalls"]:
        rule["names"] = [name for name in rule["names"] if name != call]
    if call == "clone":
        no_namespaces = {"index": 0, "value": sum(NAMESPACES.values()), "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
        profile["syscalls"].append({"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [no_namespaces]})
    profile["syscalls"] = [rule for rule in profile["syscalls"] if rule["names"]]
    return profile


def page(html: str) -> str:
    return f"data:text/html,{quote(html)}"


@pytest.mark.node
def test_browser_keeps_its_own_sandbox_under_the_profile(browser: Browser) -> None:
    def look(driver: webdriver.Remote) -> list[Process]:
        driver.get(page("<title>sandboxed</title>"))
        assert driver.title == "sandboxed"
        return browser.renderers()

    outside = process(browser.container.pid())
    assert outside is not None
    renderers = browser.use(look)
    assert renderers
    for renderer in renderers:
        assert renderer.user_namespace != outside.user_namespace
        assert renderer.network_namespace != outside.network_namespace
        assert renderer.root != "/"
        assert renderer.seccomp_filters > outside.seccomp_filters


@pytest.mark.node
@pytest.mark.parametrize("call", ["chroot", "clone", "unshare"])
def test_sandbox_needs_each_call_that_the_profile_adds(
    roots: Mapping[str, RootFilesystem], bundle: Path, call: str
) -> None:
    with browsing(roots["browser"], bundle, without(call)) as browser:
        with pytest.raises(WebDriverException, match="session not created"):
            browser.use(lambda driver: driver.title)
        assert browser.use(lambda driver: driver.title, "--no-sandbox") == ""


@pytest.mark.node
def test_sigterm_ends_the_browser_at_once(browser: Browser) -> None:
    """With a page open, and not after the grace period."""
    driver = browser.thread.submit(open_session).result(60)
    browser.thread.submit(driver.get, page("<h1>at work</h1>")).result(60)
    assert browser.container.terminate(timeout=20) < 2


@pytest.mark.node
def test_forms_take_files_and_dates(browser: Browser) -> None:
    """A file must be in the browser's file system: chromedriver has no command to transfer it."""
    Path(f"/proc/{browser.container.pid()}/root/tmp/resume.txt").write_text("ten years of cooking")

    def fill(driver: webdriver.Remote) -> list[str]:
        driver.get(page("<input id=file type=file><input id=date type=date>"))
        driver.find_element(By.ID, "file").send_keys("/tmp/resume.txt")  # noqa: S108 - inside the container
        driver.find_element(By.ID, "date").send_keys("12312026")
        return [
            driver.execute_script("return document.getElementById('file').files[0].text()"),
            driver.execute_script("return document.getElementById('date').value"),
        ]

    assert browser.use(fill) == ["ten years of cooking", "2026-12-31"]


@pytest.mark.node
def test_download_is_saved_where_the_runner_says(browser: Browser) -> None:
    saved = Path(f"/proc/{browser.container.pid()}/root/tmp/downloads/offer.txt")

    def download(driver: webdriver.Remote) -> str:
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": "/tmp/downloads"})  # noqa: S108
        driver.get(page("<a href='data:text/plain,welcome' download=offer.txt>offer</a>"))
        driver.find_element(By.TAG_NAME, "a").click()
        wait_until(saved.is_file, timeout=10, what="the download")
        return saved.read_text()

    assert browser.use(download) == "welcome"


@pytest.mark.node
def test_screencast_sends_frames(browser: Browser) -> None:
    def first_frame(driver: webdriver.Remote) -> str:
        driver.get(page("<h1>on air</h1>"))
        address = driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
        url = f"ws://{address}/devtools/page/{driver.current_window_handle}"
        socket = create_connection(url, timeout=10, suppress_origin=True)
        try:
            socket.send(json.dumps({"id": 1, "method": "Page.startScreencast", "params": {"format": "jpeg"}}))
            while True:
                message = json.loads(socket.recv())
                if message.get("method") == "Page.screencastFrame":
                    return str(message["params"]["data"])
        finally:
            socket.close()

    assert browser.use(first_frame).startswith("/9j/")


@pytest.mark.node
def test_driver_is_out_of_reach_of_pages_and_of_other_pods(browser: Browser) -> None:
    """Requests of a page carry its Origin, those from outside reach another address: neither is answered."""

    def ask(driver: webdriver.Remote) -> str:
        driver.get(page("<h1>hostile</h1>"))
        script = f"return fetch('{DRIVER}/status').then(answer => 'status ' + answer.status, error => 'refused')"
        return str(driver.execute_script(script))

    assert browser.use(ask) == "refused"
    listening = Path(f"/proc/{browser.container.pid()}/net/tcp").read_text().splitlines()[1:]
    assert {line.split()[1].split(":")[0] for line in listening if line.split()[3] == "0A"} == {"0100007F"}


@pytest.mark.node
def test_text_has_glyphs(browser: Browser) -> None:
    """There are fonts for Latin, Greek and Cyrillic letters: none is drawn as the box of a missing glyph."""

    def widths(driver: webdriver.Remote) -> dict[str, float]:
        driver.get(page("<canvas id=c></canvas>"))
        return dict(
            driver.execute_script(
                "const pen = document.getElementById('c').getContext('2d'); pen.font = '40px sans-serif';"
                "return Object.fromEntries([...arguments[0]].map(letter => [letter, pen.measureText(letter).width]))",
                "iWÄłΩж",
            )
        )

    found = browser.use(widths)
    assert 0 < found["i"] < found["W"]
    assert len(set(found.values())) > 4
