"""kubectl apply refuses an invalid task, with a message that names the field and the remedy."""

from typing import Any

import pytest

from tests.e2e.cluster_fixture import System
from tests.e2e.manifests import SITE, opening

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
async def test_kubectl_apply_refuses_an_invalid_task_and_says_why(
    system: System, name: str, spec: dict[str, Any], message: str
) -> None:
    done = system.apply(name, spec)
    assert done.returncode != 0
    assert message in done.stderr


async def test_kubectl_apply_refuses_to_change_the_url(system: System, by_kubectl: dict[str, str]) -> None:
    done = system.apply(by_kubectl["download"], opening(f"{SITE}/elsewhere"))
    assert done.returncode != 0
    assert "url is immutable: create a new task" in done.stderr


def test_runners_account_may_do_nothing_but_report(system: System) -> None:
    account = f"system:serviceaccount:{system.namespace}:skyvern-task"
    for verb, kind in (("get", "skt"), ("list", "pods"), ("get", "secrets"), ("create", "skt"), ("patch", "skt")):
        done = system.kubectl("auth", "can-i", verb, kind, f"--as={account}", check=False)
        assert done.stdout.strip() == "no", f"{verb} {kind}"
    done = system.kubectl("auth", "can-i", "patch", "skt", "--subresource=status", f"--as={account}", check=False)
    assert done.stdout.strip() == "yes"
