"""`make demo`: a SkyvernTask applied with kubectl, followed to its end, and checked against what really happened."""

import argparse
import json
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.cluster import Cluster, up
from tests.cluster.release.follow import diagnosis, follow
from tests.cluster.release.install import (
    CHART_IMAGES,
    ModelSettings,
    Release,
    api_key,
    install_reachable,
    model_from_environment,
    prepare_images,
)
from tests.cluster.release.scripted import SCRIPTED_MODEL, ScriptedServers, deploy, get_json

TASK = Path(__file__).parents[2] / "e2e" / "demo-task.yaml"
TASK_SECONDS = 300.0
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Check:
    """One thing that must hold, and what was found."""

    title: str
    passed: bool
    found: str

    def line(self) -> str:
        """Return the check as a line for the terminal."""
        return f"  {'ok    ' if self.passed else 'FAILED'}  {self.title}: {self.found}"


def choose_model(cluster: Cluster, progress: Progress) -> ModelSettings:
    """Return the model to use, and say which it is."""
    given = model_from_environment()
    if given is not None and cluster.has_egress:
        progress.note(f"model: {given.name or 'the default one'} at {given.base_url or 'its provider'}")
        return given
    if given is not None:
        progress.note(
            "pods of this node cannot reach the network outside: OPENAI_API_KEY and OPENAI_BASE_URL are not used"
        )
    progress.note("model: the scripted server of tests/model (answers follow a script, no model is behind them)")
    return SCRIPTED_MODEL


def apply_task(cluster: Cluster) -> tuple[str, str]:
    """Delete the task of an earlier demo and apply it again; return its namespace and name."""
    metadata = yaml.safe_load(TASK.read_text(encoding="utf-8"))["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    # A task never runs again and its spec cannot change.
    cluster.run_kubectl("delete", "skt", name, "-n", namespace, "--ignore-not-found", "--timeout=60s")
    cluster.run_kubectl("apply", "-f", str(TASK))
    return namespace, name


def rest_answers(url: str, key: str, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the task and its steps as the Tasks API answers them."""
    headers = {"x-api-key": key}
    address = f"{url}/api/v1/tasks/{name}"
    try:
        return get_json(address, headers), get_json(f"{address}/steps", headers)
    except OSError as error:
        raise SetupError(f"GET {address}: {error}", "see the log of the API server's pod in skyvern-system") from error


def check_task(
    task: dict[str, Any], steps: list[dict[str, Any]], new: list[dict[str, Any]], public_url: str
) -> list[Check]:
    """Compare the answers of the Tasks API with what the site has recorded since the task was applied."""
    information = task.get("extracted_information") or {}
    recorded = [application["reference"] for application in new]
    counted = [step for step in steps if step.get("input_token_count") and step.get("output_token_count")]
    tokens = sum(step["input_token_count"] + step["output_token_count"] for step in counted)
    return [
        Check("the task's status is completed", task["status"] == "completed", task["status"]),
        Check("the site has recorded exactly one application", len(new) == 1, str(recorded)),
        Check(
            "the extracted reference number is the recorded one",
            [information.get("reference")] == recorded,
            str(information.get("reference")),
        ),
        Check("at least three steps have token counts", len(counted) >= 3, f"{len(counted)} steps, {tokens} tokens"),
        check_screenshot(task.get("screenshot_url"), public_url),
    ]


def check_screenshot(link: str | None, public_url: str) -> Check:
    """Fetch the screenshot by its link, without a key."""
    title = "the screenshot's link answers with a PNG"
    if not link:
        return Check(title, False, "the task has no screenshot_url")
    # Through a forward, links still have the Service's name; path and signature are the same.
    path = link.split("/", 3)[3]
    try:
        with urllib.request.urlopen(f"{public_url}/{path}", timeout=10) as answer:
            kind, content = answer.headers.get("content-type", ""), answer.read()
    except OSError as error:
        return Check(title, False, f"{link}: {error}")
    return Check(title, kind == "image/png" and content.startswith(PNG), f"{kind}, {len(content)} bytes")


def run_demo(progress: Progress) -> bool:
    """Set everything up, run the task and print the result; return whether all checks passed."""
    began = time.monotonic()
    cluster = up(progress)
    images = prepare_images(cluster, progress, (*CHART_IMAGES, "scripted"))
    servers = deploy(cluster, images["scripted"], progress)
    release = Release(model=choose_model(cluster, progress))
    release = install_reachable(cluster, images, progress, release)
    progress.note(f"set-up took {time.monotonic() - began:.1f} s; now: kubectl apply -f {TASK.name}")
    return run_task(cluster, release, servers)


def run_task(cluster: Cluster, release: Release, servers: ScriptedServers) -> bool:
    """Apply the task, follow it, print it as the Tasks API has it, and check it."""
    before = len(servers.applications())
    namespace, name = apply_task(cluster)
    task = follow(cluster, namespace, name, print, seconds=TASK_SECONDS)
    answer, steps = rest_answers(release.public_url, api_key(cluster, release), name)
    print(f"\nGET {release.public_url}/api/v1/tasks/{name}\n{json.dumps(answer, indent=2, ensure_ascii=False)}")
    print(f"\nkubectl get skt -n {namespace}")
    print(cluster.run_kubectl("get", "skt", "-n", namespace).stdout)
    checks = check_task(answer, steps, servers.applications()[before:], release.public_url)
    print("\n".join(check.line() for check in checks))
    passed = all(check.passed for check in checks)
    if not passed:
        print(f"\nWhat to look at\n{diagnosis(cluster, task, release.namespace)}")
    return passed


def main(argv: Sequence[str]) -> int:
    """`python -m tests.cluster demo`; 0 only when every check passed."""
    description = "Run the example task from nothing and check its result."
    argparse.ArgumentParser(prog="python -m tests.cluster demo", description=description).parse_args(argv)
    passed = run_demo(Progress())
    print("\nThe demo passed." if passed else "\nThe demo FAILED: see the checks above.")
    return 0 if passed else 1
