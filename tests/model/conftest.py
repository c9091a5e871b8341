"""A scripted server without a socket, and requests as the runner sends them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from skyvern_runner.model.next_actions import next_actions_format
from skyvern_runner.model.reply import completion_check_format
from tests.model.app import API_KEY, create_app
from tests.site.applicant import applicant

SCHEMAS: dict[str, dict[str, Any]] = {
    form.name: dict(form.schema) for form in (next_actions_format(), completion_check_format())
}

APPLICANT = applicant("http://site")

ABOUT_PAGE = """\
heading "About you" level=1
text "Step 1 of 3"
form
  [1] textbox "Full name" required
  [2] textbox "E-mail" required
  [3] textbox "Phone" required value="+44 20 7946 0018"
  [4] combobox "Position" value="Select..." options=["Select...", "Ferry Captain", "... 12 more"]
  group "Employment type"
    [5] radio "Full time"
    [6] radio "Part time" checked
  [7] date "Start date" required
  [8] button "Continue"
"""
DONE_PAGE = """\
heading "Application received" level=1
text "Thank you, Chris P. Bacon. Your reference number is"
text "JOB-ABC234"
text "Position"
text "Galley Cook"
"""

Ask = Callable[..., dict[str, Any]]


def body(page: str, kind: str = "next_actions", **changes: Any) -> dict[str, Any]:
    """Return a request of the runner about a page."""
    schema = changes.pop("schema", None) or SCHEMAS[kind]
    payload = changes.pop("payload", APPLICANT)
    strict = changes.pop("strict", True)
    return {
        "model": "scripted-1",
        "messages": [
            {"role": "system", "content": "Rules: answer with JSON."},
            {"role": "user", "content": f"# Task\nApply for a job\nPayload:\n{json.dumps(payload)}"},
            {"role": "user", "content": f"# History\nnone\n# Page\nurl: http://site/form\n<page>\n{page}</page>"},
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": kind, "strict": strict, "schema": schema}},
    } | changes


def extraction_schema(information: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an extraction request for a user's schema."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["extracted_information"],
        "properties": {"extracted_information": information},
    }


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app(), headers={"authorization": f"Bearer {API_KEY}"})


@pytest.fixture
def ask(client: TestClient) -> Ask:
    """Ask the scripted server and return the object in its answer."""

    def asked(page: str, kind: str = "next_actions", **changes: Any) -> dict[str, Any]:
        answer = client.post("/v1/chat/completions", json=body(page, kind, **changes))
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = json.loads(answer.json()["choices"][0]["message"]["content"])
        return content

    return asked
