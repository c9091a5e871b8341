"""An HTTP server that keeps what it receives and answers as planned."""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Sink(ThreadingHTTPServer):
    """Keeps the requests; answers with the next planned status code, else 200, and an object with ``status``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, str, bytes]] = []
        self.plan: deque[int] = deque()
        self.status: dict[str, Any] = {"podUID": "a-pod", "attempt": 1}
        self.arrived = threading.Condition()
        self.hold = threading.Event()
        self.hold.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, _, body in self.seen]

    def wait_for(self, count: int, seconds: float = 10) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.seen) >= count, seconds), f"only {len(self.seen)} requests"


class _Handler(BaseHTTPRequestHandler):
    server: Sink
    protocol_version = "HTTP/1.1"

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        sink = self.server
        with sink.arrived:
            sink.seen.append((self.command, self.path, self.headers["authorization"] or "", body))
            status = sink.plan.popleft() if sink.plan else 200
            sink.arrived.notify_all()
        sink.hold.wait(10)
        answer = json.dumps({"message": "as planned", "status": sink.status}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_PATCH = do_PUT = _take  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""
