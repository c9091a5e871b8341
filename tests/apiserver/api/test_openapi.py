"""The OpenAPI document is valid, committed as generated, and served."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from skyvern_apiserver.__main__ import openapi_text
from skyvern_apiserver.api.operations import EXAMPLE, OPERATIONS
from skyvern_crds.rest.request import TaskRequest
from tests.apiserver.conftest import Caller

GOLDEN = Path(__file__).parents[3] / "apiserver" / "openapi.json"


def test_document_is_valid_openapi() -> None:
    validate(json.loads(openapi_text()))


def test_committed_document_is_up_to_date() -> None:
    assert GOLDEN.read_text() == openapi_text(), "run: python -m skyvern_apiserver openapi apiserver/openapi.json"


def test_check_reports_an_outdated_document(tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    command = [sys.executable, "-m", "skyvern_apiserver", "openapi"]
    subprocess.run([*command, path], check=True, timeout=30)
    assert subprocess.run([*command, "--check", path], check=False, timeout=30).returncode == 0
    path.write_text("{}")
    stale = subprocess.run([*command, "--check", path], check=False, timeout=30, capture_output=True)
    assert stale.returncode == 1
    assert b"out of date: run" in stale.stderr


def test_document_has_groups_and_examples_that_its_own_schemas_accept() -> None:
    document = json.loads(openapi_text())
    entries = [entry for methods in document["paths"].values() for entry in methods.values()]
    assert {tag for entry in entries for tag in entry["tags"]} == {tag["name"] for tag in document["tags"]}
    bodies = [entry["requestBody"]["content"]["application/json"] for entry in entries if "requestBody" in entry]
    assert [TaskRequest.model_validate(body["example"]).to_spec().url for body in bodies] == [EXAMPLE["url"]]


def test_every_operation_is_described() -> None:
    document = json.loads(openapi_text())
    described = {entry["operationId"] for methods in document["paths"].values() for entry in methods.values()}
    assert described == {operation.name for operation in OPERATIONS}
    for schema in document["components"]["schemas"].values():
        assert all("description" in field for field in schema.get("properties", {}).values() if "$ref" not in field)


@pytest.mark.contract
async def test_document_and_page_are_served_without_a_key(caller: Caller) -> None:
    served = await caller().get("/openapi.json")
    assert served.json() == json.loads(openapi_text())
    page = await caller().get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    [script] = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert not re.search(r" (on\w+|style|src)=", page.text)  # which the policy would block
    assert "http://" not in page.text
    assert "https://" not in page.text
