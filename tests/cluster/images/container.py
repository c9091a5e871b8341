"""Containers without a cluster: image archives, unpacked and run by runc under a pod's restrictions."""

import ctypes
import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.base.shell import run, wait_until

CLONE_NEWNET = 0x40000000
WHITEOUT = ".wh."
ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)
TMPFS = ("nosuid", "nodev", "mode=1777", "size=512m")


@dataclass(frozen=True)
class RootFilesystem:
    """An unpacked image: its files, and what it runs."""

    path: Path
    entrypoint: tuple[str, ...]
    environment: tuple[str, ...]
    user: str


def unpack(archive: Path, target: Path) -> RootFilesystem:
    """Unpack the layers of an archive in Docker's form into an empty directory."""
    parts, root = target / "parts", target / "root"
    for folder in (parts, root):
        folder.mkdir(parents=True)
    run(["tar", "-x", "-f", archive, "-C", parts], timeout=300)
    manifest = json.loads((parts / "manifest.json").read_text())[0]
    for layer in manifest["Layers"]:
        run(["tar", "-x", "-p", "--numeric-owner", "-f", parts / layer, "-C", root], timeout=300)
        found = run(["find", root, "-name", f"{WHITEOUT}*"], timeout=60).stdout.splitlines()
        for whiteout in [Path(path) for path in found if not Path(path).name.startswith(WHITEOUT * 2)]:
            run(["rm", "-rf", whiteout.with_name(whiteout.name.removeprefix(WHITEOUT)), whiteout], timeout=60)
    config = json.loads((parts / manifest["Config"]).read_text())["config"]
    run(["rm", "-rf", parts], timeout=60)
    return RootFilesystem(
        root, tuple(config.get("Entrypoint") or ()), tuple(config.get("Env") or ENVIRONMENT), config.get("User", "")
    )


def configuration(
    root: RootFilesystem, args: Sequence[str], hosts: Path, seccomp: dict[str, Any] | None
) -> dict[str, Any]:
    """runc's configuration for a container as the restricted level wants it, as the image's own user.

    No capabilities, no new privileges, a read-only root, /tmp in memory, and no network but the loopback.
    """
    uid, gid = (int(part) for part in root.user.split(":"))
    namespaces = [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]
    linux: dict[str, Any] = {
        "namespaces": namespaces,
        "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    }
    if seccomp:
        linux["seccomp"] = seccomp
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": uid, "gid": gid},
            "args": list(args),
            "env": list(root.environment),
            "cwd": "/tmp",  # noqa: S108 - inside the container
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": str(root.path), "readonly": True},
        "mounts": [
            _mount("/proc", "proc"),
            _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=64m"),
            _mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
            _mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=64m"),  # noqa: S108
            _mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
            _mount("/tmp", "tmpfs", *TMPFS),  # noqa: S108 - inside the container
            {"destination": "/etc/hosts", "type": "bind", "source": str(hosts), "options": ["bind", "ro"]},
        ],
        "linux": linux,
    }


def _mount(destination: str, kind: str, *options: str) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": kind, "options": list(options)}


class Container:
    """A running container of runc."""

    def __init__(self, bundle: Path, process: subprocess.Popen[bytes], log: Path) -> None:
        self._name = bundle.name
        self._process = process
        self._log = log

    @property
    def log(self) -> str:
        """What it has written."""
        return self._log.read_text(errors="replace")

    def pid(self) -> int:
        """Its first process, by this machine's numbers; 0 until it runs."""
        state = run(["runc", "state", self._name], timeout=10, check=False).stdout
        return int(json.loads(state).get("pid", 0)) if state.startswith("{") else 0

    def processes(self) -> list[int]:
        """All its processes, by this machine's numbers."""
        return list(json.loads(run(["runc", "ps", "--format", "json", self._name], timeout=10).stdout))

    def terminate(self, timeout: float) -> float:
        """Send SIGTERM, as the kubelet does, and returns the seconds until all its processes had ended."""
        began = time.monotonic()
        run(["runc", "kill", self._name, "TERM"], timeout=10)
        self._process.wait(timeout)
        return time.monotonic() - began

    def wait(self, timeout: float) -> int:
        """Its exit code."""
        return self._process.wait(timeout)

    def enter_network(self) -> None:
        """Move the calling thread into the container's network for good: its sockets are created there from now on."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/proc/{self.pid()}/ns/net").open() as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns failed")


@contextmanager
def running(
    root: RootFilesystem, bundle: Path, *, args: Sequence[str] = (), seccomp: dict[str, Any] | None = None
) -> Iterator[Container]:
    """Run the image's entry point (or `args`) in a container named after `bundle`, an empty directory.

    It is running when the caller gets it; what is left of it at the end is killed and removed.
    """
    hosts, log = bundle / "hosts", bundle / "log"
    hosts.write_text("127.0.0.1 localhost\n")
    # The mount point must exist: the root is read-only for runc too.
    (root.path / "etc/hosts").touch()
    config = configuration(root, args or root.entrypoint, hosts, seccomp)
    (bundle / "config.json").write_text(json.dumps(config))
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["runc", "run", "--bundle", bundle, bundle.name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "XDG_RUNTIME_DIR": "/run"},
        )
    container = Container(bundle, process, log)
    try:
        wait_until(lambda: process.poll() is not None or container.pid() > 0, timeout=20, what="the container running")
        yield container
    finally:
        run(["runc", "delete", "--force", bundle.name], timeout=30, check=False)
        process.wait(20)
