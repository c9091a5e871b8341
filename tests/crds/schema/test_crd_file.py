"""The committed CRD: up to date, small, structural, and each of its rules tried by the corpus."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from skyvern_crds.__main__ import main, render
from skyvern_crds.schema import MAX_CRD_BYTES, custom_resource_definition, openapi_schema
from skyvern_crds.schema.structural import PRESERVE, VALIDATIONS
from skyvern_crds.spec import MUTABLE_SPEC_FIELDS, SkyvernTaskSpec
from tests.crds.corpus import load

REFUSALS = [text for case in load("reject") for text in case.messages]
CRD_FILE = Path(__file__).parents[3] / "crds" / "skyverntasks.skyvern.io.yaml"


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node of a schema with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in schema:
            yield from nodes(schema[keyword], path + mark)


def test_committed_file_is_what_the_models_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--check", str(CRD_FILE)]) == 0, capsys.readouterr().err


def test_file_that_differs_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh, stale, missing = (tmp_path / name for name in ("fresh.yaml", "stale.yaml", "missing.yaml"))
    assert main(["generate", str(fresh), str(stale)]) == 0
    stale.write_text(stale.read_text() + "# touched\n")
    assert main(["generate", "--check", str(fresh)]) == 0
    assert main(["generate", "--check", str(fresh), str(stale), str(missing)]) == 1
    said = capsys.readouterr().err
    assert "stale.yaml differs" in said
    assert "missing.yaml differs" in said
    assert "fresh.yaml" not in said


def test_it_stays_small() -> None:
    assert len(render().encode()) < MAX_CRD_BYTES / 2


def test_it_reads_back_as_it_was_made() -> None:
    assert yaml.safe_load(render()) == custom_resource_definition()


def test_names_and_columns() -> None:
    spec = custom_resource_definition()["spec"]
    assert spec["names"]["shortNames"] == ["skt"]
    assert spec["names"]["categories"] == ["skyvern"]
    (version,) = spec["versions"]
    assert version["subresources"] == {"status": {}}
    assert version["selectableFields"] == [{"jsonPath": ".status.phase"}]
    columns = {column["name"]: column.get("priority", 0) for column in version["additionalPrinterColumns"]}
    assert columns == {"Phase": 0, "Reason": 0, "Steps": 0, "Age": 0, "Node": 1, "Pod": 1, "Url": 1}


def test_everything_is_bounded_and_has_a_type() -> None:
    bounds = {"string": {"maxLength", "enum", "format"}, "array": {"maxItems"}}
    for path, node in nodes(openapi_schema()):
        if path in {".apiVersion", ".kind", ".metadata"}:
            continue
        if node.get(PRESERVE):
            assert "type" not in node, path
            continue
        assert node["type"] in {"object", "array", "string", "integer", "number", "boolean"}, path
        assert bounds.get(node["type"], set(node)) & set(node), f"{path} is unbounded"
        assert ("properties" in node) + ("additionalProperties" in node) == (node["type"] == "object"), path
        assert "additionalProperties" not in node or "maxProperties" in node, path


def test_every_field_is_described() -> None:
    undescribed = [
        path
        for path, node in nodes(openapi_schema())
        if not path.endswith(("]", "}")) and path and "description" not in node
    ]
    assert undescribed == [".apiVersion", ".kind", ".metadata"]


def test_every_field_of_the_spec_is_mutable_on_purpose_or_not_at_all() -> None:
    names = {field.alias for field in SkyvernTaskSpec.model_fields.values()}
    rules = openapi_schema()["properties"]["spec"][VALIDATIONS]
    immutable = {rule["fieldPath"].lstrip(".") for rule in rules if rule["message"].endswith("create a new task")}
    assert immutable == names - set(MUTABLE_SPEC_FIELDS)
    assert set(MUTABLE_SPEC_FIELDS) <= names


def rule_messages() -> set[str]:
    return {rule["message"] for _, node in nodes(openapi_schema()) for rule in node.get(VALIDATIONS, ())}


@pytest.mark.parametrize("message", sorted(rule_messages()))
def test_every_rule_has_a_task_that_breaks_it(message: str) -> None:
    assert any(message in text or text in message for text in REFUSALS)


def test_corpus_says_what_a_user_reads() -> None:
    assert all(case.messages for case in load("reject"))
    assert not any(case.messages for case in load("accept"))
