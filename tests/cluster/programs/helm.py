"""Both Helm versions that the chart supports."""

from pathlib import Path

from tests.cluster import Progress
from tests.cluster.base.cache import artifact
from tests.cluster.base.shell import run
from tests.cluster.programs.toolchain import find_go, node_programs

HELM3 = "helm.sh/helm/v3/cmd/helm@v3.22.0"
# As in Helm's own release builds: the version of Kubernetes that `helm template` and `helm lint` assume.
LINKER = "-s -w " + " ".join(
    f"-X helm.sh/helm/v3/pkg/{package}.k8sVersionM{part}"
    for package in ("lint/rules", "chartutil")
    for part in ("ajor=1", "inor=36")
)


def helm4(cache: Path, progress: Progress) -> Path:
    """Helm 4, part of the local cluster's programs."""
    return node_programs(cache, progress) / "helm"


def helm3(cache: Path, progress: Progress) -> Path:
    """Helm 3, built from its module once."""

    def build(target: Path) -> None:
        go = find_go(cache, progress)
        with progress.step("build Helm 3"):
            env = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOBIN": str(target)}
            run(["nice", go, "install", "-trimpath", "-ldflags", LINKER, HELM3], timeout=1800, env=env)

    return artifact(cache, f"helm3/{HELM3.rpartition('@')[2]}-kube-1.36", build) / "helm"
