"""The OpenAPI document is valid, committed as generated, and served."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from skyvern_apiserver.__main__ import openapi_text
from skyvern_apiserver.api.operations import OPERATIONS
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
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text
