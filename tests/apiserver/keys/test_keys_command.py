"""`skyvern-apiserver keys`, as its users call it, on a real API server."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.apiserver.cluster import Tenants
from tests.waiting import eventually

pytestmark = pytest.mark.contract

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def keys(tenants: Tenants) -> Run:
    def run(*arguments: str, kubeconfig: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
        config = ["--kubeconfig", str(kubeconfig or tenants.plane.kubeconfig)]
        command = [sys.executable, "-m", "skyvern_apiserver", "keys", *config, *arguments]
        environ = {**os.environ, "SKYVERN_KEYS_NAMESPACE": tenants.release}
        return subprocess.run(
            command, capture_output=True, text=True, input=stdin, env=environ, timeout=120, check=False
        )

    return run


async def accepted(caller: Callable[..., httpx2.AsyncClient], key: str, status: int) -> httpx2.Response:
    client = caller(**{"x-api-key": key})
    return await eventually(
        lambda: client.get("/api/v1/tasks"), lambda answer: answer.status_code == status, what=f"the key gives {status}"
    )


async def test_key_is_created_rotated_and_disabled(
    keys: Run, caller: Callable[..., httpx2.AsyncClient], tenants: Tenants
) -> None:
    made = keys("create", "team", "--namespace", tenants.a, "--organization", "o_team", "--signature", "legacy")
    assert made.returncode == 0, made.stderr
    first = made.stdout.strip()
    assert len(first) >= 40
    assert first not in made.stderr
    await accepted(caller, first, 200)

    rotated = keys("rotate", "team")
    assert rotated.returncode == 0, rotated.stderr
    second = rotated.stdout.strip()
    assert ("team-2" in rotated.stderr, first == second) == (True, False)
    await accepted(caller, second, 200)
    await accepted(caller, first, 200)

    ended = keys("disable", "team")
    assert ended.returncode == 0, ended.stderr
    refused = await accepted(caller, first, 403)
    assert "expired" in refused.json()["detail"]
    await accepted(caller, second, 200)
    assert "disabled before" in keys("disable", "team").stderr

    listed = keys("list").stdout
    rows = {line.split()[0]: line.split() for line in listed.splitlines()}
    assert rows["team"][1:3] == ["o_team", tenants.a]
    assert (rows["team"][-1], rows["team-2"][-1]) == ("disabled", "active")
    assert not any(key in listed for key in (first, second))
    secret = json.loads(
        tenants.plane.run_kubectl("get", "secret", "team-2", "--namespace", tenants.release, "--output=json").stdout
    )
    assert secret["data"]["webhook-signature"] == "bGVnYWN5"


def test_key_of_ones_own_is_taken_if_it_cannot_be_guessed(keys: Run, tenants: Tenants) -> None:
    create = ("create", "own", "--namespace", tenants.a, "--key-file", "-")
    for key, text in (("short", "at least 16"), ("with blanks inside it", "without blanks"), ("", "holds no key")):
        refused = keys(*create, stdin=key)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert text in refused.stderr
    taken = keys(*create, stdin="a-key-from-another-system\n")
    assert taken.stdout == "a-key-from-another-system\n"
    again = keys(*create, stdin="a-key-from-another-system\n")
    assert (again.returncode, "rotate" in again.stderr) == (1, True)


def test_account_of_the_facade_lists_keys_and_can_make_none(
    keys: Run, facade_kubeconfig: Path, tenants: Tenants
) -> None:
    assert "alice" in keys("list", kubeconfig=facade_kubeconfig).stdout
    refused = keys("create", "mine", "--namespace", tenants.a, kubeconfig=facade_kubeconfig)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"The right to create Secrets in namespace {tenants.release} is missing" in refused.stderr
    assert "kubeconfig" in refused.stderr
    disabled = keys("disable", "alice", kubeconfig=facade_kubeconfig)
    assert "The right to patch Secrets" in disabled.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("disable", "nobody"), "There is no key nobody"),
        (("rotate", "not-a-key"), "is not an API key"),
        (("create", "No Name", "--namespace", "a"), "not legal"),
        (("create", "x", "--namespace", "a", "--organization", "not a label"), "organization-id"),
        (("--keys-namespace", "nowhere", "create", "x", "--namespace", "a"), "There is no namespace nowhere"),
    ],
)
def test_mistake_is_named_with_its_remedy(keys: Run, tenants: Tenants, arguments: tuple[str, ...], text: str) -> None:
    plain = ("create", "secret", "generic", "not-a-key", "--from-literal=key=x", "--dry-run=client", "--output=yaml")
    manifest = tenants.plane.run_kubectl(*plain).stdout
    tenants.plane.run_kubectl("apply", "--namespace", tenants.release, "--filename=-", input=manifest)
    refused = keys(*arguments)
    assert (refused.returncode, text in refused.stderr) == (1, True), refused.stderr
