"""What the way to the network costs: small answers fetched by a page, with it and without it, by turns."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.remote.webdriver import WebDriver

from skyvern_runner.browser.flags import FLAGS
from skyvern_runner.browser.session import BrowserOptions, start_browser
from tests.bench.samples import Samples, grid

FETCHES: Final = 50
FETCH: Final = """
const [path, count, done] = arguments;
(async () => {
  const begun = performance.now();
  for (let n = 0; n < count; n++) await (await fetch(`${path}?${n}`, { cache: "no-store" })).text();
  done((performance.now() - begun) / count);
})();
"""
KINDS: Final = {"a new connection each": "/closed", "an open connection": "/kept"}


@contextmanager
def _serving() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "1")
            if self.path.startswith("/closed"):
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"x")

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _unguarded(options: BrowserOptions) -> WebDriver:
    chrome = ChromeOptions()
    if options.chrome_binary:
        chrome.binary_location = options.chrome_binary
    for flag in (*FLAGS, "--headless", *([] if options.sandbox else ["--no-sandbox"])):
        chrome.add_argument(flag)
    return Chrome(options=chrome)


def measure_way(options: BrowserOptions, rounds: int) -> dict[str, dict[str, Samples]]:
    """Milliseconds of one fetch, by kind of connection, ``with`` and ``without`` the way of the runner."""
    taken: dict[str, dict[str, list[float]]] = {kind: {"with": [], "without": []} for kind in KINDS}
    with _serving() as address, start_browser(options) as browser:
        plain = _unguarded(options)
        try:
            drivers = {"with": browser.driver, "without": plain}
            for driver in drivers.values():
                driver.get(address)
                driver.set_script_timeout(60)
            for number in range(rounds + 1):
                for kind, path in KINDS.items():
                    for name, driver in drivers.items():
                        ms = float(driver.execute_async_script(FETCH, path, FETCHES))
                        if number:
                            taken[kind][name].append(ms)
        finally:
            plain.quit()
    return {kind: {name: Samples.of(ms) for name, ms in by.items()} for kind, by in taken.items()}


def guard_ms(ways: dict[str, dict[str, Samples]]) -> dict[str, float]:
    """What the way costs a request, by kind of connection: the difference of the medians."""
    return {kind: round(by["with"].median - by["without"].median, 3) for kind, by in ways.items()}


def way_table(ways: dict[str, dict[str, Samples]]) -> str:
    """The way to the network, as a table."""
    rows: list[list[Any]] = [
        [kind, f"{by['with'].median:.2f}", f"{by['without'].median:.2f}", f"{guard_ms(ways)[kind]:.2f}"]
        for kind, by in ways.items()
    ]
    return grid(["the way to the network, ms a request", "with", "without", "difference"], rows)
