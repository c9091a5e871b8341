"""Tasks that are canceled, or lose a part of what they run on, while they run."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from skyvern_crds.client import JsonObject
from tests.e2e.manifests import SLOW, job_application, waiting
from tests.e2e.world import POLL_SECONDS, World, outcome

pytestmark = pytest.mark.node

KILL = """
for status in /proc/[0-9]*/status; do
  read -r _ name < "$status"
  case "$name" in {name}*) pid=${{status#/proc/}}; echo "$name"; kill -KILL "${{pid%/status}}" ;; esac
done
"""


@asynccontextmanager
async def started(world: World, name: str, spec: dict[str, Any], steps: int = 1) -> AsyncIterator[JsonObject]:
    """A task whose agent is at work; it is removed afterwards, so that it does not go on after a failure."""
    world.start(name, spec)
    try:
        yield await world.at_work(name, steps)
    finally:
        world.remove(name)


def kill(world: World, task: JsonObject, program: str) -> list[str]:
    """Kill the processes of a program in the browser's container; return their names."""
    pod = task["status"]["podName"]
    # With chromedriver the container ends, and this script with it: its exit code says nothing.
    script = KILL.format(name=program)
    return world.kubectl("exec", pod, "-c", "browser", "--", "sh", "-c", script, check=False).stdout.split()


async def gone_or_over(world: World, name: str, seconds: float = 40) -> bool:
    """Whether, within a time, a pod is gone or none of its containers runs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pod = await world.pod(name)
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


async def test_a_canceled_task_ends_within_seconds_and_acts_no_more(world: World) -> None:
    async with started(world, "cancel", waiting("Wait to be canceled."), steps=2) as task:
        asked = datetime.now(UTC)
        world.kubectl("annotate", "skt", "cancel", "skyvern.io/cancel=true")
        ended = await world.ended("cancel", 20)
        assert outcome(ended) == ("canceled", "Canceled"), world.story(ended)
        pod = await world.pod(task["status"]["podName"])
        if pod is not None:
            runner = pod["status"]["containerStatuses"][0]
            assert "terminated" in runner["state"], "it is called canceled while its runner still runs"
        # The action in flight is a wait of one second.
        last = max(moment(step["modifiedAt"]) for step in ended["status"]["steps"])
        assert last <= asked + timedelta(seconds=4)
        assert moment(ended["status"]["finishedAt"]) <= asked + timedelta(seconds=10)
        assert "failureReason" not in ended["status"]


async def test_a_task_that_has_not_started_is_canceled_at_once(world: World) -> None:
    world.start("cancel-early", waiting("Wait to be canceled early.", suspend=True))
    await world.until("cancel-early", lambda status: status.get("phase") == "queued", "queued", 15)
    world.kubectl("annotate", "skt", "cancel-early", "skyvern.io/cancel=true")
    task = await world.ended("cancel-early", 10)
    assert outcome(task) == ("canceled", "Canceled")
    assert "startedAt" not in task["status"]
    assert await world.pods_of(task) == []


async def test_a_task_survives_the_end_of_its_chromium(world: World) -> None:
    spec = job_application("Killed Chromium", model={"modelName": SLOW})
    async with started(world, "killed-chromium", spec, steps=2) as task:
        assert kill(world, task, "chromium"), "no process of Chromium was found"
        ended = await world.ended("killed-chromium", 90)
        assert outcome(ended) == ("completed", "Completed"), world.story(ended)
        application = await world.application_of("Killed Chromium")
        assert ended["status"]["extractedInformation"]["reference"] == application["reference"]


async def test_a_task_survives_the_end_of_its_chromedriver_and_with_it_of_the_container(world: World) -> None:
    spec = job_application("Killed Driver", model={"modelName": SLOW})
    async with started(world, "killed-driver", spec, steps=2) as task:
        assert kill(world, task, "chromedriver"), "no process of chromedriver was found"
        ended = await world.ended("killed-driver", 90)
        assert outcome(ended) == ("completed", "Completed"), world.story(ended)
        pod = await world.pod(task["status"]["podName"])
        assert pod is not None
        assert pod["status"]["initContainerStatuses"][0]["restartCount"] == 1
        await world.application_of("Killed Driver")


async def test_a_task_whose_pod_is_deleted_fails_and_says_so(world: World) -> None:
    async with started(world, "lost-pod", waiting("Wait for the loss of the pod.")) as task:
        pod = task["status"]["podName"]
        world.kubectl("delete", "pod", pod, "--wait=false")
        ended = await world.ended("lost-pod", 45)
        assert outcome(ended) == ("failed", "PodDeleted"), world.story(ended)
        assert pod in ended["status"]["failureReason"]
        assert ended["status"]["attempt"] == 1
        assert await gone_or_over(world, pod)


async def test_a_task_completes_although_the_operator_is_restarted_and_has_one_pod_only(world: World) -> None:
    spec = job_application("Restarted Operator", model={"modelName": SLOW})
    async with started(world, "restart", spec) as task:
        selector = "app.kubernetes.io/component=operator"
        world.cluster.run_kubectl(
            "delete", "pod", "--namespace", world.release.namespace, "-l", selector, "--grace-period=0", "--force"
        )
        ended = await world.ended("restart", 90)
        assert outcome(ended) == ("completed", "Completed"), world.story(ended)
        assert ended["status"]["podUID"] == task["status"]["podUID"]
        assert [pod["metadata"]["uid"] for pod in await world.pods_of(ended)] == [task["status"]["podUID"]]
        await world.application_of("Restarted Operator")


async def test_a_deleted_task_takes_its_pod_with_it(world: World) -> None:
    async with started(world, "deleted", waiting("Wait to be deleted.")) as task:
        world.remove("deleted")
        assert await gone_or_over(world, task["status"]["podName"], 60)
