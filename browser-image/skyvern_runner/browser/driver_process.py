"""A local chromedriver process, and waiting until a WebDriver server is ready."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import urllib3

from skyvern_runner.errors import BrowserStartError, first_line

STARTS: Final = 5
"""Starts until one finds a port. chromedriver takes a free port of IPv6 and gives up when that port of IPv4 is busy."""


class LocalDriver:
    """A chromedriver process on a free port of the loopback."""

    def __init__(self, deadline_seconds: float) -> None:
        """Start it. Raises BrowserStartError."""
        program = shutil.which("chromedriver")
        if program is None:
            raise BrowserStartError("chromedriver is not on PATH: install it (Debian: apt install chromium-driver)")
        deadline = time.monotonic() + deadline_seconds
        self.folder = Path(tempfile.mkdtemp(prefix="skyvern-browser-"))
        self._process = self._start(program)
        try:
            port = self._port(deadline)
            for _ in range(STARTS - 1):
                if port is None:
                    self._process = self._start(program)
                    port = self._port(deadline)
            if port is None:
                raise BrowserStartError(f"chromedriver found no free port in {STARTS} starts: {self._said()[-300:]}")
        except BrowserStartError:
            self.stop()
            raise
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """End the process with the browsers that it has started, and remove its files."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # A chromedriver that failed to start a session leaves that browser behind.
        for process in _session_of(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, program: str) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as output:
            return subprocess.Popen([program, "--port=0"], stdout=output, stderr=output, start_new_session=True)

    @property
    def _log(self) -> Path:
        return self.folder / "chromedriver.log"

    def _said(self) -> str:
        return self._log.read_text(errors="replace")

    def _port(self, deadline: float) -> int | None:
        """The port on which it listens; None when it ended because another process has that port."""
        sign = "started successfully on port "
        while time.monotonic() < deadline:
            ended = self._process.poll() is not None  # asked first: what it said before its end is read then
            text = self._said()
            if sign in text:
                return int(text.split(sign, 1)[1].split(".", 1)[0])
            if ended and "port not available" in text:
                return None
            if ended:
                raise BrowserStartError(f"chromedriver ended with code {self._process.returncode}: {text[-300:]}")
            time.sleep(0.02)
        raise BrowserStartError("chromedriver did not report its start in time")


def _session_of(leader: int) -> list[int]:
    """The processes of a session, after /proc; none where there is no such folder."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The program's name, in brackets, may hold anything; the session is the fourth field after it.
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[3]) == leader:
            members.append(int(stat.parent.name))
    return members


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
