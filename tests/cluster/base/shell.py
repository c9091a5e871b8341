"""Short-lived programs: run with a deadline, and explained when they fail."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

from tests.cluster.base.errors import SetupError

TAIL_LINES = 15


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines of an output, indented for an error message."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])


def run(
    args: Sequence[str | Path],
    *,
    timeout: float,
    input: str | None = None,  # noqa: A002 - as subprocess.run calls it
    check: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    remedy: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and capture its output.

    Raises SetupError when the program is missing, takes longer than `timeout` seconds, or (with `check`) fails.
    """
    command = [str(arg) for arg in args]
    try:
        done = subprocess.run(
            command,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            text=True,
            capture_output=True,
            timeout=timeout,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError:
        raise SetupError(f"the program {command[0]} is not installed", remedy) from None
    except subprocess.TimeoutExpired:
        raise SetupError(f"`{' '.join(command)}` was not done within {timeout:.0f} s", remedy) from None
    if check and done.returncode != 0:
        output = tail(done.stderr or done.stdout)
        raise SetupError(f"`{' '.join(command)}` ended with code {done.returncode}:\n{output}", remedy)
    return done


def answers(args: Sequence[str], timeout: float = 10) -> bool:
    """Whether a program exists and succeeds; container engines are found this way."""
    if shutil.which(args[0]) is None:
        return False
    try:
        return run(args, timeout=timeout, check=False).returncode == 0
    except SetupError:
        return False


def wait_until(condition: Callable[[], bool], *, timeout: float, what: str, interval: float = 0.05) -> None:
    """Poll until `condition` holds. Raises SetupError that names `what` after `timeout` seconds."""
    deadline = monotonic() + timeout
    while not condition():
        if monotonic() > deadline:
            raise SetupError(f"{what}: not within {timeout:.0f} s")
        sleep(interval)
