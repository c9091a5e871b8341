"""The whole product on a node: images built from this tree, the chart's release, the site, the scripted model."""

import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest

from skyvern_crds.client import ClusterClient
from tests.cluster import Cluster, Progress
from tests.e2e.cluster_fixture import System
from tests.e2e.manifests import SITE, job_application, job_request, opening, waiting
from tests.e2e.release import NAMESPACE, install_for_tests


@pytest.fixture(scope="session")
async def system(cluster: Cluster, progress: Progress) -> AsyncIterator[System]:
    """The release of `make demo`, with a separate namespace for tasks at the restricted level of Pod Security."""
    installed = install_for_tests(cluster, progress)
    url, key = installed.release.public_url, installed.api_key
    async with (
        await ClusterClient.connect(str(cluster.kubeconfig)) as client,
        httpx2.AsyncClient(base_url=installed.servers.site, timeout=10) as site,
        httpx2.AsyncClient(base_url=url, headers={"x-api-key": key}, timeout=10) as api,
    ):
        old = len(installed.servers.applications())
        yield System(
            cluster, client, installed.release, NAMESPACE, installed.servers, site, api, old, installed.images, key
        )


@pytest.fixture(scope="session")
def hook() -> str:
    """A prefix for this session's webhooks: the site remembers those of earlier sessions."""
    return uuid.uuid4().hex[:8]


@pytest.fixture(scope="session")
async def by_rest(system: System, hook: str) -> dict[str, str]:
    """Tasks created over REST, all at once: names of the objects by purpose."""
    bodies = {
        "hooked": job_request("Rest Hooked", webhook_callback_url=f"{SITE}/hooks/{hook}-once"),
        "refused": opening_request(f"{SITE}/hooks/{hook}-refused?refuse=2"),
    }
    names = {}
    for purpose, body in bodies.items():
        answer = await system.api.post("/api/v1/tasks", json=body)
        assert answer.status_code == 200, answer.text
        names[purpose] = answer.json()["task_id"].replace("_", "-")
    return names


def opening_request(webhook: str) -> dict[str, object]:
    """A request that only has a page read and is done quickly."""
    return {"url": f"{SITE}/", "data_extraction_goal": "How many jobs are open?", "webhook_callback_url": webhook}


@pytest.fixture(scope="session")
def by_kubectl(system: System) -> dict[str, str]:
    """Tasks that need nothing but time, applied all at once: their names by purpose."""
    specs = {
        "whole": job_application("Kube Whole"),
        "deadline": waiting("Wait for the deadline.", activeDeadlineSeconds=10),
        "wrong-key": opening(f"{SITE}/", navigationGoal="Go on.", model={"modelName": "scripted-1:fault=401"}),
        "nonsense": opening(
            f"{SITE}/", navigationGoal="Go on.", model={"modelName": "scripted-1:fault=malformed"}, maxRetriesPerStep=0
        ),
        "unresolved": opening("http://nowhere.skyvern-demo.svc:8090/"),
        "status-500": opening(f"{SITE}/status/500"),
        "download": opening(f"{SITE}/download"),
        "certificate": opening("https://kubernetes.default.svc/"),  # of an authority that no browser knows
        "no-image": opening(f"{SITE}/", profile="absent-image"),
        "no-profile": opening(f"{SITE}/", profile="unheard-of"),
    }
    return {purpose: system.start(purpose, spec) for purpose, spec in specs.items()}
