"""Poisonous objects under a running operator: other tasks complete, and each of them can be canceled and deleted."""

import json
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from skyvern_crds.client import EVENTS, SKYVERNTASKS, ClusterClient, JsonObject
from skyvern_crds.vocabulary import TERMINAL_PHASES
from tests.cluster import ControlPlane, Progress
from tests.cluster import control_plane as run_control_plane
from tests.crds.corpus import Poison, load_poison
from tests.operator.cluster import Cluster, reason_of
from tests.operator.conftest import NODE_OBJECT, make_namespace
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import OperatorProcess, running_operator
from tests.waiting import eventually

pytestmark = pytest.mark.contract

POISON = load_poison()
BY_ITSELF = [poison for poison in POISON if poison.ends]
LENIENT: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
"""Schema of a CRD that checks nothing, as an older or newer version's might."""


@pytest.fixture(scope="module")
def lenient_plane(progress: Progress) -> Iterator[ControlPlane]:
    """A control plane whose CRD takes anything."""
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "skyverntasks.skyvern.io"},
        "spec": {
            "group": "skyvern.io",
            "names": {"kind": "SkyvernTask", "plural": "skyverntasks"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": LENIENT, "status": {
                        "x-kubernetes-preserve-unknown-fields": True}}}},
                }
            ],
        },
    }  # fmt: skip
    with run_control_plane(progress) as plane:
        plane.run_kubectl("apply", "--server-side", "-f", "-", input=json.dumps(crd))
        plane.run_kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/skyverntasks.skyvern.io")
        plane.run_kubectl("apply", "--server-side", "-f", "-", input=json.dumps(NODE_OBJECT))
        yield plane


@pytest.fixture(scope="module")
async def poisoned(
    lenient_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Cluster, OperatorProcess]]:
    """Every poisonous object there is, half of them before the operator starts, half while it watches."""
    directory = tmp_path_factory.mktemp("poisoned")
    async with await ClusterClient.connect(str(lenient_plane.kubeconfig)) as client:
        namespace = await make_namespace(client)
        tasks = Cluster(client, namespace, "healthy")
        for poison in POISON[::2]:
            await plant(lenient_plane, namespace, poison)
        async with running_operator(
            directory, lenient_plane.kubeconfig, namespace, release_namespace=namespace, resyncSeconds=2
        ) as operator:
            for poison in POISON[1::2]:
                await plant(lenient_plane, namespace, poison)
            yield tasks, operator


async def plant(plane: ControlPlane, namespace: str, poison: Poison) -> None:
    """Store the object, byte by byte as it is, its status with it."""
    context = ssl.create_default_context(cafile=str(plane.pki.ca))
    context.load_cert_chain(plane.pki.cert("admin"), plane.pki.key("admin"))
    url = f"{plane.url}/apis/skyvern.io/v1/namespaces/{namespace}/skyverntasks"
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), headers=headers) as session:
        async with session.post(url, data=poison.json(namespace=namespace)) as answer:
            assert answer.status == 201, await answer.text()
            version = version_of(await answer.read())
        for _ in range(10 if "status" in poison.parts else 0):
            body = poison.json(namespace=namespace, resourceVersion=version)
            async with session.put(f"{url}/{poison.object_name}/status", data=body) as answer:
                if answer.status == 200:
                    return
                assert answer.status == 409, await answer.text()  # the operator has written in between
            async with session.get(f"{url}/{poison.object_name}") as answer:
                version = version_of(await answer.read())


def version_of(body: bytes) -> str:
    """resourceVersion of an object that Python's parser may not take."""
    return body.partition(b'"resourceVersion":"')[2].partition(b'"')[0].decode()


async def test_tasks_beside_every_poison_run_and_complete(poisoned: tuple[Cluster, OperatorProcess]) -> None:
    tasks, operator = poisoned
    kubelet = Kubelet(tasks.client, tasks.namespace)
    for name in ("healthy", "sound"):
        await tasks.create(name)
        pod = await tasks.pod(name)
        await kubelet.start(pod)
        await kubelet.end(pod, message=verdict())
        await tasks.phase("completed", name)
    assert operator.process.poll() is None
    assert await operator.metric("skyvern_operator_object_errors_total") == 0


@pytest.mark.parametrize("poison", BY_ITSELF, ids=lambda poison: poison.name)
async def test_poison_that_no_agent_can_work_on_ends(poisoned: tuple[Cluster, OperatorProcess], poison: Poison) -> None:
    tasks, _ = poisoned
    status = await tasks.status(lambda status: status.get("phase") in TERMINAL_PHASES, "an end", poison.object_name)
    if status["phase"] == "failed":
        assert reason_of(status) == "SpecInvalid"
        assert status["failureReason"].startswith("spec")


async def test_unreadable_task_is_named_by_an_event_and_counted(poisoned: tuple[Cluster, OperatorProcess]) -> None:
    tasks, operator = poisoned
    found = [await events(tasks, name) for name in ("phase-unknown", "status-of-wrong-types")]
    assert "status.phase" in found[0][0]["message"]
    assert "status.attempt" in found[1][0]["message"]
    assert all("skyvern.io/cancel" in event[0]["message"] for event in found)
    assert await operator.metric("skyvern_operator_unreadable_tasks") >= 2
    log = operator.log.read_text()
    assert log.count(f"{tasks.namespace}/phase-unknown") == 1


async def events(tasks: Cluster, name: str) -> list[JsonObject]:
    """The Events about a task that cannot be read."""

    async def look() -> list[JsonObject]:
        pages = tasks.client.list_pages(EVENTS, tasks.namespace, field_selector=f"involvedObject.name={name}")
        return [event async for page in pages for event in page.items if event["reason"] == "Unreadable"]

    return await eventually(look, bool, what=f"an Event about {name}")


async def test_every_poison_can_be_canceled_and_deleted(poisoned: tuple[Cluster, OperatorProcess]) -> None:
    tasks, operator = poisoned
    for poison in POISON:
        await tasks.cancel(poison.object_name)
    for poison in POISON:
        await tasks.status(
            lambda status: status.get("phase") in TERMINAL_PHASES, "an end after cancel", poison.object_name
        )
        await tasks.client.delete(SKYVERNTASKS, tasks.namespace, poison.object_name)
    assert operator.process.poll() is None
