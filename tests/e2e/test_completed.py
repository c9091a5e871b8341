"""A task applied with kubectl runs in its own pod and completes."""

import httpx2
import pytest

from skyvern_crds.client import JsonObject
from tests.e2e.cluster_fixture import System, condition, outcome
from tests.e2e.manifests import APPLICANT

pytestmark = pytest.mark.node

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
async def task(system: System, by_kubectl: dict[str, str]) -> JsonObject:
    """The job application, when it has ended."""
    task = await system.ended(by_kubectl["whole"])
    assert outcome(task) == ("completed", "Completed"), system.story(task)
    return task


async def test_extraction_is_what_the_site_recorded(system: System, task: JsonObject) -> None:
    application = await system.application_of("Kube Whole")
    assert task["status"]["extractedInformation"] == {
        "successful": True,
        "reference": application["reference"],
        "position": "Galley Cook",
    }


async def test_form_was_filled_with_the_payload(system: System, task: JsonObject) -> None:
    application = await system.application_of("Kube Whole")
    plain = ("email", "phone", "position", "employment_type", "start_date", "cover_letter", "heard_from")
    assert {name: application[name] for name in plain} == {name: APPLICANT[name] for name in plain}


async def test_uploaded_file_is_the_one_behind_the_payloads_url(system: System, task: JsonObject) -> None:
    original = (await system.site.get("/resume.pdf")).raise_for_status().content
    resume = (await system.application_of("Kube Whole"))["resume"]
    assert (resume["filename"], resume["size"]) == ("resume.pdf", len(original))


async def test_at_least_three_steps_have_token_counts(task: JsonObject) -> None:
    steps = task["status"]["steps"]
    assert len([step for step in steps if step["inputTokenCount"] > 0 and step["outputTokenCount"] > 0]) >= 3
    assert [step["isLast"] for step in steps] == [False] * (len(steps) - 1) + [True]
    assert task["status"]["stepCount"] == len({step["order"] for step in steps})


async def test_last_screenshot_is_a_png_behind_a_signed_link_without_a_key(system: System, task: JsonObject) -> None:
    answer = (await system.api.get(f"/api/v1/tasks/{task['metadata']['name']}")).raise_for_status().json()
    link = answer["screenshot_url"]
    async with httpx2.AsyncClient(base_url=system.release.public_url, timeout=10) as anonymous:
        path = link.split("/", 3)[3]
        screenshot = await anonymous.get(f"/{path}")
        assert (screenshot.status_code, screenshot.headers["content-type"]) == (200, "image/png")
        assert screenshot.content.startswith(PNG)
        forged = await anonymous.get(f"/{path[:-4]}0000")
        assert forged.status_code == 403


async def test_conditions_of_a_completed_task(system: System, task: JsonObject) -> None:
    truths = {entry["type"]: entry["status"] for entry in task["status"]["conditions"]}
    assert {kind: truths[kind] for kind in ("Admitted", "PodScheduled", "Succeeded")} == {
        "Admitted": "True",
        "PodScheduled": "True",
        "Succeeded": "True",
    }
    assert "SpecHonored" not in truths
    sandboxed = condition(task, "BrowserSandboxed")
    with_profile = ("True", "SeccompProfile")
    assert (sandboxed["status"], sandboxed["reason"]) == (
        with_profile if system.cluster.seccomp_profile else ("False", "NoSeccompProfile")
    )


async def test_pod_belongs_to_the_task_and_passed_the_restricted_level(system: System, task: JsonObject) -> None:
    level = system.cluster.run_kubectl(
        "get",
        "namespace",
        system.namespace,
        "-o",
        r"jsonpath={.metadata.labels.pod-security\.kubernetes\.io/enforce}",
    )
    assert level.stdout == "restricted"
    pods = await system.pods_of(task)
    assert [pod["metadata"]["uid"] for pod in pods] == [task["status"]["podUID"]]
    assert [owner["uid"] for owner in pods[0]["metadata"]["ownerReferences"]] == [task["metadata"]["uid"]]


def test_kubectl_get_skt_shows_phase_reason_and_steps(system: System, task: JsonObject) -> None:
    header, *rows = system.kubectl("get", "skt").stdout.splitlines()
    assert header.split() == ["NAME", "PHASE", "REASON", "STEPS", "AGE"]
    row = next(row.split() for row in rows if row.split()[0] == "whole")
    assert row[1:4] == ["completed", "Completed", str(task["status"]["stepCount"])]


def test_wide_columns_add_node_pod_and_url(system: System, task: JsonObject) -> None:
    header, row = system.kubectl("get", "skt", "whole", "-o", "wide").stdout.splitlines()
    assert {"NODE", "POD", "URL"} <= set(header.split())
    assert {task["status"]["nodeName"], task["status"]["podName"], task["spec"]["url"]} <= set(row.split())


def test_tasks_can_be_selected_by_phase(system: System, task: JsonObject) -> None:
    names = system.kubectl("get", "skt", "--field-selector=status.phase=completed", "-o", "name").stdout.split()
    assert "skyverntask.skyvern.io/whole" in names
    assert system.kubectl("get", "skt", "whole", "--field-selector=status.phase=failed", check=False).returncode != 0
