"""The facade as a process of its own."""

import json
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2


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
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            if httpx2.get(f"{program.internal}/readyz").status_code == 200:
                return program
        except httpx2.TransportError:
            time.sleep(0.05)
