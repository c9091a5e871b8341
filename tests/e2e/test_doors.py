"""A wrong task is refused by kubectl apply, with a message that names the field and the remedy."""

from typing import Any

import pytest

from tests.e2e.manifests import SITE, opening
from tests.e2e.world import World

pytestmark = pytest.mark.node

SECRET = {"secretKeyRef": {"name": "payload", "key": "json"}}


@pytest.mark.parametrize(
    ("name", "spec", "message"),
    [
        ("no-url", {"navigationGoal": "Go."}, "spec.url: Required value"),
        ("wrong-scheme", {"url": "ftp://example.com/"}, "http"),
        ("typo", {"url": f"{SITE}/", "navigationGaol": "Go."}, 'unknown field "spec.navigationGaol"'),
        ("no-steps", {"url": f"{SITE}/", "maxSteps": 0}, "spec.maxSteps"),
        (
            "two-payloads",
            {"url": f"{SITE}/", "navigationPayload": {"a": 1}, "navigationPayloadFrom": SECRET},
            "set either navigationPayload or navigationPayloadFrom, not both",
        ),
        ("Wrong_Name", {"url": f"{SITE}/"}, "metadata.name"),
    ],
)
async def test_kubectl_apply_refuses(world: World, name: str, spec: dict[str, Any], message: str) -> None:
    done = world.apply(name, spec)
    assert done.returncode != 0
    assert message in done.stderr


async def test_kubectl_apply_refuses_to_change_what_the_task_shall_do(world: World, by_kubectl: dict[str, str]) -> None:
    done = world.apply(by_kubectl["download"], opening(f"{SITE}/elsewhere"))
    assert done.returncode != 0
    assert "url is immutable: create a new task" in done.stderr


def test_the_runner_s_account_may_do_nothing_but_report(world: World) -> None:
    account = f"system:serviceaccount:{world.namespace}:skyvern-task"
    for verb, kind in (("get", "skt"), ("list", "pods"), ("get", "secrets"), ("create", "skt"), ("patch", "skt")):
        done = world.kubectl("auth", "can-i", verb, kind, f"--as={account}", check=False)
        assert done.stdout.strip() == "no", f"{verb} {kind}"
    done = world.kubectl("auth", "can-i", "patch", "skt", "--subresource=status", f"--as={account}", check=False)
    assert done.stdout.strip() == "yes"
