"""The one version of the workspace, its four packages and the chart.

The root's pyproject.toml has it. `python -m tests.house.version 0.2.0` writes it to every place; without an argument it
is printed.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = "pyproject.toml"
PLACES = (
    (SOURCE, r'^version = "(.*)"$'),
    ("crds/pyproject.toml", r'^version = "(.*)"$'),
    ("operator/pyproject.toml", r'^version = "(.*)"$'),
    ("apiserver/pyproject.toml", r'^version = "(.*)"$'),
    ("browser-image/pyproject.toml", r'^version = "(.*)"$'),
    ("charts/skyvern-operator/Chart.yaml", r"^version: (.*)$"),
    ("charts/skyvern-operator/Chart.yaml", r"^appVersion: (.*)$"),
)
"""File, and the line in it whose group is the version."""
SEMANTIC = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(alpha|beta|rc)\.(0|[1-9]\d*))?")
"""Semantic versions that Helm and OCI tags take as they are, and Python as well."""


def current(root: Path = ROOT) -> str:
    """The version of the workspace."""
    return str(tomllib.loads((root / SOURCE).read_text())["project"]["version"])


def written(root: Path = ROOT) -> dict[str, str]:
    """What every place says."""
    found: dict[str, str] = {}
    for file, pattern in PLACES:
        lines = re.findall(pattern, (root / file).read_text(), re.MULTILINE)
        found[f"{file}: {pattern}"] = lines[0] if len(lines) == 1 else f"{len(lines)} lines"
    return found


def write(version: str, root: Path = ROOT) -> None:
    """Write a version to every place. Raises ValueError where it is not a semantic version."""
    if not SEMANTIC.fullmatch(version):
        raise ValueError(f"{version!r} is not a version such as 0.2.0 or 0.2.0-rc.1")
    for file, pattern in PLACES:
        path = root / file
        path.write_text(
            re.sub(pattern, lambda line: line[0].replace(line[1], version), path.read_text(), flags=re.MULTILINE)
        )


def main(argv: Sequence[str]) -> int:
    """Print or write the version."""
    parser = argparse.ArgumentParser(prog="python -m tests.house.version", description="Print or write the version.")
    parser.add_argument("version", nargs="?")
    version = parser.parse_args(argv).version
    try:
        if version:
            write(version)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(current())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
