"""The committed CRD in the real API server: what it accepts, what it refuses and in which words."""

import json
from typing import Any

import pytest

from skyvern_crds.client import SKYVERNTASKS, ClusterClient, Conflict, Invalid
from skyvern_crds.spec import parse_spec
from skyvern_crds.status import parse_status
from skyvern_crds.vocabulary import API_VERSION, KIND, MANAGER_OPERATOR, MANAGER_RUNNER
from tests.cluster import ControlPlane
from tests.crds.corpus import Case, load

pytestmark = pytest.mark.contract


def task(name: str, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, **parts}


async def put(client: ClusterClient, namespace: str, stage: str, value: Any, name: str = "t") -> dict[str, Any]:
    if stage == "spec":
        return await client.create(SKYVERNTASKS, namespace, task(name, spec=value))
    if stage == "becomes":
        return await client.apply(SKYVERNTASKS, namespace, name, task(name, spec=value), field_manager="user")
    return await client.merge_patch(SKYVERNTASKS, namespace, name, {"status": value}, subresource="status")


@pytest.mark.parametrize("case", load("accept"), ids=lambda case: case.name)
async def test_accepted(case: Case, client: ClusterClient, namespace: str) -> None:
    for stage, value in case.stages:
        stored = await put(client, namespace, stage, value)
        assert parse_spec(stored["spec"]).wire() == {k: v for k, v in stored["spec"].items() if v is not None}
        parse_status(stored.get("status"))
        part = stored["spec" if stage in {"spec", "becomes"} else "status"]
        kept = {key: part.get(key) for key in value}
        assert kept == value, "the API server keeps what was written"


@pytest.mark.parametrize("case", load("reject"), ids=lambda case: case.name)
async def test_refused(case: Case, client: ClusterClient, namespace: str, served: ControlPlane) -> None:
    *accepted, (stage, value) = case.stages
    for former, former_value in accepted:
        await put(client, namespace, former, former_value)
    before = await client.get(SKYVERNTASKS, namespace, "t") if accepted else None
    if stage in {"spec", "becomes"}:
        obj = task("t", spec=value)
        result = served.run_kubectl(
            "replace" if case.replace else "apply", "-n", namespace, "-f", "-", input=json.dumps(obj), check=False
        )
    else:
        assert before is not None
        obj = {key: content for key, content in before.items() if key != "status"} | (
            {"status": value} if value else {}
        )
        result = served.run_kubectl(
            "replace", "--subresource=status", "-n", namespace, "-f", "-", input=json.dumps(obj), check=False
        )
    assert result.returncode == 1
    assert [message for message in case.messages if message not in result.stderr] == [], result.stderr
    if before:
        after = await client.get(SKYVERNTASKS, namespace, "t")
        assert (after["spec"], after.get("status")) == (before["spec"], before.get("status"))


async def test_two_field_managers_share_a_status(client: ClusterClient, namespace: str) -> None:
    await put(client, namespace, "spec", {"url": "https://example.com"})

    async def apply(manager: str, status: dict[str, Any], *, force: bool = False) -> dict[str, Any]:
        body = task("t", status=status)
        return await client.apply(
            SKYVERNTASKS, namespace, "t", body, field_manager=manager, force=force, subresource="status"
        )

    condition = {
        "type": "Succeeded",
        "status": "Unknown",
        "reason": "Running",
        "lastTransitionTime": "2026-11-23T10:00:00Z",
    }
    await apply(MANAGER_OPERATOR, {"phase": "running", "podName": "p", "conditions": [condition]})
    await apply(MANAGER_RUNNER, {"stepCount": 1, "currentUrl": "https://example.com/1"})
    await apply(MANAGER_OPERATOR, {"phase": "running", "conditions": [condition]})
    status = (await apply(MANAGER_RUNNER, {"stepCount": 2}))["status"]
    assert status == {"phase": "running", "conditions": [condition], "stepCount": 2}

    with pytest.raises(Conflict, match=MANAGER_OPERATOR):
        await apply(MANAGER_RUNNER, {"stepCount": 2, "phase": "completed"})
    stored = await client.get(SKYVERNTASKS, namespace, "t")
    assert stored["status"] == status
    owned = {
        entry["manager"]: set(entry["fieldsV1"]["f:status"])
        for entry in stored["metadata"]["managedFields"]
        if entry.get("subresource") == "status"
    }
    assert owned == {MANAGER_OPERATOR: {"f:phase", "f:conditions"}, MANAGER_RUNNER: {"f:stepCount"}}


async def test_status_is_apart_from_the_spec(client: ClusterClient, namespace: str) -> None:
    created = await client.create(
        SKYVERNTASKS, namespace, task("t", spec={"url": "https://example.com"}, status={"phase": "completed"})
    )
    assert "status" not in created
    await put(client, namespace, "status", {"phase": "queued"})
    body = {"spec": {"suspend": True}, "status": {"phase": "running"}}
    by_main = await client.merge_patch(SKYVERNTASKS, namespace, "t", body)
    assert (by_main["spec"]["suspend"], by_main["status"]) == (True, {"phase": "queued"})
    body = {"spec": {"suspend": False}, "status": {"phase": "running"}}
    by_status = await client.merge_patch(SKYVERNTASKS, namespace, "t", body, subresource="status")
    assert (by_status["spec"]["suspend"], by_status["status"]) == (True, {"phase": "running"})
    assert by_status["metadata"]["generation"] == by_main["metadata"]["generation"] == 2


async def test_ended_tasks_stay_ended_by_whatever_way(
    client: ClusterClient, namespace: str, served: ControlPlane
) -> None:
    await put(client, namespace, "spec", {"url": "https://example.com"})
    body = task("t", status={"phase": "completed"})
    await client.apply(SKYVERNTASKS, namespace, "t", body, field_manager=MANAGER_OPERATOR, subresource="status")
    for change in ({"phase": "failed"}, {}):
        with pytest.raises(Invalid, match="status"):
            await client.apply(
                SKYVERNTASKS,
                namespace,
                "t",
                task("t", status=change),
                field_manager=MANAGER_OPERATOR,
                subresource="status",
            )
    for patch in ('[{"op": "remove", "path": "/status"}]', '[{"op": "remove", "path": "/status/phase"}]'):
        result = served.run_kubectl(
            "patch", "skt", "t", "-n", namespace, "--subresource=status", "--type=json", "-p", patch, check=False
        )
        assert "the task has ended" in result.stderr
    assert (await client.get(SKYVERNTASKS, namespace, "t"))["status"] == {"phase": "completed"}


async def test_tasks_are_selected_by_phase_on_the_server(client: ClusterClient, namespace: str) -> None:
    for name, phase in {"a": "running", "b": "completed", "c": "running"}.items():
        await put(client, namespace, "spec", {"url": "https://example.com"}, name)
        await put(client, namespace, "status", {"phase": phase}, name)
    pages = client.list_pages(SKYVERNTASKS, namespace, field_selector="status.phase=running")
    assert [item["metadata"]["name"] async for page in pages for item in page.items] == ["a", "c"]


async def test_kubectl_shows_sensible_columns(client: ClusterClient, namespace: str, served: ControlPlane) -> None:
    await put(client, namespace, "spec", {"url": "https://example.com"})
    condition = {
        "type": "Succeeded",
        "status": "True",
        "reason": "Completed",
        "lastTransitionTime": "2026-11-23T10:00:00Z",
    }
    status = {"phase": "completed", "conditions": [condition], "stepCount": 4, "nodeName": "n", "podName": "p"}
    await put(client, namespace, "status", status)
    narrow = served.run_kubectl("get", "skt", "-n", namespace).stdout.splitlines()
    assert narrow[0].split() == ["NAME", "PHASE", "REASON", "STEPS", "AGE"]
    assert narrow[1].split()[:4] == ["t", "completed", "Completed", "4"]
    wide = served.run_kubectl("get", "skyvern", "-n", namespace, "-o", "wide").stdout.splitlines()
    assert wide[0].split()[5:] == ["NODE", "POD", "URL"]
    assert wide[1].split()[5:] == ["n", "p", "https://example.com"]


async def test_kubectl_explains_the_fields(served: ControlPlane) -> None:
    assert "Steps before the task fails" in served.run_kubectl("explain", "skyverntask.spec.maxSteps").stdout
