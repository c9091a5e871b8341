"""What a node changes on its host, so that it can be undone: kernel settings, control groups, mounts."""

import json
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.cluster.base.errors import SetupError
from tests.cluster.base.processes import start_time
from tests.cluster.base.shell import run, wait_until

# setupKernelTunables of the kubelet (pkg/kubelet/cm/container_manager_linux.go).
KUBELET_SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
# Places outside its state folder that a node writes to and no setting moves: the kubelet's sockets for devices and its
# links to logs, the state of runc and the shims, the network plugins' results.
SHARED_FOLDERS = ("/var/lib/kubelet", "/var/log/containers", "/run/containerd", "/var/lib/cni")
LOG_LINKS = Path("/var/log/containers")
DEVICE_SOCKET = Path("/var/lib/kubelet/device-plugins/kubelet.sock")
PROC_SYS = Path("/proc/sys")
CGROUPS = Path("/sys/fs/cgroup")


def read_sysctls(root: Path = PROC_SYS) -> dict[str, str]:
    """The kernel settings that a kubelet sets, as they are now."""
    return {name: (root / name).read_text().strip() for name in KUBELET_SYSCTLS if (root / name).exists()}


def remember_sysctls(file: Path) -> None:
    """Write the settings to a file, unless an earlier set-up has done so."""
    if not file.exists():
        file.write_text(json.dumps(read_sysctls(), indent=1))


def changed_sysctls(file: Path) -> list[str]:
    """`name: old -> new` for each setting that differs from the remembered one."""
    old = json.loads(file.read_text())
    now = read_sysctls()
    return [f"{name.replace('/', '.')}: {old[name]} -> {now[name]}" for name in old if now.get(name) != old[name]]


def restore_sysctls(file: Path, root: Path = PROC_SYS) -> None:
    """Restore the remembered values that differ."""
    if not file.exists():
        return
    now = read_sysctls(root)
    for name, value in json.loads(file.read_text()).items():
        if now.get(name) != value:
            (root / name).write_text(value)


def remember_absent(file: Path, folders: Sequence[str] = SHARED_FOLDERS) -> None:
    """Record which shared folders do not exist yet."""
    if not file.exists():
        file.write_text(json.dumps([folder for folder in folders if not Path(folder).exists()]))


def remove_absent(file: Path) -> None:
    """Remove the folders that did not exist before and are empty now."""
    if not file.exists():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(DEVICE_SOCKET))
        except ConnectionRefusedError:  # its kubelet is gone; the socket of another kubelet would answer
            DEVICE_SOCKET.unlink()
        except OSError:
            pass
    for folder in json.loads(file.read_text()):
        for found, _, _ in os.walk(folder, topdown=False):
            with suppress(OSError):
                Path(found).rmdir()


def remove_links(target: Path, folder: Path = LOG_LINKS) -> None:
    """Remove the links of a folder that point below `target`: the kubelet's links to logs of containers."""
    for link in folder.glob("*"):
        if link.is_symlink() and link.readlink().is_relative_to(target):
            link.unlink()


def is_cgroup_v2(root: Path = CGROUPS) -> bool:
    """Whether cgroup v2 is in use."""
    return (root / "cgroup.controllers").exists()


class ControlGroups:
    """A group of the node's name in every hierarchy, in which its daemons and pods live; removed with them."""

    def __init__(self, name: str, root: Path = CGROUPS) -> None:
        self.name = name
        self._root = root
        self.v2 = is_cgroup_v2(root)

    def _hierarchies(self) -> list[Path]:
        if self.v2:
            return [self._root]
        folders = [folder for folder in self._root.iterdir() if (folder / "cgroup.procs").exists()]
        # A name that is a link (cpu -> cpu,cpuacct) is the same hierarchy again.
        return sorted({folder.resolve() for folder in folders})

    def _groups(self) -> list[Path]:
        return [folder / self.name for folder in self._hierarchies()]

    def create(self) -> Path:
        """Create the groups; return the one that daemons join.

        Raises SetupError when the kernel has no control groups, or they cannot be divided.
        """
        if not self._hierarchies():
            raise SetupError(f"no control groups at {self._root}", "mount them: mount -t cgroup2 none /sys/fs/cgroup")
        for group in self._groups():
            group.mkdir(exist_ok=True)
        if self.v2:
            self._enable_controllers(self._root)
            self._enable_controllers(self._root / self.name)
            daemons = self._root / self.name / "daemons"
        else:
            for group in self._groups():
                self._inherit_cpuset(group)
            daemons = next((g for g in self._groups() if g.parent.name == "pids"), self._groups()[0]) / "daemons"
        daemons.mkdir(exist_ok=True)
        return daemons

    @staticmethod
    def _enable_controllers(group: Path) -> None:
        wanted = (group / "cgroup.controllers").read_text().split()
        enabled = (group / "cgroup.subtree_control").read_text().split()
        missing = " ".join(f"+{name}" for name in wanted if name not in enabled)
        if not missing:
            return
        try:
            (group / "cgroup.subtree_control").write_text(missing)
        except OSError as error:
            raise SetupError(
                f"control group {group} cannot be divided ({error.strerror})",
                "inside a container, move its processes out of the root group, or use kind",
            ) from error

    @staticmethod
    def _inherit_cpuset(group: Path) -> None:
        """A new cpuset group of cgroup v1 has no processor and no memory node, and accepts no process."""
        for name in ("cpuset.cpus", "cpuset.mems"):
            if (group / name).exists() and not (group / name).read_text().strip():
                (group / name).write_text((group.parent / name).read_text())

    def processes(self) -> set[int]:
        """Every process in the groups, including those that daemons have started and lost sight of."""
        pids: set[int] = set()
        for group in self._groups():
            for file in group.rglob("cgroup.procs"):
                with suppress(OSError):
                    pids |= {int(line) for line in file.read_text().split()}
        return pids

    def remove(self) -> None:
        """Kill what still runs in the groups, and remove them, the deepest first."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        def empty() -> bool:
            return not any(start_time(pid) for pid in self.processes())

        wait_until(empty, timeout=20, what=f"the end of the processes in control group {self.name}")
        for group in self._groups():
            folders = sorted((file.parent for file in group.rglob("cgroup.procs")), key=lambda f: -len(f.parts))
            for folder in folders:
                wait_until(lambda folder=folder: _removed(folder), timeout=10, what=f"removal of {folder}")  # type: ignore[misc]


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def mounts_below(folder: Path, table: Path = Path("/proc/self/mounts")) -> list[str]:
    """Mount points at or below a folder, the last mounted first."""
    points = [line.split()[1].replace("\\040", " ") for line in table.read_text().splitlines()]
    return [point for point in reversed(points) if Path(point).is_relative_to(folder)]


def unmount_below(folder: Path) -> None:
    """Unmount everything at or below a folder."""
    for point in mounts_below(folder):
        run(["umount", "--lazy", point], timeout=30, check=False)
