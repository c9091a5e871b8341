"""The facade on this machine, as `make run-apiserver` starts it, beside the one in the cluster."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from tests.apiserver.program import free_port
from tests.cluster.release.develop import command
from tests.e2e.cluster_fixture import System
from tests.waiting import eventually

pytestmark = pytest.mark.node


@contextmanager
def running_here(system: System) -> Iterator[str]:
    """The facade as a process of this machine; its base URL."""
    port = free_port()
    ports = {"SKYVERN_PORT": port, "SKYVERN_INTERNAL_PORT": free_port()}
    line = shlex.split(command("apiserver", system.cluster, system.release))
    at = line.index(sys.executable)
    line[at:at] = [f"{name}={value}" for name, value in ports.items()]
    process = subprocess.Popen(line)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


async def test_facade_on_this_machine_reads_the_tasks_of_the_cluster(
    system: System, by_kubectl: dict[str, str]
) -> None:
    path, headers = f"/api/v1/tasks/{by_kubectl['whole']}", system.api.headers

    with running_here(system) as url:

        async def answer() -> str:
            try:
                async with httpx2.AsyncClient(base_url=url, headers=headers) as api:
                    return str((await api.get(path)).json().get("task_id", ""))
            except httpx2.TransportError:
                return ""

        await eventually(answer, lambda task_id: task_id == by_kubectl["whole"], what="the facade answers")
