"""The corpus: tasks that the API server must accept or refuse, and the messages that a user of kubectl then reads.

poison/ holds objects that no program of ours writes and that an API server may hold all the same: see :class:`Poison`.

A file has ``spec`` and, each after the former was accepted, ``becomes`` (the spec after a change; with ``replace`` by
kubectl replace), ``status`` and ``status_becomes``. In reject/ the last of these is refused, with all ``messages``.
"""

import json
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


def _marked(kind: str) -> Any:
    def construct(_loader: yaml.Loader, node: yaml.ScalarNode) -> str:
        return f"@{kind} {node.value}@"

    return construct


_Loader.add_constructor("!repeat", _repeat)
for _kind in ("nested", "nested_object", "nested_text", "many_keys"):
    _Loader.add_constructor(f"!{_kind}", _marked(_kind))


def _big_json(kind: str, count: int) -> str:
    """JSON text too deep or too wide to build as a value."""
    match kind:
        case "nested":
            return "[" * count + "]" * count
        case "nested_object":
            return '{"a":' * count + "1" + "}" * count
        case "nested_text":
            return json.dumps("[" * count + "]" * count)
        case _:
            return json.dumps({f"key{number}": number for number in range(count)})


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


@dataclass(frozen=True)
class Poison:
    """An object that may be stored although no program of ours writes it."""

    name: str
    lenient: bool
    """Only an API server with an older or newer CRD, without our types and limits, takes it."""
    ends: bool
    """The operator brings it to an end by itself; others wait for a cancel or a deletion."""
    frozen: bool
    """The API server with the current CRD refuses every change of it but its deletion."""
    unreadable: tuple[str, ...]
    """Fields that the reader leaves out."""
    parts: dict[str, Any]

    @property
    def object_name(self) -> str:
        """Name of the object."""
        return self.name.replace("_", "-")

    def status_patch(self) -> bytes | None:
        """A merge patch that writes its status; None when it has none."""
        return _with_big_json({"status": self.parts["status"]}) if "status" in self.parts else None

    def json(self, **metadata: Any) -> bytes:
        """The object as JSON, with what ``metadata`` adds."""
        own = {key: self.parts[key] for key in ("annotations", "labels") if key in self.parts}
        value: dict[str, Any] = {
            "apiVersion": "skyvern.io/v1",
            "kind": "SkyvernTask",
            "metadata": {"name": self.object_name, **metadata, **own},
            "spec": {"url": "https://example.com/", **self.parts.get("spec", {})},
        }
        if "status" in self.parts:
            value["status"] = self.parts["status"]
        return _with_big_json(value)


def _with_big_json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False)
    for kind in ("nested_object", "nested_text", "nested", "many_keys"):
        head, *rest = text.split(f'"@{kind} ')
        for piece in rest:
            count, _, tail = piece.partition('@"')
            head += _big_json(kind, int(count)) + tail
        text = head
    return text.encode()


def load_poison() -> list[Poison]:
    """All objects of ``poison``."""
    return [_poison(path) for path in sorted((DIRECTORY / "poison").glob("*.yaml"))]


def _poison(path: Path) -> Poison:
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader with more tags
    parts = {key: data.pop(key) for key in ("spec", "status", "annotations", "labels") if key in data}
    lenient, ends, frozen = (data.pop(key, False) for key in ("lenient", "ends", "frozen"))
    unreadable = tuple(each for each in data.pop("unreadable") if each)
    if data:
        raise ValueError(f"{path}: unknown keys {sorted(data)}")
    return Poison(path.stem, lenient, ends, frozen, unreadable, parts)
