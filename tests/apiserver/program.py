"""The facade as a separate process."""

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.apiserver.cluster import Tenants

SIGNING_KEY = "signing-key-of-the-tests"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass(frozen=True)
class Program:
    process: subprocess.Popen[bytes]
    public: str
    internal: str
    log: Path

    def requests(self) -> list[dict[str, object]]:
        """Log lines of requests; every line is JSON."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line["message"] == "request"]

    def rss_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def facade_environment(tenants: Tenants, kubeconfig: Path, folder: Path, *, drain_seconds: int) -> dict[str, str]:
    """Settings of a facade that serves both tenants from this machine and keeps its files in ``folder``."""
    (folder / "key").write_text(SIGNING_KEY)
    return {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(kubeconfig),
        "SKYVERN_NAMESPACES": f"{tenants.a},{tenants.b}",
        "SKYVERN_KEYS_NAMESPACE": tenants.release,
        "SKYVERN_PUBLIC_URL": "http://127.0.0.1",
        "SKYVERN_SIGNING_KEY_FILE": str(folder / "key"),
        "SKYVERN_ARTIFACTS_URL": f"file://{folder}/artifacts",
        "SKYVERN_HOST": "127.0.0.1",
        "SKYVERN_DRAIN_SECONDS": str(drain_seconds),
    }


def start(environment: dict[str, str], folder: Path) -> Program:
    public, internal = free_port(), free_port()
    log = folder / "log"
    ports = {"SKYVERN_PORT": str(public), "SKYVERN_INTERNAL_PORT": str(internal)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "skyvern_apiserver"],
            env=environment | ports,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    program = Program(process, f"http://127.0.0.1:{public}", f"http://127.0.0.1:{internal}", log)
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            if httpx2.get(f"{program.internal}/readyz").status_code == 200:
                return program
        except httpx2.TransportError:
            time.sleep(0.05)
