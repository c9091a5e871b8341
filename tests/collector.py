"""A collector of traces: takes spans by OTLP over HTTP and keeps them."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.waiting import until


@dataclass(frozen=True)
class Received:
    """A span as it came over the wire."""

    service: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for a root."""
    name: str
    start: int
    """In nanoseconds since 1970."""
    end: int
    kind: str
    failed: bool
    attributes: Mapping[str, str | int | float | bool] = field(hash=False)


class Collector:
    """Listens on the loopback until the end of its context; ``status`` is what it answers."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.requests = 0
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, dict(self.headers.items()), body)
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Keep what a request holds."""
        assert path == "/v1/traces", path
        self.requests += 1
        self.headers.append({name.lower(): value for name, value in headers.items()})
        if self.status == 200:
            self.spans += _spans(ExportTraceServiceRequest.FromString(body))

    async def wait(self, *names: str, seconds: float = 60.0) -> dict[str, Received]:
        """Wait for spans of these names; all spans by name, the last of each."""
        await until(lambda: set(names) <= {span.name for span in self.spans}, seconds, f"spans {names}")
        return {span.name: span for span in self.spans}


def _spans(request: ExportTraceServiceRequest) -> list[Received]:
    result = []
    for group in request.resource_spans:
        service = next(entry.value.string_value for entry in group.resource.attributes if entry.key == "service.name")
        result += [_span(service, span) for scope in group.scope_spans for span in scope.spans]
    return result


def _span(service: str, span: WireSpan) -> Received:
    values = {entry.key: getattr(entry.value, str(entry.value.WhichOneof("value"))) for entry in span.attributes}
    return Received(
        service=service,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        kind=WireSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        attributes=values,
    )
