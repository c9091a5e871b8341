"""Runs a program of the release on this machine and restarts it whenever its sources change.

`python -m tests.cluster run operator` replaces the operator's pod, which is scaled to zero until the program ends.
`python -m tests.cluster run apiserver` serves the Tasks API beside the facade's pod. Both have the settings of their
pods and the rights of their service accounts. The release is installed first where it is missing.
"""

import argparse
import base64
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchfiles import PythonFilter, run_process

from tests.cluster.base.progress import Progress
from tests.cluster.cluster import Cluster, up
from tests.cluster.images.build import ROOT
from tests.cluster.release.install import DEFAULT_RELEASE, Release, exists, install_tree

FOLDER = ROOT / "build" / "run"
MOVED = ("/etc/skyvern", "/var/lib/skyvern")
"""Folders of the pods that lie below FOLDER here."""
STOP_SECONDS = 10


@dataclass(frozen=True)
class Program:
    """A program of the release, and what is different about it on this machine."""

    sources: tuple[str, ...]
    environment: Mapping[str, str]
    arguments: tuple[str, ...]
    address: str
    replaces_pod: bool
    """Whether the pod must not run at the same time."""


PROGRAMS = {
    "operator": Program(
        sources=("crds/skyvern_crds", "operator/skyvern_operator"),
        environment={},
        arguments=("--host", "127.0.0.1", "--port", "8082"),
        address="http://127.0.0.1:8082/metrics",
        replaces_pod=True,
    ),
    "apiserver": Program(
        sources=("crds/skyvern_crds", "apiserver/skyvern_apiserver"),
        environment={
            "SKYVERN_HOST": "127.0.0.1",
            "SKYVERN_PORT": "8080",
            "SKYVERN_INTERNAL_PORT": "8081",
            "SKYVERN_PUBLIC_URL": "http://127.0.0.1:8080",
            "SKYVERN_DRAIN_SECONDS": "0",
        },
        arguments=(),
        address="http://127.0.0.1:8080/api/v1/tasks",
        replaces_pod=False,
    ),
}


def moved(text: str, folder: Path) -> str:
    """A setting with the paths of this machine.

    >>> moved("file:///var/lib/skyvern/artifacts", Path("/here"))
    'file:///here/var/lib/skyvern/artifacts'
    """
    for path in MOVED:
        text = text.replace(path, f"{folder}{path}")
    return text


def local_environment(container: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The plain variables of a container, with the paths of this machine."""
    variables = {entry["name"]: entry["value"] for entry in container.get("env", []) if "value" in entry}
    return {name: moved(value, folder) for name, value in variables.items()}


def mounted_files(pod: Mapping[str, Any], cluster: Cluster, namespace: str, folder: Path) -> dict[str, bytes]:
    """The Secrets and ConfigMaps of a pod's first container as files: content by path on this machine."""
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    files: dict[str, bytes] = {}
    for mount in pod["containers"][0]["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "secret" in volume:
            data = _get(cluster, namespace, "secret", volume["secret"]["secretName"])["data"]
            content = {name: base64.b64decode(value) for name, value in data.items()}
        elif "configMap" in volume:
            data = _get(cluster, namespace, "configmap", volume["configMap"]["name"])["data"]
            content = {name: moved(value, folder).encode() for name, value in data.items()}
        else:
            continue
        path = moved(mount["mountPath"], folder)
        if "subPath" in mount:
            files[path] = content[mount["subPath"]]
        else:
            files |= {f"{path}/{name}": value for name, value in content.items()}
    return files


def write_private(target: Path, content: bytes) -> None:
    """Write a file that only its owner can read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_bytes(content)


def account_kubeconfig(cluster: Cluster, namespace: str, account: str, target: Path) -> Path:
    """Write a kubeconfig that acts as a service account for a day."""
    config = json.loads(cluster.run_kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json").stdout)
    token = cluster.run_kubectl("create", "token", account, "--namespace", namespace, "--duration=24h").stdout.strip()
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    write_private(target, json.dumps(config).encode())
    return target


@contextmanager
def pod_away(cluster: Cluster, namespace: str, deployment: str, progress: Progress) -> Iterator[None]:
    """Scale a Deployment to zero for the length of the body."""
    scale = ("scale", "deployment", deployment, "--namespace", namespace)
    replicas = _get(cluster, namespace, "deployment", deployment)["spec"]["replicas"]
    with progress.step(f"stop the pod of {deployment}"):
        cluster.run_kubectl(*scale, "--replicas=0")
        selector = ("-l", "app.kubernetes.io/component=operator", "--namespace", namespace)
        cluster.run_kubectl("wait", "--for=delete", "pod", *selector, "--timeout=60s")
    try:
        yield
    finally:
        with progress.step(f"start the pod of {deployment} again"):
            cluster.run_kubectl(*scale, f"--replicas={replicas}")


def command(name: str, cluster: Cluster, release: Release) -> str:
    """The command that runs a program with the settings of its pod, as a shell reads it."""
    program, folder = PROGRAMS[name], FOLDER / name
    deployment = _get(cluster, release.namespace, "deployment", f"{release.fullname}-{name}")
    pod = deployment["spec"]["template"]["spec"]
    for path, content in mounted_files(pod, cluster, release.namespace, folder).items():
        write_private(Path(path), content)
    kubeconfig = account_kubeconfig(cluster, release.namespace, pod["serviceAccountName"], folder / "kubeconfig")
    environment = {
        **local_environment(pod["containers"][0], folder),
        **program.environment,
        "KUBECONFIG": str(kubeconfig),
    }
    variables = [f"{name}={value}" for name, value in environment.items()]
    return shlex.join(["env", *variables, sys.executable, "-m", f"skyvern_{name}", *program.arguments])


def run_program(name: str, progress: Progress) -> None:
    """Run a program until it is interrupted. Raises SetupError where cluster or release cannot be set up."""
    program, release = PROGRAMS[name], DEFAULT_RELEASE
    cluster = up(progress)
    deployment = f"{release.fullname}-{name}"
    if not exists(cluster, release.namespace, "deployment", deployment):
        install_tree(cluster, progress)
    line = command(name, cluster, release)
    (FOLDER / name / "var/lib/skyvern/artifacts").mkdir(parents=True, exist_ok=True)
    progress.note(f"{name}: {program.address}; restarts when {' or '.join(program.sources)} changes; Ctrl-C ends it")
    if program.replaces_pod:
        with pod_away(cluster, release.namespace, deployment, progress):
            _watch(line, program)
    else:
        progress.note("artifacts are missing here unless they are in an object store: pods upload to the facade's pod")
        _watch(line, program)


def _watch(line: str, program: Program) -> None:
    sources = [ROOT / source for source in program.sources]
    files = PythonFilter(extra_extensions=(".html",))
    run_process(*sources, target=line, target_type="command", watch_filter=files, sigint_timeout=STOP_SECONDS)


def _get(cluster: Cluster, namespace: str, kind: str, name: str) -> dict[str, Any]:
    answer = cluster.run_kubectl("get", kind, name, "--namespace", namespace, "-o", "json")
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def main(argv: Sequence[str]) -> int:
    """`python -m tests.cluster run NAME`."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster run", description="Run a program with reload.")
    parser.add_argument("name", choices=PROGRAMS)
    run_program(parser.parse_args(argv).name, Progress())
    return 0
