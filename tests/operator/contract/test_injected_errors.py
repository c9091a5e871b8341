"""An error of one object, injected into each place where many are handled: the others go on to their ends."""

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from skyvern_crds.client import SECRETS, SKYVERNTASKS, ClusterClient, Forbidden, JsonObject, Resource
from skyvern_crds.rest.artifacts import store_key
from skyvern_crds.status import OperatorStatus, WebhookState, WebhookStatus
from skyvern_crds.vocabulary import API_VERSION, KIND, LABEL_API_KEY_SECRET, MANAGER_OPERATOR, Phase
from skyvern_operator.config import OperatorConfig
from skyvern_operator.execution.webhook.sender import WebhookSender
from skyvern_operator.process.elector import Candidate, Elector, SoleOperator
from skyvern_operator.process.leadership import Timing
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import TaskKey, TaskRecord
from skyvern_operator.state.store import Store
from skyvern_operator.watch.intake import Intake
from skyvern_operator.watch.kopf_adapter import watch
from skyvern_operator.watch.task_streams import TaskStreams
from tests.cluster import ControlPlane
from tests.operator.cluster import Cluster
from tests.operator.conftest import make_namespace
from tests.operator.facade import Facade
from tests.operator.process import RECEIVERS, SIGNING_KEY
from tests.operator.receiver import Receiver
from tests.operator.watch.parts import Parts
from tests.waiting import until

pytestmark = pytest.mark.contract


class UnforeseenError(RuntimeError):
    """An error that no code foresaw."""


class FaultyClient(ClusterClient):
    """A client on which reading one Secret raises what no client raises."""

    async def get(self, ref: Resource, namespace: str | None, name: str) -> JsonObject:
        if ref == SECRETS and name == "poison":
            raise UnforeseenError("a Secret that no code foresaw")
        if ref == SECRETS and name == "forbidden":
            raise Forbidden(403, "Forbidden", "secrets is forbidden")
        return await super().get(ref, namespace, name)


@pytest.fixture
def changed() -> list[str]:
    """Names of the tasks whose changes the store has passed on."""
    return []


@pytest.fixture
def store(changed: list[str]) -> Store:
    """A store whose listener raises for the task ``poison``."""

    def on_change(key: TaskKey, *, urgent: bool) -> None:
        if key.name == "poison":
            raise UnforeseenError
        changed.append(key.name)

    return Store(on_change)


def errors(metrics: Metrics, where: str) -> float | None:
    """How many errors were counted at a place."""
    return metrics.registry.get_sample_value("skyvern_operator_object_errors_total", {"where": where})


@pytest.fixture
async def watching(
    served: ControlPlane, client: ClusterClient, namespace: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Metrics]:
    """kopf, watching the test's namespace for a store that raises for one task."""
    monkeypatch.setenv("KUBECONFIG", str(served.kubeconfig))
    metrics = Metrics()
    streams = TaskStreams([namespace])
    streams.of(namespace).opened.set()
    intake = Intake(store, metrics, streams)
    kopf = asyncio.create_task(watch(client, intake, streams, [namespace], exit_seconds=None))
    try:
        yield metrics
        assert not kopf.done()
    finally:
        kopf.cancel()
        await asyncio.gather(kopf, return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(number)  # kopf's


async def test_watch_goes_on_after_an_event_that_raises(
    watching: Metrics, changed: list[str], own_tasks: Cluster
) -> None:
    for name in ("before", "poison", "after"):
        await own_tasks.create(name)
    await until(lambda: {"before", "after"} <= set(changed), what="the other tasks taken in")
    await until(lambda: errors(watching, "watch") == 1, what="the error counted")
    await own_tasks.cancel("before")
    await own_tasks.cancel("poison")
    await until(lambda: changed.count("before") == 2, what="a later change taken in")


async def test_list_goes_on_after_an_object_that_raises(
    client: ClusterClient, store: Store, changed: list[str], own_tasks: Cluster
) -> None:
    for name in ("after", "before", "poison", "last"):
        await own_tasks.create(name)
    parts = Parts(client, store, own_tasks.namespace)
    await parts.resync.take_in(parts.stream)
    assert sorted(changed) == ["after", "before", "last"]
    assert errors(parts.metrics, "list") == 1
    parts.stream.opened.set()
    for name in ("before", "poison"):
        await client.delete(SKYVERNTASKS, own_tasks.namespace, name)
    await parts.resync.compare()
    assert sorted(task.key.name for task in store.tasks()) == ["after", "last"]


async def ended_with_webhook(tasks: Cluster, name: str, url: str, api_key: str = "", **status: Any) -> TaskRecord:
    """A completed task whose webhook is due; keyword arguments are fields of the runner's part of status."""
    await tasks.create(name, labels={LABEL_API_KEY_SECRET: api_key}, webhookCallbackUrl=url)
    webhook = WebhookStatus(state=WebhookState.PENDING)
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "status": OperatorStatus(phase=Phase.COMPLETED, webhook=webhook).wire() | status,
    }
    answer = await tasks.client.apply(
        SKYVERNTASKS, tasks.namespace, name, body, field_manager=MANAGER_OPERATOR, subresource="status"
    )
    return task_record(answer)


@asynccontextmanager
async def sending(
    client: ClusterClient, store: Store, metrics: Metrics, candidate: Candidate | None = None, **config: Any
) -> AsyncIterator[WebhookSender]:
    """A sender at work, with one worker; keyword arguments are fields of the operator's configuration."""
    base = {"images": {"browser": "b", "runner": "r"}, "webhook": {"concurrency": 1} | RECEIVERS}
    sender = WebhookSender(
        client,
        store,
        OperatorConfig.model_validate(base | config),
        metrics,
        signing_key=SIGNING_KEY,
        release_namespace="default",
        wake=ignore,
        check_lead=(candidate or SoleOperator(metrics)).check,
    )
    worker = asyncio.create_task(sender.run())
    try:
        yield sender
        assert not worker.done()
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_delivery_that_raises_is_a_failed_try_and_the_others_arrive(
    served: ControlPlane, own_tasks: Cluster, receiver: Receiver
) -> None:
    metrics, store = Metrics(), Store(ignore)
    poison = await ended_with_webhook(own_tasks, "poison", receiver.url, api_key="poison")
    sound = [await ended_with_webhook(own_tasks, f"sound-{number}", receiver.url) for number in range(3)]
    async with (
        await FaultyClient.connect(str(served.kubeconfig)) as client,
        sending(client, store, metrics) as sender,
    ):
        for task in (poison, *sound):
            store.put_task(task)
            sender.submit(task)
        await receiver.wait(len(sound))
    state = store.facts(poison).webhook
    assert sorted(delivery.json["task_id"] for delivery in receiver.deliveries) == ["sound-0", "sound-1", "sound-2"]
    assert state is not None
    assert (state.state, state.attempts) == (WebhookState.PENDING, 1)
    assert state.last_error == "nothing was sent: UnforeseenError: a Secret that no code foresaw"
    assert errors(metrics, "webhook") == 1


async def test_large_result_whose_facade_is_slow_does_not_hold_up_other_deliveries(
    client: ClusterClient, own_tasks: Cluster, receiver: Receiver, facade: Facade
) -> None:
    store = Store(ignore)
    content = b'"' + b"a" * 20_000 + b'"'
    reference = {"name": "result.json", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    large = [
        await ended_with_webhook(own_tasks, f"large-{number}", receiver.url, extractedInformationRef=reference)
        for number in range(3)
    ]
    small = await ended_with_webhook(own_tasks, "small", receiver.url)
    for task in large:
        facade.files[store_key(own_tasks.namespace, task.key.name, task.uid, "result.json")] = content
    facade.open.clear()
    async with sending(client, store, Metrics(), facadeUrl=facade.url) as sender:
        for task in (*large, small):
            store.put_task(task)
            sender.submit(task)
        [delivery] = await receiver.wait()
        assert delivery.json["task_id"] == "small"
        facade.open.set()
        await receiver.wait(4)
    assert [len(delivery.json["extracted_information"] or "") for delivery in receiver.deliveries] == [0, *[20_000] * 3]


async def test_task_that_is_gone_is_not_delivered_over_and_over(
    client: ClusterClient, own_tasks: Cluster, receiver: Receiver
) -> None:
    store = Store(ignore)
    task = await ended_with_webhook(own_tasks, "gone", receiver.url)
    store.put_task(task)
    await client.delete(SKYVERNTASKS, own_tasks.namespace, "gone")
    async with sending(client, store, Metrics()) as sender:
        sender.submit(task)
        await until(lambda: store.task(task.key) is None, what="the task dropped")
    assert receiver.deliveries == []


async def test_operator_that_does_not_lead_sends_no_webhook_and_counts_no_try(
    client: ClusterClient, own_tasks: Cluster, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    store, metrics = Store(ignore), Metrics()
    task = await ended_with_webhook(own_tasks, "due", receiver.url)
    store.put_task(task)
    standby = Elector(client, metrics, Timing(7, 5, 1), namespace=own_tasks.namespace, name="lease", identity="me")
    async with sending(client, store, metrics, standby) as sender:
        sender.submit(task)
        await until(lambda: "the webhook waits: me does not hold the Lease lease" in caplog.text, what="a refusal")
    waiting = store.facts(task).webhook
    assert waiting is not None
    assert (receiver.deliveries, waiting.attempts, waiting.state) == ([], 0, "Pending")


def ignore(key: TaskKey, *, urgent: bool = False) -> None:
    """A change that no queue waits for."""


async def test_receiver_that_never_answers_does_not_hold_up_another_namespace(
    client: ClusterClient, own_tasks: Cluster, receiver: Receiver
) -> None:
    store = Store(ignore)
    heard: list[asyncio.StreamWriter] = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(writer)
        await reader.read()  # until the operator hangs up
        writer.close()

    black_hole = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{black_hole.sockets[0].getsockname()[1]}/"
    silent = [await ended_with_webhook(own_tasks, f"silent-{number}", url) for number in range(50)]
    other = Cluster(client, await make_namespace(client), "other")
    sound = await ended_with_webhook(other, "quick", receiver.url.replace("127.0.0.1", "localhost"))
    webhook = {"timeoutSeconds": 120, "concurrency": 8} | RECEIVERS
    async with black_hole, sending(client, store, Metrics(), webhook=webhook) as sender:
        for task in silent:
            store.put_task(task)
            sender.submit(task)
        await until(lambda: len(heard) == 4)
        store.put_task(sound)
        sender.submit(sound)
        [delivery] = await receiver.wait(within=100)
        assert len(heard) == 4
    assert delivery.json["task_id"] == "quick"


async def test_secret_that_may_not_be_read_postpones_the_webhook_and_says_so(
    served: ControlPlane, own_tasks: Cluster, receiver: Receiver
) -> None:
    store = Store(ignore)
    task = await ended_with_webhook(own_tasks, "waits", receiver.url, api_key="forbidden")
    pauses: list[float] = []
    async with (
        await FaultyClient.connect(str(served.kubeconfig)) as client,
        sending(client, store, Metrics()) as sender,
    ):
        store.put_task(task)
        for _ in range(12):
            sender.submit(task)
            await until(lambda: not sender.under_way(task.uid))
            state = store.facts(task).webhook
            assert state is not None
            assert state.next_attempt_at is not None
            assert (state.state, state.attempts) == (WebhookState.PENDING, 0)
            assert state.last_error == "nothing was sent: Forbidden: secrets is forbidden (403 Forbidden)"
            pauses.append((state.next_attempt_at - datetime.now(UTC)).total_seconds())
    assert min(pauses) > 0
    assert 30 < max(pauses) < 310
    assert receiver.deliveries == []
