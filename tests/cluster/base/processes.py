"""Long-lived processes: started in separate sessions, recorded, and stopped only if recorded."""

import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster.base.errors import SetupError
from tests.cluster.base.shell import tail, wait_until

LISTENER_FD = 3
# Everything that a daemon needs is set before the exec, so the recorded pid is that of the daemon.
LAUNCHER = 'cd "$1" || exit 1; [ -z "$2" ] || echo $$ >"$2/cgroup.procs" || exit 1; shift 2; exec "$@"'


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (field 22 of proc_pid_stat(5)); None when it does not run."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


@dataclass(frozen=True)
class Daemon:
    """A running program. Its start time tells it from a later process with the same pid."""

    name: str
    pid: int
    started: int
    log: str

    @property
    def alive(self) -> bool:
        """Whether it still runs; reaps it if it was a child of this process."""
        with suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        return start_time(self.pid) == self.started

    def log_tail(self) -> str:
        """The end of its log, for error messages."""
        try:
            return tail(Path(self.log).read_text(errors="replace"))
        except OSError:
            return ""


class Daemons:
    """The daemons of one cluster, recorded as files so that another process can stop them."""

    def __init__(self, directory: Path) -> None:
        self._records = directory / "run"
        self._logs = directory / "log"

    def start(
        self,
        name: str,
        args: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        listener: int | None = None,
        cgroup: Path | None = None,
    ) -> Daemon:
        """Start a program; `listener` is a listening socket that it gets as file descriptor 3.

        Raises SetupError when one of that name runs already.
        """
        if self.find(name):
            raise SetupError(f"{name} runs already", "stop it first")
        self._records.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        actions: list[tuple[object, ...]] = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        if listener is not None:
            actions.append((os.POSIX_SPAWN_DUP2, listener, LISTENER_FD))
        command = ["sh", "-c", LAUNCHER, name, str(cwd or "/"), str(cgroup or ""), *(str(arg) for arg in args)]
        pid = os.posix_spawnp("sh", command, {**os.environ, **(env or {})}, file_actions=actions, setsid=True)
        daemon = Daemon(name, pid, start_time(pid) or 0, str(log))
        record = self._records / f"{name}.json"
        partial = record.with_suffix(".tmp")
        partial.write_text(json.dumps(asdict(daemon)))
        partial.rename(record)
        return daemon

    def recorded(self) -> list[Daemon]:
        """Every daemon on record, alive or not, in the order they were started."""
        found = [Daemon(**json.loads(file.read_text())) for file in self._records.glob("*.json")]
        return sorted(found, key=lambda daemon: (daemon.started, daemon.pid))

    def find(self, name: str) -> Daemon | None:
        """The daemon of that name when it runs."""
        return next((daemon for daemon in self.recorded() if daemon.name == name and daemon.alive), None)

    def stop(self, daemon: Daemon, grace: float = 10) -> None:
        """Send SIGTERM, after `grace` seconds SIGKILL, and delete the record."""
        if daemon.alive:
            self._signal(daemon, signal.SIGTERM)
            try:
                wait_until(lambda: not daemon.alive, timeout=grace, what=f"the end of {daemon.name}", interval=0.02)
            except SetupError:
                self._signal(daemon, signal.SIGKILL)
                wait_until(lambda: not daemon.alive, timeout=10, what=f"the end of {daemon.name} after SIGKILL")
        (self._records / f"{daemon.name}.json").unlink(missing_ok=True)

    def stop_all(self, last: Sequence[str], grace: float = 10) -> None:
        """Stop everything on record: the newest first, then those named in `last`, in that order."""
        daemons = {daemon.name: daemon for daemon in self.recorded()}
        first = [daemon for name, daemon in daemons.items() if name not in last]
        for daemon in [*reversed(first), *(daemons[name] for name in last if name in daemons)]:
            self.stop(daemon, grace)

    @staticmethod
    def _signal(daemon: Daemon, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(daemon.pid, number)


def wait_for(daemon: Daemon, condition: Callable[[], bool], *, timeout: float, what: str) -> None:
    """Wait for a condition that a daemon brings about; fail at once, with the end of its log, when the daemon dies."""

    def checked() -> bool:
        if condition():
            return True
        if not daemon.alive:
            raise SetupError(f"{what}: {daemon.name} ended early. {daemon.log} ends with:\n{daemon.log_tail()}")
        return False

    try:
        wait_until(checked, timeout=timeout, what=what)
    except SetupError as error:
        if daemon.alive:
            raise SetupError(error.problem, f"{daemon.log} ends with:\n{daemon.log_tail()}") from None
        raise
