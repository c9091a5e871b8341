"""A local chromedriver process, and waiting until a WebDriver server is ready."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import urllib3

from skyvern_runner.errors import BrowserStartError, first_line


class LocalDriver:
    """A chromedriver process on a free port of the loopback."""

    def __init__(self, deadline_seconds: float) -> None:
        program = shutil.which("chromedriver")
        if program is None:
            raise BrowserStartError("chromedriver is not on PATH: install it (Debian: apt install chromium-driver)")
        self.folder = Path(tempfile.mkdtemp(prefix="skyvern-browser-"))
        log = self.folder / "chromedriver.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen([program, "--port=0"], stdout=output, stderr=output)
        try:
            self.url = f"http://127.0.0.1:{self._port(log, time.monotonic() + deadline_seconds)}"
        except BrowserStartError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process and remove its files."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _port(self, log: Path, deadline: float) -> int:
        sign = "started successfully on port "
        while time.monotonic() < deadline:
            text = log.read_text(errors="replace")
            if sign in text:
                return int(text.split(sign, 1)[1].split(".", 1)[0])
            if self._process.poll() is not None:
                raise BrowserStartError(f"chromedriver ended with code {self._process.returncode}: {text[-300:]}")
            time.sleep(0.02)
        raise BrowserStartError("chromedriver did not report its start in time")


def wait_until_ready(url: str, seconds: float) -> None:
    """Wait until the WebDriver server at ``url`` accepts sessions. Raises BrowserStartError."""
    deadline = time.monotonic() + seconds
    cause = "it reported that it was not ready"
    with urllib3.PoolManager(timeout=urllib3.Timeout(total=2.0), retries=False) as pool:
        while time.monotonic() < deadline:
            try:
                answer = pool.request("GET", f"{url.rstrip('/')}/status")
                if answer.status == 200 and answer.json().get("value", {}).get("ready"):
                    return
            except (urllib3.exceptions.HTTPError, ValueError) as error:
                cause = first_line(error)
            time.sleep(0.05)
    raise BrowserStartError(f"no WebDriver server was ready at {url} within {seconds:g} s: {cause}")
