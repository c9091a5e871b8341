"""The way of spans to a collector, through OpenTelemetry's SDK. The only file that knows it.

The SDK is loaded in the background, and only where a :class:`SpanExport` is started. Spans are sent in the background.
What a collector does not take is dropped, so a dead one costs a bounded amount of memory and one line in the log.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from skyvern_crds.tracing.settings import TracingSettings
from skyvern_crds.tracing.span import Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

MAX_EARLY: Final = 2048
"""Spans that wait for the SDK; older ones are dropped first. It keeps as many that wait to be sent."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SCOPE: Final = "skyvern"


class Spans(Protocol):
    """Takes spans that have ended."""

    def add(self, *spans: Span) -> None:
        """Take spans; returns at once."""


class _Pipeline(Protocol):
    def on_end(self, span: "ReadableSpan") -> None: ...
    def shutdown(self) -> None: ...


class SpanExport:
    """Sends spans to the collector."""

    def __init__(
        self,
        settings: TracingSettings,
        service: str,
        report: Callable[[str], None],
        *,
        pause_seconds: float | None = None,
    ) -> None:
        """``service`` is OpenTelemetry's service.name. ``report`` is called on another thread, when the collector stops
        answering and when it answers again. ``pause_seconds`` pass between two sends; the SDK's setting without it."""
        self._settings = settings
        self._service = service
        self._report = report
        self._pause_seconds = pause_seconds
        self._lock = threading.Lock()
        self._early: deque[Span] = deque(maxlen=MAX_EARLY)
        """Spans from before the SDK was loaded."""
        self._pipeline: _Pipeline | None = None
        self._convert: Callable[[Span], ReadableSpan] | None = None
        self._failing = False
        self._loader: threading.Thread | None = None

    def start(self) -> None:
        """Load the SDK in the background, which takes half a second; spans wait for it."""
        if self._loader is None:
            self._loader = threading.Thread(target=self._load, name="tracing", daemon=True)
            self._loader.start()

    def add(self, *spans: Span) -> None:
        """Take spans; returns at once."""
        with self._lock:
            if self._pipeline is None or self._convert is None:
                self._early.extend(spans)
                return
        for span in spans:
            self._pipeline.on_end(self._convert(span))

    def close(self, seconds: float) -> None:
        """Send what waits, for at most ``seconds``, and not to a collector that does not answer."""
        self.start()
        if not self._failing:
            closing = threading.Thread(target=self._close, name="tracing-close", daemon=True)
            closing.start()
            closing.join(seconds)

    def _close(self) -> None:
        if self._loader is not None:
            self._loader.join()
        if self._pipeline is not None:
            self._pipeline.shutdown()

    def _load(self) -> None:
        try:
            pipeline, convert = self._build()
        except Exception as error:  # noqa: BLE001 - the outermost frame of a thread; nothing depends on it
            self._failing = True
            remedy = "install the extra 'tracing'" if isinstance(error, ImportError) else "check the variables OTEL_*"
            self._report(f"no traces are exported: {type(error).__name__}: {error}: {remedy}")
            return
        with self._lock:
            self._pipeline, self._convert = pipeline, convert
            early = list(self._early)
            self._early.clear()
        self.add(*early)

    def _build(self) -> "tuple[_Pipeline, Callable[[Span], ReadableSpan]]":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import export  # noqa: PLC0415

        # The SDK logs each try that fails; a change is reported instead.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        named = "OTEL_SERVICE_NAME" in os.environ
        resource = Resource.create({} if named else {"service.name": self._service})
        exporter = self._watched(OTLPSpanExporter(endpoint=self._settings.endpoint))
        pause = self._pause_seconds * 1000 if self._pause_seconds is not None else None
        pipeline = export.BatchSpanProcessor(exporter, schedule_delay_millis=pause)
        return pipeline, _converter(resource)

    def _watched(self, exporter: "SpanExporter") -> "SpanExporter":
        from opentelemetry.sdk.trace import export  # noqa: PLC0415

        changed = self._changed

        class Watched(export.SpanExporter):
            """Tells of the first failure and of the first success after it."""

            def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
                result = exporter.export(spans)
                changed(result is not export.SpanExportResult.SUCCESS)
                return result

            def shutdown(self) -> None:
                exporter.shutdown()

        return Watched()

    def _changed(self, failing: bool) -> None:
        if failing is self._failing:
            return
        self._failing = failing
        host = urlsplit(self._settings.endpoint).hostname
        if failing:
            self._report(f"the collector of traces at {host} does not take them: they are dropped until it does")
        else:
            self._report(f"the collector of traces at {host} takes them again")


def _converter(resource: object) -> "Callable[[Span], ReadableSpan]":
    """From our spans to the SDK's. They are made by hand, since the SDK's tracers choose the ids themselves."""
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags  # noqa: PLC0415
    from opentelemetry.trace.status import Status, StatusCode  # noqa: PLC0415

    scope, sampled = InstrumentationScope(_SCOPE), TraceFlags(TraceFlags.SAMPLED)

    def context(trace_id: str, span_id: str, *, is_remote: bool) -> SpanContext:
        return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=is_remote, trace_flags=sampled)

    def convert(span: Span) -> ReadableSpan:
        error = {"error.type": span.error} if span.error is not None else {}
        return ReadableSpan(
            name=span.name,
            context=context(span.trace_id, span.span_id, is_remote=False),
            parent=context(span.trace_id, span.parent_id, is_remote=True) if span.parent_id is not None else None,
            resource=resource,  # type: ignore[arg-type]
            attributes={**span.attributes, **error},
            kind=SpanKind[span.kind.name],
            status=Status(StatusCode.ERROR, span.error) if span.error is not None else Status(StatusCode.UNSET),
            start_time=_nanoseconds(span.start),
            end_time=_nanoseconds(max(span.start, span.end)),
            instrumentation_scope=scope,
        )

    return convert


def _nanoseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND * 1000
