"""Final records of tasks: stored for the operator, and for nobody else."""

import time

import httpx2
import pytest

from skyvern_apiserver.services import Services
from skyvern_crds.rest.archive import (
    LIFE_SECONDS,
    MAX_RECORD_BYTES,
    TIME_HEADER,
    encode_record,
    record_key,
    record_path,
    sign_record,
)
from skyvern_crds.rest.keys import archive_key, webhook_key
from tests.apiserver.artifacts.running_task import RunningTask
from tests.apiserver.program import SIGNING_KEY

pytestmark = pytest.mark.contract

KEY = archive_key(SIGNING_KEY.encode())
TASK = ("jobs", "apply", "0b6dbf2c-7c2f-4d57-9a83-0f6fd0d9b9a1")
META = dict(zip(("namespace", "name", "uid"), TASK, strict=True))
RECORD = encode_record({"metadata": {**META, "managedFields": [{}]}, "status": {"phase": "completed"}})


async def stored(services: Services) -> bytes | None:
    return await services.artifacts.read(record_key(*TASK), MAX_RECORD_BYTES)


async def test_signed_record_is_stored_and_may_be_sent_again(inside: httpx2.AsyncClient, services: Services) -> None:
    path = record_path(*TASK)
    for record in (RECORD, RECORD + b" "):
        answer = await inside.put(path, content=record, headers=sign_record(KEY, path, record, int(time.time())))
        assert answer.status_code == 201, answer.text
        assert await stored(services) == record
    assert b"managedFields" not in RECORD


@pytest.mark.parametrize(
    ("key", "path", "record", "age", "text"),
    [
        (b"another key of a tenant", record_path(*TASK), RECORD, 0, "does not match"),
        (webhook_key(SIGNING_KEY.encode(), "jobs"), record_path(*TASK), RECORD, 0, "does not match"),
        (KEY, record_path("jobs", "another", TASK[2]), RECORD, 0, "does not match"),
        (KEY, record_path(*TASK), b"{}", 0, "does not match"),
        (KEY, record_path(*TASK), RECORD, LIFE_SECONDS + 60, "old"),
        (KEY, record_path(*TASK), RECORD, -LIFE_SECONDS - 60, "clocks differ"),
    ],
)
async def test_other_records_are_refused(  # noqa: PLR0917 - one case
    inside: httpx2.AsyncClient, key: bytes, path: str, record: bytes, age: int, text: str
) -> None:
    headers = sign_record(key, path, record, int(time.time()) - age)
    answer = await inside.put(record_path(*TASK), content=RECORD, headers=headers)
    assert answer.status_code == 403
    assert text in answer.json()["detail"]


@pytest.mark.parametrize(
    "record",
    [b"{", b"[]", b"{}", b'{"metadata": 7}', encode_record({"metadata": {**META, "namespace": "others"}})],
    ids=["not JSON", "not an object", "empty", "without metadata", "of another task"],
)
async def test_record_that_is_not_that_of_its_task_is_refused(inside: httpx2.AsyncClient, record: bytes) -> None:
    path = record_path(*TASK)
    answer = await inside.put(path, content=record, headers=sign_record(KEY, path, record, int(time.time())))
    assert (answer.status_code, "not that of the task" in answer.json()["detail"]) == (422, True)


async def test_unsigned_and_odd_requests_are_refused(inside: httpx2.AsyncClient) -> None:
    assert (await inside.put(record_path(*TASK), content=RECORD)).status_code == 403
    odd = await inside.put(record_path(*TASK), content=RECORD, headers={TIME_HEADER: "soon"})
    assert odd.status_code == 403
    assert (await inside.put(record_path("jobs", "%2e%2e", TASK[2]), content=RECORD)).status_code == 404
    assert (await inside.put(record_path(*TASK), content=b"x" * (MAX_RECORD_BYTES + 1))).status_code == 413


async def test_runner_cannot_write_the_record_of_its_task(running: RunningTask, inside: httpx2.AsyncClient) -> None:
    assert (await running.upload(inside, "_task.json", b"{}")).status_code == 404
