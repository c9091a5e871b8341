"""The failure table of operator/README.md: each failure produced on the node, beside what its task says."""

from collections.abc import AsyncIterator

import pytest

from tests.cluster import Cluster, Progress
from tests.e2e.cluster_fixture import System
from tests.e2e.failures import containers, creation, disruptions
from tests.e2e.failures.release import scene as made_scene
from tests.e2e.failures.row import Scene, complaints, produce

pytestmark = [pytest.mark.node, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
async def scene(cluster: Cluster, progress: Progress, system: System) -> AsyncIterator[Scene]:
    """A release of its own, beside that of the other tests, which has installed the CRD."""
    assert system.cluster is cluster
    async with made_scene(cluster, progress) as made:
        yield made


async def test_task_says_what_ended_its_pod_or_kept_it_from_starting(scene: Scene) -> None:
    results = await produce(scene, (*containers.ROWS, *disruptions.ROWS, *creation.ROWS))
    assert not complaints(results), complaints(results)


async def test_task_is_drained_by_name_and_survives_the_death_of_its_operator(scene: Scene) -> None:
    results = await produce(scene, (disruptions.DRAINED, creation.INTERRUPTED))
    assert not complaints(results), complaints(results)
