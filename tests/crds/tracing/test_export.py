"""Spans on their way to a collector."""

import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from skyvern_crds.tracing.export import SpanExport
from skyvern_crds.tracing.settings import TracingSettings
from skyvern_crds.tracing.span import Span, SpanKind
from skyvern_crds.tracing.trace import Sampler
from tests.collector import Collector
from tests.waiting import until

TRACE_ID = "0b6dbf2c7c2f4d579a830f6fd0d9b9a1"
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHAT = Span(
    trace_id=TRACE_ID,
    span_id="00f067aa0ba902b7",
    parent_id="00f067aa0ba902b8",
    name="chat",
    start=NOW,
    end=NOW + timedelta(milliseconds=1.5),
    kind=SpanKind.CLIENT,
    attributes={"gen_ai.usage.input_tokens": 7, "ok": True},
    error="rate_limited",
)


def export(url: str, reports: list[str]) -> SpanExport:
    settings = TracingSettings(f"{url}/v1/traces", Sampler())
    spans = SpanExport(settings, "tests", reports.append, pause_seconds=0.05)
    spans.start()
    return spans


async def test_span_arrives_as_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20key")
    reports: list[str] = []
    with Collector() as collector:
        spans = export(collector.url, reports)
        spans.add(CHAT, replace(CHAT, end=NOW - timedelta(days=1)))  # before the SDK is loaded; a clock stepped back
        spans.close(60)
    span, backwards = collector.spans
    assert backwards.end == backwards.start
    assert (span.service, span.trace_id, span.span_id, span.parent_id) == (
        "tests", TRACE_ID, "00f067aa0ba902b7", "00f067aa0ba902b8",
    )  # fmt: skip
    assert (span.name, span.kind, span.failed) == ("chat", "CLIENT", True)
    assert (span.start, span.end - span.start) == (int(NOW.timestamp()) * 10**9, 1_500_000)
    assert span.attributes == {"gen_ai.usage.input_tokens": 7, "ok": True, "error.type": "rate_limited"}
    assert collector.headers[0]["authorization"] == "Bearer key"
    assert reports == []


async def test_collector_that_refuses_is_reported_once_and_again_when_it_takes_spans() -> None:
    reports: list[str] = []
    with Collector() as collector:
        collector.status = 400
        spans = export(collector.url, reports)
        for refused in (1, 2, 3):
            spans.add(CHAT)
            await until(lambda count=refused: collector.requests >= count, 60, "a request")  # type: ignore[misc]
        collector.status = 200
        await until(lambda: bool(reports), 60, "a report")
        spans.add(CHAT)
        await until(lambda: len(reports) == 2, 60, "a second report")
        spans.close(60)
    assert [report.partition("127.0.0.1 ")[2][:14] for report in reports] == ["does not take ", "takes them aga"]
    assert len(collector.spans) == 1


async def test_dead_collector_delays_nobody_and_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    reports: list[str] = []
    with Collector() as collector:
        pass  # nobody listens there anymore
    spans = export(collector.url, reports)
    for _ in range(5_000):
        spans.add(CHAT)
    await until(lambda: bool(reports), 60, "a report")
    begin = time.monotonic()
    spans.close(3600)
    assert time.monotonic() - begin < 60
    assert len(reports) == 1


def test_program_without_traces_does_not_load_the_sdk() -> None:
    code = (
        "import sys, skyvern_operator.main, skyvern_apiserver.server.serve, skyvern_runner.pod;"
        "sys.exit(any(name.partition('.')[0] == 'opentelemetry' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
