"""Whole runs on the command line: real Chromium, the job-application site, the scripted model."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.model.app import MODEL
from tests.runner.command import Finished, environment, run
from tests.runner.conftest import ScriptedModel
from tests.site.applicant import applicant
from tests.site.serving import serve

pytestmark = pytest.mark.browser

Write = Callable[[str, str], Path]
SCHEMA = {
    "type": "object",
    "properties": {
        "reference": {"type": "string", "pattern": "^JOB-"},
        "successful": {"type": "boolean"},
        "salary": {"type": "string"},
    },
    "required": ["reference", "successful", "salary"],
}


@pytest.fixture
def apply(scripted: ScriptedModel, site: str, write: Write) -> Callable[..., Finished]:
    """Apply for a job with the scripted model."""

    def applied(*more: str, model: str = MODEL, payload: dict[str, Any] | None = None) -> Finished:
        facts = write("payload.json", json.dumps(payload or applicant(site)))
        task = ("--url", f"{site}/", "--goal", "Apply for a job", "--payload", str(facts), "--json")
        return run("run", *task, *more, settings=scripted.environment(model))

    return applied


def test_job_is_applied_for_and_the_reference_read(
    apply: Callable[..., Finished], write: Write, tmp_path: Path
) -> None:
    schema = write("schema.json", json.dumps(SCHEMA))
    shots = tmp_path / "shots"
    done = apply("--extract", "the reference", "--schema", str(schema), "--screenshots", str(shots))
    assert done.code == 0, done.err
    result = done.result
    assert result["status"] == "completed"
    assert result["extracted_information"].keys() == {"reference", "successful", "salary"}
    assert result["extracted_information"]["reference"].startswith("JOB-")
    assert result["extracted_information"]["successful"] is True
    assert result["extracted_information"]["salary"] is None
    assert result["step_count"] >= 3
    assert all(step["input_token_count"] > 0 and step["output_token_count"] > 0 for step in result["steps"])
    assert [step["is_last"] for step in result["steps"]] == [False] * (len(result["steps"]) - 1) + [True]
    assert (shots / "final.png").read_bytes().startswith(b"\x89PNG")
    assert (shots / "steps/00-0/screenshot-1.jpg").read_bytes().startswith(b"\xff\xd8")
    assert json.loads((shots / "steps.json").read_text()) == result["steps"]
    assert "step 1" in done.err
    assert "completed" in done.err


def test_agent_that_gives_up_says_why(apply: Callable[..., Finished], site: str) -> None:
    done = apply(payload=applicant(site, position="Astronaut"))
    assert done.code == 3
    assert done.result["status"] == "terminated"
    assert "Astronaut" in done.result["failure_reason"]


def test_step_budget_ends_a_run(apply: Callable[..., Finished]) -> None:
    done = apply("--max-steps", "2")
    assert done.code == 1
    assert done.result["reason"] == "MaxStepsReached"
    assert done.result["failure_reason"] == "Max steps per task (2) exceeded"
    assert done.result["step_count"] == 2


def test_page_is_read_without_a_goal(scripted: ScriptedModel, site: str) -> None:
    done = run(
        "run", "--url", f"{site}/", "--extract", "how many jobs are open", "--json", settings=scripted.environment()
    )
    assert done.code == 0, done.err
    assert "open_jobs" in done.result["extracted_information"]
    assert [request["response_format"]["json_schema"]["name"] for request in scripted.requests] == ["extraction"]


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ("429/90*100", "ModelFailed", ["429", "rate limit"]),
        ("hang", "ModelFailed", ["does not answer in time"]),
        ("prose", "ModelFailed", ["answers cannot be used"]),
    ],
)
def test_model_that_fails_is_named(apply: Callable[..., Finished], fault: str, reason: str, words: list[str]) -> None:
    done = apply("--model-seconds", "2", "--max-retries", "1", model=f"{MODEL}:fault={fault}")
    assert done.code == 1
    assert done.result["status"] == "failed"
    assert done.result["reason"] == reason
    for word in words:
        assert word in done.result["failure_reason"]


@pytest.mark.parametrize("fault", ["500", "malformed", "unknown-ids"])
def test_model_that_fails_once_does_not_end_the_run(
    apply: Callable[..., Finished], scripted: ScriptedModel, fault: str
) -> None:
    scripted.faults(None, fault)
    assert apply().code == 0


def test_wrong_key_is_named_and_not_shown(scripted: ScriptedModel, site: str) -> None:
    settings = scripted.environment(key="sk-0123456789-secret")
    done = run("run", "--url", f"{site}/", "--goal", "Apply", "--json", settings=settings)
    assert done.code == 1
    assert "refuses the API key" in done.result["failure_reason"]
    assert "0123456789" not in done.out + done.err


def test_unreachable_model_is_named(site: str) -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    settings = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": address}
    done = run("run", "--url", f"{site}/", "--goal", "Apply", "--json", "--model-seconds", "1", settings=settings)
    assert done.code == 1
    assert done.result["reason"] == "ModelFailed"
    assert address in done.result["failure_reason"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def _broken(_request: Request) -> Response:
    return HTMLResponse("<h1>Broken</h1>", status_code=500)


async def _download(_request: Request) -> Response:
    return PlainTextResponse("bytes", headers={"content-disposition": "attachment; filename=x.bin"})


@pytest.fixture
def pages() -> Iterator[str]:
    with serve(Starlette(routes=[Route("/broken", _broken), Route("/download", _download)])) as url:
        yield url


def opened(scripted: ScriptedModel, url: str) -> Finished:
    return run("run", "--url", url, "--goal", "Apply", "--json", settings=scripted.environment())


def assert_page_failed(done: Finished, url: str, cause: str) -> None:
    assert done.code == 1
    assert done.result["reason"] == "PageFailed"
    assert done.result["failure_reason"].startswith(f"Failed to navigate to URL. URL:{url}, Error:")
    assert cause in done.result["failure_reason"]
    assert done.result["steps"] == []


def test_unreachable_page_is_named(scripted: ScriptedModel) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    assert_page_failed(opened(scripted, url), url, "refused")


def test_page_with_an_error_status_is_named(scripted: ScriptedModel, pages: str) -> None:
    assert_page_failed(opened(scripted, f"{pages}/broken"), f"{pages}/broken", "500")


def test_download_in_place_of_a_page_is_named(scripted: ScriptedModel, pages: str) -> None:
    assert_page_failed(opened(scripted, f"{pages}/download"), f"{pages}/download", "download")


def test_invalid_certificate_is_named(scripted: ScriptedModel, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    with serve(Starlette(routes=[Route("/", _broken)]), tls=(certificate, key)) as url:
        assert_page_failed(opened(scripted, f"{url}/"), f"{url}/", "certificate")


def test_ctrl_c_stops_a_run(scripted: ScriptedModel, site: str) -> None:
    settings = environment(scripted.environment(f"{MODEL}:script=never-done"))
    arguments = [sys.executable, "-m", "skyvern_runner", "run", "--url", f"{site}/", "--goal", "Wait", "--json"]
    with subprocess.Popen(
        arguments, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any("wait" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert json.loads(out)["status"] == "canceled"
