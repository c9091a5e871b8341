"""Two releases in one cluster, each with task namespaces of its own; the CRD belongs to the first."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from skyvern_crds.client import JsonObject
from tests.cluster import Progress
from tests.cluster.release.install import CHART_IMAGES, Release, ensure_namespace, install, remove
from tests.cluster.release.scripted import SCRIPTED_MODEL
from tests.e2e.cluster_fixture import System, outcome
from tests.e2e.manifests import SITE, opening, waiting

pytestmark = pytest.mark.node

NAMESPACE = "skyvern-e2e-second"
SECOND = Release(
    name="second",
    namespace="skyvern-second",
    task_namespaces=(NAMESPACE,),
    model=SCRIPTED_MODEL,
    sets=("crds.enabled=false", f"apiKeys.namespace={NAMESPACE}"),
)


@pytest.fixture
def second(system: System, progress: Progress) -> Iterator[System]:
    """The same cluster, as the users of the second release see it."""
    ensure_namespace(system.cluster, NAMESPACE)
    images = {name: system.images[name] for name in CHART_IMAGES}
    release = install(system.cluster, images, progress, SECOND)
    try:
        yield replace(system, release=release, namespace=NAMESPACE)
    finally:
        remove(system.cluster, progress, release)


async def in_one_pod(system: System, task: JsonObject) -> None:
    """A completed task had one pod and one attempt."""
    assert outcome(task) == ("completed", "Completed"), system.story(task)
    assert task["status"]["attempt"] == 1
    assert [pod["metadata"]["name"] for pod in await system.pods_of(task)] == [task["status"]["podName"]]


async def test_two_releases_share_a_cluster_and_nothing_else(
    system: System, second: System, progress: Progress
) -> None:
    ours = system.start("of-the-first", opening(f"{SITE}/"))
    theirs = second.start("of-the-second", opening(f"{SITE}/"))
    await in_one_pod(system, await system.ended(ours))
    await in_one_pod(second, await second.ended(theirs))

    account = f"system:serviceaccount:{second.release.namespace}:{second.release.fullname}-operator"
    denied = system.kubectl("auth", "can-i", "patch", "skyverntasks/status", "--as", account, check=False)
    assert denied.stdout.strip() == "no", "the second operator may write to tasks of the first"

    # One goes; the other's task, which runs meanwhile, and the tasks of both stay.
    lasting = system.start("outlasts-the-second", waiting("Wait for the end of the second release."))
    try:
        before = await system.at_work(lasting)
        remove(system.cluster, progress, second.release)
        steps = before["status"]["stepCount"]
        await system.until(lasting, lambda status: status["stepCount"] > steps, "at work after the uninstallation")
        assert (await second.task(theirs))["status"]["phase"] == "completed"
    finally:
        system.remove(lasting)
