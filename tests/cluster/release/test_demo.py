"""The demo's checks: each of them can fail."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.cluster.release.demo import PNG, check_screenshot, check_task
from tests.cluster.release.follow import Log
from tests.site.serving import serve

STEPS = [{"order": order, "input_token_count": 900, "output_token_count": 60} for order in range(3)]
RECORDED = [{"reference": "JOB-ABC234"}]


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """A server of one PNG, and of one file that only claims to be one."""

    async def image(_request: Request) -> Response:
        return Response(PNG + b"...", media_type="image/png")

    async def fake(_request: Request) -> Response:
        return Response("<html>", media_type="image/png")

    with serve(Starlette(routes=[Route("/final.png", image), Route("/fake.png", fake)])) as url:
        yield url


def answer(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "status": "completed",
        "extracted_information": {"reference": "JOB-ABC234"},
        "screenshot_url": f"{url}/final.png",
    } | changes


def failed(checks: Any) -> list[str]:
    return [check.title for check in checks if not check.passed]


def test_right_result_passes_every_check(files: str) -> None:
    checks = check_task(answer(files), STEPS, RECORDED, files)
    assert len(checks) == 5
    assert failed(checks) == []


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"status": "failed"}, "the task's status is completed"),
        ({"extracted_information": {"reference": "JOB-ZZZZZZ"}}, "the extracted reference number is the recorded one"),
        ({"extracted_information": None}, "the extracted reference number is the recorded one"),
        ({"screenshot_url": None}, "the screenshot's link answers with a PNG"),
    ],
)
def test_wrong_answer_fails_its_check(files: str, changes: dict[str, Any], title: str) -> None:
    assert failed(check_task(answer(files, **changes), STEPS, RECORDED, files)) == [title]


def test_too_few_counted_steps_fail(files: str) -> None:
    steps = [*STEPS[:2], {"order": 2, "input_token_count": 900, "output_token_count": 0}]
    assert failed(check_task(answer(files), steps, RECORDED, files)) == ["at least three steps have token counts"]


def test_application_that_was_not_recorded_fails(files: str) -> None:
    assert "the site has recorded exactly one application" in failed(check_task(answer(files), STEPS, [], files))


@pytest.mark.parametrize("path", ["fake.png", "missing.png"])
def test_link_without_a_png_behind_it_fails(files: str, path: str) -> None:
    assert not check_screenshot(f"{files}/{path}", files).passed


def test_link_to_the_services_own_name_is_read_through_the_forward(files: str) -> None:
    assert check_screenshot("http://skyvern-apiserver.skyvern-system.svc/final.png", files).passed


def test_each_step_and_phase_is_printed_once() -> None:
    lines: list[str] = []
    log = Log(lines.append)
    step = {"stepId": "stp_1", "order": 0, "status": "running"}
    log.update({"status": {"phase": "running", "podName": "apply-1", "steps": [step]}})
    done = {**step, "status": "completed", "inputTokenCount": 900, "outputTokenCount": 60, "summary": "clicked Accept"}
    for _ in range(2):
        log.update({"status": {"phase": "completed", "steps": [done]}})
    assert [line.split("s  ", 1)[1] for line in lines] == [
        "running  pod apply-1",
        "step 1  completed  900 + 60 tokens  clicked Accept",
        "completed",
    ]
