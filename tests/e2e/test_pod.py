"""A task's pod from the inside, while its agent is at work."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.cluster_fixture import System
from tests.e2e.manifests import waiting

pytestmark = pytest.mark.node

RENDERERS = """
for process in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' < "$process/cmdline")" in
    /usr/*--type=renderer*) echo "$(readlink "$process/ns/user") $(grep Seccomp_filters "$process/status")" ;;
  esac
done
"""
"""User namespace and count of seccomp filters of each renderer."""


@pytest.fixture(scope="module")
async def pod(system: System) -> AsyncIterator[str]:
    """Name of a pod whose task waits until the module's tests are done."""
    system.start("looked-at", waiting("Wait to be looked at."))
    task = await system.at_work("looked-at")
    yield task["status"]["podName"]
    system.remove("looked-at")


def shell(system: System, pod: str, container: str, script: str) -> str:
    """The output of a script in a container, errors included."""
    done = system.kubectl("exec", pod, "-c", container, "--", "sh", "-c", script, check=False)
    return (done.stdout + done.stderr).strip()


def test_chromes_own_sandbox_holds_the_renderers(system: System, pod: str) -> None:
    if system.cluster.seccomp_profile is None:
        assert "--no-sandbox" in shell(system, pod, "browser", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        return
    outside = shell(system, pod, "browser", "readlink /proc/self/ns/user")
    renderers = [line.split() for line in shell(system, pod, "browser", RENDERERS).splitlines()]
    assert renderers
    for namespace, _, filters in renderers:
        assert namespace != outside, "a renderer runs in the container's user namespace"
        assert int(filters) >= 2, "a renderer has only the container's seccomp filter"


@pytest.mark.parametrize("container", ["browser", "runner"])
def test_containers_run_as_a_plain_user_on_a_read_only_root(system: System, pod: str, container: str) -> None:
    assert shell(system, pod, container, "id -u") == "10001"
    assert "Read-only file system" in shell(system, pod, container, "touch /x")
    assert "0000000000000000" in shell(system, pod, container, "grep CapEff /proc/self/status")


def test_browser_container_has_neither_token_nor_key(system: System, pod: str) -> None:
    assert "No such file" in shell(system, pod, "browser", "ls /var/run/secrets")
    names = {line.partition("=")[0] for line in shell(system, pod, "browser", "env").splitlines()}
    assert not [name for name in names if name.startswith(("OPENAI", "SKYVERN"))]


def test_runner_token_is_readable_by_its_group_only(system: System, pod: str) -> None:
    path = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    assert shell(system, pod, "runner", f"stat -L -c %a {path}") in {"400", "440", "600", "640"}


def test_chromedriver_listens_on_the_loopback_only(system: System, pod: str) -> None:
    # Local addresses in state 0A (listening), in hexadecimal, as the kernel writes them.
    script = "awk '$4 == \"0A\" {print $2}' /proc/net/tcp /proc/net/tcp6 2>/dev/null || cat /proc/net/tcp"
    listening = shell(system, pod, "browser", script)
    assert ":252B" in listening  # 9515
    for address in listening.split():
        assert address.startswith(("0100007F:", "00000000000000000000000001000000:")), address
