"""A tenant with many tasks that are large and nested deep, beside one with an ordinary task."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from skyvern_crds.client import ClusterClient
from tests.cluster import ControlPlane
from tests.operator.cluster import Cluster
from tests.operator.conftest import make_namespace
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import running_operator

pytestmark = [pytest.mark.contract, pytest.mark.timeout(600)]

COUNT = 300
PAYLOAD_BYTES = 200_000
TOO_DEEP = 400
MOST_MIB = 200
"""The list of all these tasks is 60 MB of JSON; before, the operator took 318 MiB for it."""
PARALLEL = 8


def payload(depth: int) -> list[Any]:
    """Long, with lists in lists."""
    chain: list[Any] = []
    for _ in range(depth):
        chain = [chain]
    return [chain, *["x" * 1000] * (PAYLOAD_BYTES // 1000)]


async def fill(tasks: Cluster) -> None:
    """Large tasks, every second one too deep to be read whole."""
    slots = asyncio.Semaphore(PARALLEL)
    payloads = payload(TOO_DEEP), payload(1)

    async def one(number: int) -> None:
        async with slots:
            await tasks.create(f"large-{number}", suspend=True, navigationPayload=payloads[number % 2])

    await asyncio.gather(*(one(number) for number in range(COUNT)))


async def test_tenant_with_huge_and_deep_tasks_neither_stops_the_others_nor_fills_the_memory(
    client: ClusterClient, served: ControlPlane, tmp_path: Path
) -> None:
    large, small = await make_namespace(client), await make_namespace(client)
    filled, ordinary, kubelet = Cluster(client, large, "late"), Cluster(client, small, "task"), Kubelet(client, small)
    await fill(filled)
    async with running_operator(tmp_path, served.kubeconfig, f"{large},{small}") as operator:
        await ordinary.create()
        pod = await ordinary.pod()
        await kubelet.start(pod)
        await kubelet.end(pod, message=verdict())
        await ordinary.phase("completed", within=120)
        await filled.create(navigationPayload=payload(TOO_DEEP))
        await filled.reason("SpecInvalid", within=240)
        assert operator.peak_mib() < MOST_MIB
