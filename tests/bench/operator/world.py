"""The cluster of a benchmark: a real control plane, simulated nodes, the operator, and the Job controller."""

import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

from skyvern_crds.client import ClusterClient
from tests.bench.operator import objects
from tests.bench.operator.observation import JOBS, observed
from tests.cluster import ControlPlane, Progress
from tests.cluster.control_plane.apiserver import controller_manager_flags
from tests.cluster.control_plane.kwok import completed_ending
from tests.operator.conftest import NAMESPACES, SERVICE_ACCOUNTS
from tests.operator.process import OperatorProcess, running_operator
from tests.waiting import eventually

CRD_FILE: Final = Path(__file__).parents[3] / "crds" / "skyverntasks.skyvern.io.yaml"
RUNNER_MS: Final = 1000
"""How long each simulated runner runs."""
LIVE_NAMESPACE: Final = "live"
"""Pods in it never end."""
MANAGER: Final = "kube-controller-manager"
_CONTROLLERS: Final = ("job-controller", "garbage-collector-controller", "serviceaccount-controller")
_MANAGER_READY_SECONDS: Final = 120.0
_WRITES: Final = re.compile(r'apiserver_request_total\{(.*verb="(?:POST|PUT|PATCH|APPLY|DELETE)".*)\} (\S+)')
_BACKGROUND: Final = re.compile(r'resource="(?:leases|nodes|tokenreviews|subjectaccessreviews|events|configmaps)"')


@dataclass(frozen=True)
class Tuning:
    """Rates of writes, and workers, of both sides."""

    operator: dict[str, Any]
    """Changes of the operator's configuration."""
    jobs: tuple[str, ...]
    """Flags of the controller manager."""


DEFAULTS: Final = Tuning({}, ())
TUNED: Final = Tuning(
    {"writes": {"qps": 300, "burst": 600}},
    ("--kube-api-qps=300", "--kube-api-burst=600", "--concurrent-job-syncs=30"),
)


@dataclass
class World:
    """One run of the benchmark."""

    plane: ControlPlane
    client: ClusterClient
    progress: Progress
    _numbers: "count[int]" = field(default_factory=count)
    _jobs: tuple[str, ...] | None = None

    def prepare(self, nodes: int) -> None:
        """The CRD, and nodes on which the pods of tasks and of Jobs end alike."""
        self.plane.run_kubectl("apply", "--server-side", "-f", str(CRD_FILE))
        self.plane.run_kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRD_FILE))
        ending = completed_ending(after_ms=RUNNER_MS)
        self.plane.add_kwok_nodes(
            nodes, replace(ending, owners=("SkyvernTask", "Job"), spared_namespace=LIVE_NAMESPACE)
        )

    async def namespace(self, name: str = "") -> str:
        """A namespace of its own, at the restricted level."""
        name = name or f"bench-{next(self._numbers)}"
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        await self.client.create(NAMESPACES, None, {"metadata": {"name": name, "labels": labels}})
        await self.client.create(SERVICE_ACCOUNTS, name, {"metadata": {"name": "skyvern-task"}})
        return name

    async def job_controller(self, tuning: Tuning) -> None:
        """Restart the controller manager with the Job controller so tuned; it collects garbage for both sides."""
        if self._jobs == tuning.jobs:
            return
        self.plane.stop_daemon(MANAGER)
        flags = controller_manager_flags(self.plane.pki, self.plane.directory / "kcm.conf")
        kept = [flag for flag in flags if not flag.startswith("--kube-api-")]
        self.plane.daemons.start(
            MANAGER,
            [self.plane.kubectl.parent / MANAGER, *kept, *tuning.jobs, f"--controllers={','.join(_CONTROLLERS)}"],
        )
        namespace = await self.namespace()
        async with observed(self.client, namespace, JOBS) as seen:
            await objects.create(self.client, namespace, seen, objects.job("probe"))

            async def ends() -> int:
                return len(seen.ended)

            await eventually(ends, bool, what="the Job controller at work", within=_MANAGER_READY_SECONDS)
        self._jobs = tuning.jobs

    @asynccontextmanager
    async def operator(self, namespaces: str, tuning: Tuning = TUNED) -> AsyncIterator[OperatorProcess]:
        """The operator, ready."""
        with tempfile.TemporaryDirectory() as directory:
            async with running_operator(
                Path(directory), self.plane.kubeconfig, namespaces, **tuning.operator
            ) as operator:
                yield operator

    def writes(self) -> float:
        """Writes to objects that the API server has taken so far, from whomever."""
        text = self.plane.run_kubectl("get", "--raw", "/metrics").stdout
        return sum(float(found[2]) for found in _WRITES.finditer(text) if not _BACKGROUND.search(found[1]))


def cpu_ms(operator: OperatorProcess) -> float:
    """Processor time of the operator so far."""
    fields = Path(f"/proc/{operator.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") * 1000
