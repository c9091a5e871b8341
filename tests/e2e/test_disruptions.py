"""Tasks that are canceled while they run, or lose part of what they run on."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skyvern_crds.client import JsonObject
from tests.e2e.cluster_fixture import POLL_SECONDS, System, outcome
from tests.e2e.manifests import SLOW, job_application, waiting

pytestmark = pytest.mark.node

KILL = """
for status in /proc/[0-9]*/status; do
  read -r _ name < "$status"
  case "$name" in {name}*) pid=${{status#/proc/}}; echo "$name"; kill -KILL "${{pid%/status}}" ;; esac
done
"""


@asynccontextmanager
async def started(system: System, name: str, spec: dict[str, Any], steps: int = 1) -> AsyncIterator[JsonObject]:
    """A task whose agent is at work; it is removed afterwards, so that it does not run on after a failure."""
    system.start(name, spec)
    try:
        yield await system.at_work(name, steps)
    finally:
        system.remove(name)


def kill(system: System, task: JsonObject, program: str) -> list[str]:
    """Kill the processes of a program in the browser's container; return their names."""
    pod = task["status"]["podName"]
    # The container ends with chromedriver, and this script with it: its exit code means nothing.
    script = KILL.format(name=program)
    return system.kubectl("exec", pod, "-c", "browser", "--", "sh", "-c", script, check=False).stdout.split()


async def gone_or_over(system: System, name: str, seconds: float = 40) -> bool:
    """Whether a pod is gone, or none of its containers runs, within a time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pod = await system.pod(name)
        if pod is None:
            return True
        status = pod["status"]
        states = [entry["state"] for entry in status["containerStatuses"] + status["initContainerStatuses"]]
        if all("terminated" in state for state in states):
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_canceled_task_ends_within_seconds_and_acts_no_more(system: System) -> None:
    async with started(system, "cancel", waiting("Wait to be canceled."), steps=2) as task:
        asked = datetime.now(UTC)
        system.kubectl("annotate", "skt", "cancel", "skyvern.io/cancel=true")
        ended = await system.ended("cancel", 20)
        assert outcome(ended) == ("canceled", "Canceled"), system.story(ended)
        pod = await system.pod(task["status"]["podName"])
        if pod is not None:
            runner = pod["status"]["containerStatuses"][0]
            assert "terminated" in runner["state"], "it is called canceled while its runner still runs"
        # The action in flight is a wait of one second.
        last = max(moment(step["modifiedAt"]) for step in ended["status"]["steps"])
        assert last <= asked + timedelta(seconds=4)
        assert moment(ended["status"]["finishedAt"]) <= asked + timedelta(seconds=10)
        assert "failureReason" not in ended["status"]


async def test_task_that_has_not_started_is_canceled_at_once(system: System) -> None:
    system.start("cancel-early", waiting("Wait to be canceled early.", suspend=True))
    await system.until("cancel-early", lambda status: status.get("phase") == "queued", "queued", 15)
    system.kubectl("annotate", "skt", "cancel-early", "skyvern.io/cancel=true")
    task = await system.ended("cancel-early", 10)
    assert outcome(task) == ("canceled", "Canceled")
    assert "startedAt" not in task["status"]
    assert await system.pods_of(task) == []


async def test_task_survives_a_crash_of_chromium(system: System) -> None:
    spec = job_application("Killed Chromium", model={"modelName": SLOW})
    async with started(system, "killed-chromium", spec, steps=2) as task:
        assert kill(system, task, "chromium"), "no process of Chromium was found"
        ended = await system.ended("killed-chromium", 90)
        assert outcome(ended) == ("completed", "Completed"), system.story(ended)
        application = await system.application_of("Killed Chromium")
        assert ended["status"]["extractedInformation"]["reference"] == application["reference"]


async def test_task_survives_a_crash_of_chromedriver_which_restarts_the_container(system: System) -> None:
    spec = job_application("Killed Driver", model={"modelName": SLOW})
    async with started(system, "killed-driver", spec, steps=2) as task:
        assert kill(system, task, "chromedriver"), "no process of chromedriver was found"
        ended = await system.ended("killed-driver", 90)
        assert outcome(ended) == ("completed", "Completed"), system.story(ended)
        pod = await system.pod(task["status"]["podName"])
        assert pod is not None
        assert pod["status"]["initContainerStatuses"][0]["restartCount"] == 1
        await system.application_of("Killed Driver")


async def test_task_whose_pod_is_deleted_fails_and_says_so(system: System) -> None:
    async with started(system, "lost-pod", waiting("Wait for the loss of the pod.")) as task:
        pod = task["status"]["podName"]
        system.kubectl("delete", "pod", pod, "--wait=false")
        ended = await system.ended("lost-pod", 45)
        assert outcome(ended) == ("failed", "PodDeleted"), system.story(ended)
        assert pod in ended["status"]["failureReason"]
        assert ended["status"]["attempt"] == 1
        assert await gone_or_over(system, pod)


async def test_task_completes_in_one_pod_although_the_operator_is_restarted(system: System) -> None:
    spec = job_application("Restarted Operator", model={"modelName": SLOW})
    async with started(system, "restart", spec) as task:
        selector = "app.kubernetes.io/component=operator"
        system.cluster.run_kubectl(
            "delete",
            "pod",
            "--namespace",
            system.release.namespace,
            "-l",
            selector,
            "--grace-period=0",
            "--force",
        )
        ended = await system.ended("restart", 90)
        assert outcome(ended) == ("completed", "Completed"), system.story(ended)
        assert ended["status"]["podUID"] == task["status"]["podUID"]
        assert [pod["metadata"]["uid"] for pod in await system.pods_of(ended)] == [task["status"]["podUID"]]
        await system.application_of("Restarted Operator")


async def test_deleted_task_takes_its_pod_with_it(system: System) -> None:
    async with started(system, "deleted", waiting("Wait to be deleted.")) as task:
        system.remove("deleted")
        assert await gone_or_over(system, task["status"]["podName"], 60)
