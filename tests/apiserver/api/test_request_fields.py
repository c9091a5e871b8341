"""What requests may say beyond the Tasks API, and the ids of requests."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from skyvern_crds.ids import name_of
from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.calls import REQUEST
from tests.apiserver.small_facade import RELEASE, client_of, small_services, small_settings
from tests.waiting import eventually, until

TASKS = "/api/v1/tasks"
SECRET = {"name": "password", "secret_key_ref": {"name": "shop-eu", "key": "password"}, "hosts": ["e.com"]}
SIGNING_KEY = {"name": "signing", "key": "signing-key"}


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with FakeApiServer() as server:
        yield server


@pytest.fixture
async def client(server: FakeApiServer, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Of alice, whose key may name some Secrets."""
    key = server.put_key(RELEASE, "alice", tenant="a", allowed_secrets="facts, shop-*")
    async with small_services(server, tmp_path, small_settings(tmp_path, ["a"])) as services:
        await until(services.freshness.can_serve)
        async with client_of(services) as client:
            client.headers.update(key)
            yield client


async def test_task_has_the_priority_the_deadlines_and_the_secrets_that_its_request_gives(
    server: FakeApiServer, client: httpx2.AsyncClient
) -> None:
    fields = {"priority": 7, "active_deadline_seconds": 60, "secrets": [SECRET]}
    task_id = (await client.post(TASKS, json=REQUEST | fields)).json()["task_id"]
    spec = server.collection("skyverntasks", "a")[name_of(task_id)]["spec"]
    assert (spec["priority"], spec["activeDeadlineSeconds"]) == (7, 60)
    assert spec["secrets"][0]["secretKeyRef"] == SECRET["secret_key_ref"]
    echo = (await client.get(f"{TASKS}/{task_id}")).json()["request"]
    assert {name: echo[name] for name in fields} == fields
    assert "suspend" not in echo


async def test_callers_of_the_tasks_api_see_no_new_field(client: httpx2.AsyncClient) -> None:
    task_id = (await client.post(TASKS, json=REQUEST)).json()["task_id"]
    for task in ((await client.get(f"{TASKS}/{task_id}")).json(), (await client.get(TASKS)).json()[0]):
        assert not {"priority", "suspend", "profile", "secrets", "navigation_payload_from"} & set(task["request"])


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        (
            {"secrets": [SECRET, SECRET | {"name": "b", "secret_key_ref": SIGNING_KEY}]},
            ["body", "secrets", 1, "secret_key_ref", "name"],
        ),
        (
            {
                "navigation_payload": None,
                "navigation_payload_from": {"secret_key_ref": SIGNING_KEY},
            },
            ["body", "navigation_payload_from", "secret_key_ref", "name"],
        ),
    ],
    ids=["secrets", "payload"],
)
async def test_secret_that_the_key_may_not_use_is_refused_with_field_and_remedy(
    server: FakeApiServer, client: httpx2.AsyncClient, fields: dict[str, Any], location: list[Any]
) -> None:
    answer = await client.post(TASKS, json=REQUEST | fields)
    assert answer.status_code == 422
    [error] = answer.json()["detail"]
    assert (error["loc"], error["input"]) == (location, "signing")
    assert "have its administrator name it in the field 'allowed-secrets'" in error["msg"]
    assert server.requests["create"] == 0


async def test_key_without_allowed_secrets_may_use_none(server: FakeApiServer, client: httpx2.AsyncClient) -> None:
    bob = server.put_key(RELEASE, "bob", tenant="a")

    async def status(**fields: Any) -> int:
        return (await client.post(TASKS, json=REQUEST | fields, headers=bob)).status_code

    await eventually(status, lambda code: code == 200, what="the key is known")
    assert await status(secrets=[SECRET]) == 422


@pytest.mark.parametrize(
    ("given", "taken"), [("order-66/a", True), ("", False), ("a b", False), ("x" * 129, False), ('a"}', False)]
)
async def test_id_of_a_request_is_in_its_answer_and_in_the_log(
    client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture, given: str, taken: bool
) -> None:
    with caplog.at_level(logging.INFO):
        answers = [
            await client.get(path, headers={"x-request-id": given, "origin": "https://shop.example.com"})
            for path in (TASKS, "/nothing")
        ]
    for answer in answers:
        request_id = answer.headers["x-request-id"]
        assert (request_id == given) is taken
        assert request_id in [getattr(line, "request_id", None) for line in caplog.records]
        assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
