"""Simulated nodes for tests of scale: kwok simulates their kubelets, and the pods of tasks end with a verdict."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import yaml

from tests.cluster.base.processes import Daemons, wait_for

RUN_ANNOTATION = "simulation.skyvern.io/duration"
"""On a pod: how long its runner runs, as a Go duration (`250ms`)."""
MESSAGE_ANNOTATION = "simulation.skyvern.io/termination-message"
"""On a pod: the runner's termination message."""
EXIT_ANNOTATION = "simulation.skyvern.io/exit-code"
"""On a pod: the runner's exit code, as text."""
READY_S = 120.0
PARALLEL = 32


@dataclass(frozen=True)
class TaskEnding:
    """How the runner of a task's pod ends unless the pod's annotations say otherwise."""

    message: str
    exit_code: int = 0
    after_ms: int = 0
    owners: tuple[str, ...] = ("SkyvernTask",)
    """Kinds whose pods end so. Those of Jobs otherwise complete as soon as they run."""
    spared_namespace: str = ""
    """Pods of this namespace run for ever."""


def completed_ending(after_ms: int = 0) -> TaskEnding:
    """The verdict of a task that has reached its goal."""
    # Imported here, since a cluster comes up without the API package too.
    from skyvern_crds.runner_contract import TerminationRecord
    from skyvern_crds.vocabulary import Phase, Reason

    record = TerminationRecord(outcome=Phase.COMPLETED, reason=Reason.COMPLETED, step_count=1)
    return TaskEnding(record.message(), after_ms=after_ms)


def _ended(spec: str, status: str, code: str, reason: str, message: str = "") -> str:
    """The part of a status template that has all containers of a list terminated."""
    return f"""\
{status}:
{{{{ range {spec} }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  ready: false
  restartCount: 0
  started: false
  state:
    terminated:
      exitCode: {code}
      reason: {reason}
      message: {message}
      startedAt: {{{{ $start | Quote }}}}
      finishedAt: {{{{ $now | Quote }}}}
{{{{ end }}}}
"""


def task_stage(ending: TaskEnding) -> dict[str, Any]:
    """A kwok Stage that ends running pods which belong to a task: the runner first, and its sidecar with it."""
    reason = "{{ if eq $code 0 }}Completed{{ else }}Error{{ end }}"
    runner = _ended(".spec.containers", "containerStatuses", "{{ $code }}", reason, "{{ $message | Quote }}")
    browser = _ended(".spec.initContainers", "initContainerStatuses", "0", "Completed", '""')
    template = f"""\
{{{{ $now := Now }}}}
{{{{ $start := .status.startTime }}}}
{{{{ $message := or (index (or .metadata.annotations dict) "{MESSAGE_ANNOTATION}") {json.dumps(ending.message)} }}}}
{{{{ $code := atoi (or (index (or .metadata.annotations dict) "{EXIT_ANNOTATION}") "{ending.exit_code}") }}}}
{runner}{browser}conditions:
{{{{ range list "Ready" "ContainersReady" }}}}
- type: {{{{ . }}}}
  status: "False"
  reason: PodCompleted
  lastTransitionTime: {{{{ $now | Quote }}}}
{{{{ end }}}}
phase: {{{{ if eq $code 0 }}}}Succeeded{{{{ else }}}}Failed{{{{ end }}}}
"""
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": "task-end"},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {
                "matchExpressions": [
                    {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
                    {"key": ".status.phase", "operator": "In", "values": ["Running"]},
                    {"key": ".metadata.ownerReferences.[].kind", "operator": "In", "values": list(ending.owners)},
                    {"key": ".metadata.namespace", "operator": "NotIn", "values": [ending.spared_namespace]},
                ]
            },
            "delay": {
                "durationMilliseconds": ending.after_ms,
                "durationFrom": {"expressionFrom": f'.metadata.annotations["{RUN_ANNOTATION}"]'},
            },
            "next": {"statusTemplate": template},
        },
    }


def node(name: str) -> dict[str, Any]:
    """A node with room for any number of pods."""
    capacity = {"cpu": "1k", "memory": "1Ti", "pods": "10k", "ephemeral-storage": "1Ti"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {"capacity": capacity, "allocatable": capacity},
    }


@dataclass(frozen=True)
class Simulation:
    """The programs of a simulation, and the control plane that they work with."""

    kwok: Path
    scheduler: Path
    kubeconfig: Path
    scheduler_kubeconfig: Path
    directory: Path
    daemons: Daemons
    kubectl: Callable[..., CompletedProcess[str]]


def add_nodes(
    simulation: Simulation, count: int, ending: TaskEnding, more_stages: Sequence[dict[str, Any]] = ()
) -> None:
    """(Re)start kwok and a scheduler, create `count` more nodes, and wait until all are ready.

    Raises SetupError when they are not ready within two minutes.
    """
    daemons, kubectl = simulation.daemons, simulation.kubectl
    options = {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "options": {
            "podPlayStageParallelism": PARALLEL,
            "nodePlayStageParallelism": PARALLEL,
            "nodeLeaseParallelism": PARALLEL,
        },
    }
    shipped = _shipped_stages(simulation.kwok)
    if "Job" in ending.owners:
        shipped = [stage for stage in shipped if stage["metadata"]["name"] != "pod-complete"]
    stages = [*shipped, task_stage(ending), *more_stages]
    config = simulation.directory / "kwok.yaml"
    config.write_text(yaml.safe_dump_all([options, *stages]))
    for name in ("kwok", "kube-scheduler"):
        if running := daemons.find(name):
            daemons.stop(running)
    daemons.start(
        "kube-scheduler",
        [
            simulation.scheduler, f"--kubeconfig={simulation.scheduler_kubeconfig}", "--leader-elect=false",
            "--secure-port=0", "--kube-api-qps=1000", "--kube-api-burst=1000",
        ],
    )  # fmt: skip
    player = daemons.start(
        "kwok",
        [
            simulation.kwok, f"--config={config}", f"--kubeconfig={simulation.kubeconfig}", "--manage-all-nodes",
            "--node-lease-duration-seconds=40", "--node-ip=10.0.0.1", "--cidr=10.0.0.0/16",
        ],
    )  # fmt: skip
    there = len(kubectl("get", "nodes", "-o", "name").stdout.split())
    total = there + count
    nodes = [node(f"kwok-{index}") for index in range(there, total)]
    kubectl("apply", "--server-side", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes}))
    jsonpath = 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'

    def ready() -> bool:
        return kubectl("get", "nodes", "-o", jsonpath).stdout.split().count("True") >= total

    wait_for(player, ready, timeout=READY_S, what=f"{total} simulated nodes ready")


def _shipped_stages(kwok: Path) -> list[dict[str, Any]]:
    """kwok's documents for nodes and for pods in general, kept beside the program."""
    return [stage for file in sorted(kwok.parent.glob("*.yaml")) for stage in yaml.safe_load_all(file.read_text())]
