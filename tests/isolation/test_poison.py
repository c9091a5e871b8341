"""Every object of the poison corpus in the real API server, under a running operator and facade.

Nobody but its owner may notice: both programs go on serving and finishing the other tasks, before and after a restart
of each, and the poison itself can be read, canceled and deleted.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from skyvern_crds.client import EVENTS, PODS, SKYVERNTASKS, ClusterClient, NotFound
from skyvern_crds.schema import custom_resource_definition
from skyvern_crds.stored import read_task
from tests.apiserver.program import Program, facade_environment, start
from tests.crds.corpus import Poison, load_poison
from tests.isolation.conftest import PoisonedPlane, lenient_crd
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import OperatorProcess, running_operator
from tests.waiting import eventually

pytestmark = [pytest.mark.contract, pytest.mark.timeout(900)]

POISON = load_poison()
NAMED = [poison for poison in POISON if any(field.startswith(("status", "metadata")) for field in poison.unreadable)]
"""Those whose operator's or caller's part cannot be read whole, so that the operator names them."""


@dataclass
class Programs:
    """The operator and the facade as processes, and two callers."""

    operator: OperatorProcess
    facade: Program
    alice: httpx2.AsyncClient
    bob: httpx2.AsyncClient

    def alive(self) -> bool:
        """Whether both still run."""
        return self.operator.process.poll() is None and self.facade.process.poll() is None


@asynccontextmanager
async def programs(poisoned: PoisonedPlane, folder: Path) -> AsyncIterator[Programs]:
    """Both programs for both tenants, started and ready."""
    tenants = poisoned.tenants
    kubeconfig = poisoned.plane.kubeconfig_for(tenants.release, "facade")
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(
            running_operator(
                folder, poisoned.plane.kubeconfig, f"{tenants.a},{tenants.b}", release_namespace=tenants.release
            )
        )
        facade = start(facade_environment(tenants, kubeconfig, folder, drain_seconds=1), folder)
        stack.callback(facade.process.wait, 10)
        stack.callback(facade.process.kill)
        callers = [
            await stack.enter_async_context(
                httpx2.AsyncClient(base_url=facade.public, headers={"x-api-key": tenants.key(name)}, timeout=30)
            )
            for name in ("alice", "bob")
        ]
        yield Programs(operator, facade, *callers)


@asynccontextmanager
async def kubelet(client: ClusterClient, namespace: str) -> AsyncIterator[None]:
    """Runs every pod of a namespace to a completed end."""

    async def play() -> None:
        hands = Kubelet(client, namespace)
        done: set[str] = set()
        while True:
            pods = [pod async for page in client.list_pages(PODS, namespace) for pod in page.items]
            for pod in pods:
                uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
                if "deletionTimestamp" in pod["metadata"]:
                    await _ignoring_absence(hands.remove(name))
                elif uid not in done:
                    done.add(uid)
                    await _ignoring_absence(_run(hands, name))
            await asyncio.sleep(0.1)

    playing = asyncio.create_task(play())
    try:
        yield
        assert not playing.done(), playing
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


async def _run(hands: Kubelet, name: str) -> None:
    await hands.start(name)
    await hands.end(name, message=verdict())


async def _ignoring_absence(call: Awaitable[None]) -> None:
    with suppress(NotFound):
        await call


async def completes(caller: httpx2.AsyncClient) -> None:
    """A new task of a caller is done in ordinary time."""
    created = await caller.post("/api/v1/tasks", json={"url": "https://example.com", "navigation_goal": "Look"})
    assert created.status_code == 200, created.text
    task_id = created.json()["task_id"]

    async def answer() -> dict[str, object]:
        response = await caller.get(f"/api/v1/tasks/{task_id}")
        assert response.status_code == 200, response.text
        return dict(response.json())

    await eventually(answer, lambda said: said["status"] == "completed", what=f"{task_id} completed", within=120)


async def answered(caller: httpx2.AsyncClient, poison: Poison) -> None:
    """GET, steps and list answer with what is known of a poisonous task."""

    async def get() -> httpx2.Response:
        return await caller.get(f"/api/v1/tasks/{poison.object_name}")

    response = await eventually(get, lambda each: each.status_code == 200, what=poison.name, within=60)
    assert response.json()["task_id"] == poison.object_name
    steps = await caller.get(f"/api/v1/tasks/{poison.object_name}/steps")
    assert (steps.status_code, type(steps.json())) == (200, list)


async def events_of(client: ClusterClient, namespace: str) -> dict[str, list[str]]:
    """Reasons of the events of each task."""
    found: dict[str, list[str]] = {}
    async for page in client.list_pages(EVENTS, namespace):
        for event in page.items:
            found.setdefault(event["involvedObject"]["name"], []).append(event["reason"])
    return found


async def everything_is_well(running: Programs, client: ClusterClient, poisoned: PoisonedPlane) -> None:
    """The other tasks finish, the poison is answered, lists are whole, and unreadable objects are named."""
    await asyncio.gather(completes(running.bob), completes(running.bob), completes(running.alice))
    for poison in POISON:
        await answered(running.alice, poison)
    names = {poison.object_name for poison in POISON}
    response = await running.alice.get("/api/v1/tasks", params={"page_size": 500})
    assert response.status_code == 200
    assert names <= {each["task_id"] for each in response.json()}

    async def named() -> set[str]:
        events = await events_of(client, poisoned.tenants.a)
        return {name for name, reasons in events.items() if "Unreadable" in reasons}

    expected = {poison.object_name for poison in NAMED}
    await eventually(named, lambda seen: expected <= seen, what=f"events of {sorted(expected)}", within=120)
    assert await running.operator.metric("skyvern_operator_unreadable_tasks") >= len(expected)
    assert running.alive()


async def test_poison_concerns_nobody_else_and_survives_no_cancel_or_deletion(
    poisoned: PoisonedPlane, administrator: ClusterClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    client, tenants = administrator, poisoned.tenants
    first, second = (tmp_path_factory.mktemp(name) for name in ("first", "second"))
    # A status is written before the operator writes its own: the API server takes seconds to merge 9,000 levels.
    await asyncio.to_thread(_plant, poisoned, [poison for poison in POISON if poison.status_patch()])
    async with kubelet(client, tenants.a), kubelet(client, tenants.b):
        async with programs(poisoned, first) as running:
            await completes(running.bob)
            await asyncio.to_thread(_plant, poisoned, [poison for poison in POISON if not poison.status_patch()])
            await everything_is_well(running, client, poisoned)
        async with programs(poisoned, second) as running:
            await everything_is_well(running, client, poisoned)
            await _ends_come(client, tenants.a, [poison for poison in POISON if poison.ends and not poison.frozen])
            for poison in POISON:
                await _cancel(running.alice, poison)
            await _ends_come(client, tenants.a, [poison for poison in POISON if not poison.frozen])
            for poison in POISON:
                await client.delete(SKYVERNTASKS, tenants.a, poison.object_name)
            await _are_gone(running.alice)
            await asyncio.gather(completes(running.bob), completes(running.alice))
            assert running.alive()


def _plant(poisoned: PoisonedPlane, corpus: list[Poison]) -> None:
    """Store poison, part of it under a CRD that takes anything."""
    namespace = poisoned.tenants.a
    poisoned.use_crd(lenient_crd())
    for poison in corpus:
        if poison.lenient:
            _create(poisoned, namespace, poison)
    poisoned.use_crd(custom_resource_definition())
    for poison in corpus:
        if not poison.lenient:
            _create(poisoned, namespace, poison)


def _create(poisoned: PoisonedPlane, namespace: str, poison: Poison) -> None:
    code, said = poisoned.create(namespace, poison.json())
    assert code == 0, f"{poison.name}: {said}"
    if patch := poison.status_patch():
        poisoned.patch_status(namespace, poison.object_name, patch)


async def _ends_come(client: ClusterClient, namespace: str, corpus: list[Poison]) -> None:
    """Every one of these has a terminal phase in ordinary time."""

    async def unfinished() -> list[str]:
        return [poison.name for poison in corpus if not await _ended(client, namespace, poison)]

    await eventually(unfinished, lambda names: not names, what="poison has ended", within=180)


async def _ended(client: ClusterClient, namespace: str, poison: Poison) -> bool:
    status = read_task(await client.get(SKYVERNTASKS, namespace, poison.object_name)).status
    return status.phase is not None and status.phase.terminal


async def _cancel(caller: httpx2.AsyncClient, poison: Poison) -> None:
    """A cancel is accepted, is too late, or is refused in words because the API server takes no change at all."""
    response = await caller.post(f"/api/v1/tasks/{poison.object_name}/cancel")
    assert response.status_code in ({200, 400, 422} if poison.frozen else {200, 400}), f"{poison.name}: {response.text}"
    assert response.status_code == 200 or response.json()["detail"]


async def _are_gone(caller: httpx2.AsyncClient) -> None:
    async def left() -> set[str]:
        response = await caller.get("/api/v1/tasks", params={"page_size": 500})
        return {each["task_id"] for each in response.json()} & {poison.object_name for poison in POISON}

    await eventually(left, lambda names: not names, what="deleted poison has left the lists", within=120)
