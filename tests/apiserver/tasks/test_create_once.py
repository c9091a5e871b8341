"""One request makes one task: when answers are lost, and when a caller sends a request again."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from skyvern_apiserver.process.settings import Settings
from tests.apiserver.calls import REQUEST
from tests.apiserver.cluster import Tenants
from tests.apiserver.conftest import Caller
from tests.apiserver.separate import facade
from tests.crds.client.faults import FaultProxy, Loss

pytestmark = pytest.mark.contract

TASKS = "/api/v1/tasks"


@pytest.fixture(scope="module")
async def proxy(tenants: Tenants) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(tenants.plane) as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def replica(
    proxy: FaultProxy, settings: Settings, tmp_path_factory: pytest.TempPathFactory, tenants: Tenants
) -> AsyncIterator[httpx2.AsyncClient]:
    """Alice's client of a second replica, whose answers from the API server may be lost."""
    kubeconfig = Path(proxy.kubeconfig(tmp_path_factory.mktemp("proxy")))
    async with facade(settings, kubeconfig) as (client, _):
        client.headers["x-api-key"] = tenants.key("alice")
        yield client


async def ids_of(client: httpx2.AsyncClient, application: str) -> list[str]:
    listed = await client.get(f"{TASKS}?application={application}&page_size=100")
    return [task["task_id"] for task in listed.json()]


@pytest.mark.parametrize("losses", [[Loss.ANSWER], [Loss.REQUEST], [Loss.ANSWER, Loss.ANSWER]], ids=str)
async def test_create_that_loses_its_way_makes_one_task(
    replica: httpx2.AsyncClient, proxy: FaultProxy, losses: list[Loss]
) -> None:
    application = "-".join(["lost", *(loss.value for loss in losses)])
    proxy.losses.extend(losses)
    answer = await replica.post(TASKS, json=REQUEST | {"application": application})
    assert (answer.status_code, list(proxy.losses)) == (200, [])
    assert await ids_of(replica, application) == [answer.json()["task_id"]]


async def test_create_that_stays_unanswered_names_the_task_to_look_for(
    replica: httpx2.AsyncClient, proxy: FaultProxy
) -> None:
    proxy.losses.extend([Loss.ANSWER] * 4)
    answer = await replica.post(TASKS, json=REQUEST)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    [task_id] = re.findall(r"tsk_\d+", answer.json()["detail"])
    assert (await replica.get(f"{TASKS}/{task_id}")).status_code == 200


async def test_request_sent_again_with_its_key_is_answered_with_the_same_task(
    alice: httpx2.AsyncClient, replica: httpx2.AsyncClient, proxy: FaultProxy
) -> None:
    body, headers = REQUEST | {"application": "again"}, {"idempotency-key": "order 17"}
    proxy.losses.extend([Loss.ANSWER] * 4)
    assert (await replica.post(TASKS, json=body, headers=headers)).status_code == 503
    turned = dict(reversed(body.items()))
    answers = [
        await alice.post(TASKS, json=body, headers=headers),
        await replica.post(TASKS, json=turned, headers={"idempotency-key": '"order 17"'}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    [task_id] = {answer.json()["task_id"] for answer in answers}
    assert re.fullmatch(r"tsk_\d{10,20}", task_id)
    assert await ids_of(alice, "again") == [task_id]


async def test_requests_with_one_key_at_once_make_one_task(
    alice: httpx2.AsyncClient, replica: httpx2.AsyncClient
) -> None:
    body, headers = REQUEST | {"application": "at-once"}, {"idempotency-key": "at once"}
    calls = [client.post(TASKS, json=body, headers=headers) for client in (alice, replica) * 4]
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {200}
    assert await ids_of(alice, "at-once") == [answers[0].json()["task_id"]]


@pytest.mark.parametrize("change", ["body", "header"])
async def test_key_of_another_request_is_refused(alice: httpx2.AsyncClient, change: str) -> None:
    headers = {"idempotency-key": f"other {change}"}
    task_id = (await alice.post(TASKS, json=REQUEST, headers=headers)).json()["task_id"]
    body = REQUEST | ({"title": "another"} if change == "body" else {})
    more = {"x-max-steps-override": "7"} if change == "header" else {}
    answer = await alice.post(TASKS, json=body, headers=headers | more)
    assert answer.status_code == 422
    [error] = answer.json()["detail"]
    assert error["loc"] == ["header", "idempotency-key"]
    assert task_id in error["msg"]


async def test_keys_of_two_tenants_are_not_the_same(alice: httpx2.AsyncClient, bob: httpx2.AsyncClient) -> None:
    headers = {"idempotency-key": "mine"}
    answers = [await client.post(TASKS, json=REQUEST, headers=headers) for client in (alice, bob)]
    assert answers[0].json()["task_id"] != answers[1].json()["task_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tin it", "ü"])
async def test_key_that_is_not_plain_text_is_refused(caller: Caller, key: str) -> None:
    answer = await caller("alice").post(TASKS, json=REQUEST, headers={b"idempotency-key": key.encode()})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["header", "idempotency-key"]


async def test_request_without_a_key_makes_a_new_task_each_time(alice: httpx2.AsyncClient) -> None:
    for _ in range(2):
        assert (await alice.post(TASKS, json=REQUEST | {"application": "twice"})).status_code == 200
    assert len(await ids_of(alice, "twice")) == 2
