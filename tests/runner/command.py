"""The runner as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SECONDS = 120
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Finished:
    """What a process left."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The JSON of ``--json``."""
        value: dict[str, Any] = json.loads(self.out)
        return value


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """An environment without the caller's model settings."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | dict(settings)


def run(*arguments: str, settings: Mapping[str, str] | None = None) -> Finished:
    """Run ``skyvern-runner`` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "skyvern_runner", *arguments],
        env=environment(settings or {}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)
