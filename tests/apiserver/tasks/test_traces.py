"""Requests in the traces of the tasks that they make and cancel."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx2
import pytest

from skyvern_apiserver.process.tracing import RequestTracing
from skyvern_apiserver.server.app import public_app
from skyvern_apiserver.services import Services
from skyvern_crds.client import JsonObject
from skyvern_crds.tracing.settings import TracingSettings
from skyvern_crds.tracing.trace import Sampler, task_trace
from tests.apiserver.calls import create
from tests.apiserver.cluster import Tenants
from tests.apiserver.conftest import PUBLIC_URL
from tests.collector import Collector, Received

pytestmark = pytest.mark.contract

TRACE_ID, CALLER_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{CALLER_ID}-01"
ANNOTATION = "skyvern.io/traceparent"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture
def tracing(collector: Collector) -> RequestTracing:
    return RequestTracing(TracingSettings(f"{collector.url}/v1/traces", Sampler()))


@pytest.fixture
async def traced(services: Services, tenants: Tenants, tracing: RequestTracing) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller of a facade that records traces."""
    app = public_app(replace(services, tracing=tracing))
    headers = {"x-api-key": tenants.key("alice")}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=PUBLIC_URL, headers=headers) as client:
        yield client


def object_of(tenants: Tenants, task_id: str) -> JsonObject:
    return tenants.task(tenants.a, task_id.replace("_", "-"))


def told(tracing: RequestTracing, collector: Collector) -> dict[str, Received]:
    tracing.close(60)
    spans = {span.name: span for span in collector.spans}
    assert len(spans) == len(collector.spans)
    return spans


async def test_requests_are_spans_of_the_tasks_own_trace(
    traced: httpx2.AsyncClient, tracing: RequestTracing, collector: Collector, tenants: Tenants
) -> None:
    task_id = await create(traced, url="https://jobs.example.com/?token=secret")
    assert (await traced.post(f"/api/v1/tasks/{task_id}/cancel")).status_code == 200
    meta = object_of(tenants, task_id)["metadata"]
    assert ANNOTATION not in meta["annotations"]
    trace = task_trace(meta["uid"], None, Sampler())
    spans = told(tracing, collector)
    assert set(spans) == {"create task", "cancel task"}
    for span in spans.values():
        assert (span.service, span.kind) == ("skyvern-apiserver", "SERVER")
        assert (span.trace_id, span.parent_id) == (trace.trace_id, trace.span_id("task"))
    assert "secret" not in str(spans)


async def test_caller_with_a_traceparent_sees_the_task_in_its_own_trace(
    traced: httpx2.AsyncClient, tracing: RequestTracing, collector: Collector, tenants: Tenants
) -> None:
    traced.headers["traceparent"] = TRACEPARENT
    task_id = await create(traced)
    await traced.post(f"/api/v1/tasks/{task_id}/cancel")
    meta = object_of(tenants, task_id)["metadata"]
    assert meta["annotations"][ANNOTATION] == TRACEPARENT
    spans = told(tracing, collector)
    assert {span.trace_id for span in spans.values()} == {TRACE_ID}
    assert spans["create task"].parent_id == CALLER_ID
    assert spans["cancel task"].parent_id == task_trace(meta["uid"], TRACEPARENT, Sampler()).span_id("task")


@pytest.mark.parametrize("value", ["garbage", f"{TRACEPARENT}-more", "", "00-" + "0" * 32 + f"-{CALLER_ID}-01"])
async def test_traceparent_that_is_garbage_is_ignored(alice: httpx2.AsyncClient, tenants: Tenants, value: str) -> None:
    answer = await alice.post("/api/v1/tasks", json={"url": "https://example.com"}, headers={"traceparent": value})
    assert answer.status_code == 200
    assert ANNOTATION not in object_of(tenants, answer.json()["task_id"])["metadata"]["annotations"]


async def test_caller_who_records_nothing_is_not_recorded_here(
    traced: httpx2.AsyncClient, tracing: RequestTracing, collector: Collector, tenants: Tenants
) -> None:
    traced.headers["traceparent"] = f"{TRACEPARENT[:-2]}00"
    task_id = await create(traced)
    assert object_of(tenants, task_id)["metadata"]["annotations"][ANNOTATION] == f"{TRACEPARENT[:-2]}00"
    assert told(tracing, collector) == {}
