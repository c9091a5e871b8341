"""Objects that our programs never write but a cluster may hold: none affects the answers for another."""

import base64
import json
from pathlib import Path

import httpx2
import pytest

from skyvern_apiserver.cache.answers import Answers
from skyvern_apiserver.cache.task_record import record_of
from skyvern_apiserver.cache.unreadable import UnreadableTasks
from skyvern_apiserver.services import Services
from skyvern_apiserver.tasks.listing import render_list
from skyvern_crds import wire
from skyvern_crds.client import Change, ChangeType
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.response import TaskResponse, task_response
from tests.apiserver.calls import create
from tests.apiserver.cluster import Tenants, api_key
from tests.apiserver.conftest import Caller
from tests.crds.corpus import Poison, load_poison
from tests.waiting import until

LINKS = ArtifactLinks("https://tasks.example.com", b"0123456789abcdef", now=1_800_000_000)
METADATA = {"namespace": "a", "uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}
STORABLE = [poison for poison in load_poison() if not poison.lenient]
KEYS = set(TaskResponse.model_fields)


@pytest.mark.parametrize("poison", load_poison(), ids=lambda poison: poison.name)
def test_record_answers_as_the_whole_object_would(poison: Poison) -> None:
    obj = wire.loads(poison.json(**METADATA))
    record = record_of(obj)
    found = [each.field for each in record.unreadable if "is larger than" not in each.reason]
    assert sorted(found) == sorted(poison.unreadable)
    answer = json.loads(task_response(record.stored(), LINKS).encode())
    assert set(answer) == KEYS
    assert answer["status"] == record.phase


def test_list_of_unreadable_tasks_is_complete() -> None:
    records = [record_of(wire.loads(poison.json(**METADATA))) for poison in load_poison()]
    items = json.loads(b"".join(render_list(Answers(), records, LINKS)))
    assert [item["task_id"] for item in items] == [record.task_id for record in records]


def test_unreadable_task_is_counted_and_logged_once_per_change(caplog: pytest.LogCaptureFixture) -> None:
    unreadable = UnreadableTasks()
    whole, partly, worse = (
        record_of({"metadata": METADATA | {"name": "t"}, "spec": {"url": "x"}, "status": status})
        for status in ({}, {"phase": "paused"}, {"phase": "paused", "stepCount": "many"})
    )
    counts = []
    for old, new in ((None, whole), (whole, partly), (partly, partly), (partly, worse), (worse, None)):
        unreadable.changed(Change(ChangeType.MODIFIED, "a", "t", old, new, 1))
        counts.append(unreadable.count)
    assert counts == [0, 1, 1, 1, 0]
    logged = [record.__dict__["unreadable"] for record in caplog.records]
    assert [len(fields) for fields in logged] == [1, 2]
    assert logged[0][0].startswith("status.phase: ")


@pytest.fixture(scope="module")
def odd_tasks(tenants: Tenants, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of odd objects, stored in a namespace for them."""
    file = tmp_path_factory.mktemp("poison") / "object.json"
    return [_store(tenants, poison, file) for poison in STORABLE]


def _store(tenants: Tenants, poison: Poison, file: Path) -> str:
    name = poison.name.replace("_", "-")
    file.write_bytes(poison.json(namespace=tenants.odd))
    tenants.plane.run_kubectl("create", f"--filename={file}")
    if "status" in poison.parts:
        tenants.plane.run_kubectl(
            "patch", "skyverntask", name, "--namespace", tenants.odd, "--subresource=status", "--type=merge",
            f"--patch-file={file}",
        )  # fmt: skip
    return name


@pytest.mark.contract
async def test_every_stored_task_is_read_and_listed(
    caller: Caller, tenants: Tenants, services: Services, odd_tasks: list[str]
) -> None:
    await until(lambda: all(services.tasks.get(tenants.odd, name) for name in odd_tasks))
    olga = caller("olga")
    listed = await olga.get("/api/v1/tasks?page_size=1000")
    assert listed.status_code == 200
    assert {item["task_id"] for item in listed.json()} >= set(odd_tasks)
    for name in odd_tasks:
        answer = await olga.get(f"/api/v1/tasks/{name}")
        assert (answer.status_code, set(answer.json())) == (200, KEYS), name
        assert (await olga.get(f"/api/v1/tasks/{name}/steps")).status_code == 200


@pytest.mark.contract
@pytest.mark.parametrize("annotation", ["[]", "{", "1"])
async def test_task_with_an_odd_request_annotation_is_read_and_canceled(
    caller: Caller, tenants: Tenants, services: Services, annotation: str
) -> None:
    olga = caller("olga")
    task_id = await create(olga, application="odd")
    name = task_id.replace("_", "-")
    tenants.plane.run_kubectl(
        "annotate", "skyverntask", name, "--namespace", tenants.odd, "--overwrite", f"skyvern.io/request={annotation}"
    )
    await until(lambda: bool((record := services.tasks.get(tenants.odd, name)) and record.unreadable))
    assert (await olga.get(f"/api/v1/tasks/{task_id}")).json()["request"]["application"] is None
    assert (await olga.post(f"/api/v1/tasks/{task_id}/cancel")).status_code == 200


@pytest.mark.contract
async def test_unreadable_objects_show_in_the_metrics(
    inside: httpx2.AsyncClient, odd_tasks: list[str], tenants: Tenants, services: Services
) -> None:
    await until(lambda: all(services.tasks.get(tenants.odd, name) for name in odd_tasks))
    text = (await inside.get("/metrics")).text
    line = next(each for each in text.splitlines() if 'unreadable_objects{kind="SkyvernTask"}' in each)
    assert float(line.split()[1]) >= sum(bool(poison.unreadable) for poison in STORABLE)


@pytest.mark.contract
async def test_secret_without_a_readable_key_affects_no_other_key(
    caller: Caller, tenants: Tenants, services: Services, inside: httpx2.AsyncClient
) -> None:
    secret = api_key(tenants, "broken", tenants.odd)
    del secret["stringData"]["key"]
    secret["data"] = {"key": base64.b64encode(b"\xff\xfe").decode()}
    tenants.plane.run_kubectl("create", "--filename=-", input=json.dumps(secret))
    await until(lambda: (tenants.release, "broken") in services.secrets.left_out)
    assert (await caller("olga").get("/api/v1/tasks")).status_code == 200
    assert 'skyvern_apiserver_unreadable_objects{kind="Secret"} 1.0' in (await inside.get("/metrics")).text
    tenants.plane.run_kubectl("delete", "secret", "broken", "--namespace", tenants.release)
    await until(lambda: (tenants.release, "broken") not in services.secrets.left_out)
