"""One running task, and a file of it."""

import httpx2
import pytest

from skyvern_apiserver.services import Services
from tests.apiserver.artifacts.running_task import PNG, RunningTask
from tests.apiserver.calls import create
from tests.apiserver.cluster import Tenants


@pytest.fixture(scope="session")
async def running(alice: httpx2.AsyncClient, tenants: Tenants) -> RunningTask:
    return RunningTask(tenants, await create(alice))


@pytest.fixture(scope="session")
async def final_screenshot(running: RunningTask, inside: httpx2.AsyncClient, services: Services) -> str:
    """Signed link to an uploaded screenshot."""
    answer = await running.upload(inside, "final.png", PNG)
    assert answer.status_code == 201, answer.text
    return running.link(services, "final.png")
