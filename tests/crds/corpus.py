"""The corpus: tasks that the API server must accept or refuse, and the messages that a user of kubectl then reads.

A file has ``spec`` and, each after the former was accepted, ``becomes`` (the spec after a change; with ``replace`` by
kubectl replace), ``status`` and ``status_becomes``. In reject/ the last of these is refused, with all ``messages``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).parent / "corpus"
STAGES = ("spec", "becomes", "status", "status_becomes")


class _Loader(yaml.SafeLoader):
    """YAML with ``!repeat [prefix, text, times]``."""


def _repeat(loader: yaml.Loader, node: yaml.SequenceNode) -> str:
    prefix, text, times = loader.construct_sequence(node)
    return str(prefix) + str(text) * int(times)


_Loader.add_constructor("!repeat", _repeat)


@dataclass(frozen=True)
class Case:
    """One file of the corpus."""

    name: str
    stages: tuple[tuple[str, Any], ...]
    replace: bool
    messages: tuple[str, ...]


def load(folder: str) -> list[Case]:
    """All cases of ``accept`` or ``reject``."""
    return [_case(path) for path in sorted((DIRECTORY / folder).glob("*.yaml"))]


def _case(path: Path) -> Case:
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader with one more tag
    unknown = set(data) - {*STAGES, "replace", "messages"}
    if unknown:
        raise ValueError(f"{path}: unknown keys {sorted(unknown)}")
    stages = tuple((stage, data[stage]) for stage in STAGES if stage in data)
    return Case(path.stem, stages, bool(data.get("replace")), tuple(data.get("messages", ())))
