"""The operator as a separate process."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.waiting import eventually

SIGNING_KEY = b"0123456789abcdef0123456789abcdef"
RECEIVERS: dict[str, Any] = {"allowedNetworks": ["127.0.0.0/8"]}
"""The tests' receivers listen on the loopback."""


def configuration(directory: Path, **changes: Any) -> dict[str, Any]:
    """A configuration as the chart would write it, with top-level keys replaced."""
    key = directory / "signing-key"
    key.write_bytes(SIGNING_KEY)
    base = {
        "images": {"browser": "example.test/browser:1", "runner": "example.test/runner:1"},
        "serviceAccountName": "skyvern-task",
        "artifactsUrl": "http://artifacts.test:8081",
        "publicUrl": "http://public.test",
        "signingKeyFile": str(key),
        "webhook": {"schedule": [0.2, 0.2], "timeoutSeconds": 3} | RECEIVERS,
        "limits": {"maxActive": None},
        "gracePeriods": {"infraBackoffSeconds": 0.2},
        "resyncSeconds": 300,
    }
    if "webhook" in changes:
        changes["webhook"] = RECEIVERS | changes["webhook"]
    return base | changes


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class OperatorProcess:
    """A running ``skyvern-operator``."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    session: aiohttp.ClientSession = field(repr=False)

    async def page(self, path: str) -> tuple[int, str]:
        """Status and text of the health endpoint; 0 while it does not listen."""
        try:
            async with self.session.get(f"http://127.0.0.1:{self.port}{path}") as response:
                return response.status, await response.text()
        except aiohttp.ClientError:
            return 0, ""

    async def metric(self, name: str, **labels: str) -> float:
        """Sum of a metric's samples that have these labels."""
        _, text = await self.page("/metrics")
        total = 0.0
        for line in text.splitlines():
            found = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
            if found and all(f'{key}="{value}"' in (found[1] or "") for key, value in labels.items()):
                total += float(found[2])
        return total

    def kill(self) -> None:
        """SIGKILL: no chance to clean up."""
        self.process.kill()
        self.process.wait(10)

    def pause(self) -> None:
        """SIGSTOP: the process stands still and does not know it."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def resident_mib(self) -> float:
        """Resident memory."""
        return self._memory("VmRSS")

    def peak_mib(self) -> float:
        """The most memory that was resident at once."""
        return self._memory("VmHWM")

    def _memory(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def start_process(
    directory: Path, kubeconfig: Path, namespaces: str, release_namespace: str, changes: dict[str, Any]
) -> tuple[subprocess.Popen[bytes], int, Path]:
    """The process, the port of its health endpoint and its log file."""
    config = directory / "config.yaml"
    config.write_text(yaml.safe_dump(configuration(directory, **changes)))
    log = directory / f"operator-{len(list(directory.glob('operator-*.log')))}.log"
    port = _free_port()
    command = [
        sys.executable, "-m", "skyvern_operator", "--kubeconfig", str(kubeconfig), "--config", str(config),
        "--namespaces", namespaces, "--release-namespace", release_namespace, "--host", "127.0.0.1",
        "--port", str(port),
    ]  # fmt: skip
    with log.open("wb") as output:
        return subprocess.Popen(command, stderr=output, stdout=output), port, log


@asynccontextmanager
async def running_operator(
    directory: Path, kubeconfig: Path, namespaces: str, *, release_namespace: str = "default", **changes: Any
) -> AsyncIterator[OperatorProcess]:
    """Start the operator and wait until it is ready; stop it at the end, if it still runs."""
    process, port, log = start_process(directory, kubeconfig, namespaces, release_namespace, changes)
    async with aiohttp.ClientSession() as session:
        operator = OperatorProcess(port, process, log, session)
        try:

            async def state() -> tuple[int | None, int]:
                return process.poll(), (await operator.page("/readyz"))[0]

            code, _ = await eventually(
                state, lambda s: s[0] is not None or s[1] == 200, what="operator ready", within=180
            )
            assert code is None, f"the operator ended with {code}:\n{log.read_text()[-4000:]}"
            yield operator
        finally:
            operator.resume()
            await asyncio.to_thread(operator.stop)
