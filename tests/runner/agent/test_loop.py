"""What the agent does with given answers, in a real Chromium on small pages."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.runner.answers import Answers, act, answering
from tests.runner.command import Finished, run
from tests.site.serving import serve

pytestmark = pytest.mark.browser

PAGES = {
    "/": "<title>Start</title><h1>Start</h1><button id=idle>Idle</button><a href=/next>Next</a>"
    "<button disabled>Off</button>",
    "/wizard": "<title>Go</title><main><button onclick=\"this.parentNode.innerHTML = '<h1>Two</h1>'\">Go on</button>"
    "<button>Old</button></main>",
    "/next": "<title>Next</title><h1>Next</h1><p>Price: 12 crowns</p>",
}
COMPLETE = act({"type": "complete", "reason": "seen"})
ACHIEVED = {"achieved": True, "reason": "the page shows it"}
NOT_ACHIEVED = {"achieved": False, "reason": "no confirmation is shown"}
SCHEMA = '{"type": "object", "properties": {"price": {"type": "integer"}, "name": {"type": "string"}}}'


async def _page(request: Request) -> Response:
    return HTMLResponse(f"<!doctype html>{PAGES[request.url.path]}")


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    with serve(Starlette(routes=[Route(path, _page) for path in PAGES])) as url:
        yield url


def reach(pages: str, answers: Answers, *more: str) -> Finished:
    return run("run", "--url", f"{pages}/", "--goal", "Reach it", "--json", *more, settings=answers.settings)


def click(element: str) -> dict[str, Any]:
    return {"type": "click", "id": element}


@pytest.fixture(scope="module")
def known(pages: str) -> dict[str, str]:
    """Ids of the start page's elements by name, as the outline has them."""
    with answering(next_actions=[act({"type": "terminate", "reason": "only looking"})]) as answers:
        assert reach(pages, answers).code == 3
        outline = answers.prompt(0).split("<page>\n")[-1]
    found = {}
    for line in outline.splitlines():
        if "[" in line and '"' in line:
            found[line.split('"')[1]] = line.split("[")[1].split("]")[0]
    return found


def test_completion_that_the_check_rejects_goes_into_the_history(pages: str) -> None:
    with answering(next_actions=[COMPLETE], completion_check=[NOT_ACHIEVED, ACHIEVED]) as answers:
        done = reach(pages, answers)
        assert done.code == 0, done.err
        assert answers.kinds == ["next_actions", "completion_check"] * 2
        assert "complete was not accepted: no confirmation is shown" in answers.prompt(2)
    assert done.result["step_count"] == 2
    assert [step["input_token_count"] for step in done.result["steps"]] == [200, 200]


def test_actions_after_one_that_changed_the_page_are_not_carried_out(pages: str, known: dict[str, str]) -> None:
    batch = act(click(known["Next"]), click(known["Idle"]))
    with answering(next_actions=[batch, COMPLETE], completion_check=[ACHIEVED]) as answers:
        done = reach(pages, answers)
        assert done.code == 0, done.err
        assert "1 more of your actions were not carried out" in answers.prompt(1)
    assert [len(step["actions"]) for step in done.result["steps"]] == [1, 1]
    assert done.result["current_url"] == f"{pages}/next"


def test_step_that_keeps_failing_uses_up_its_retries(pages: str, known: dict[str, str]) -> None:
    off = known.get("Off")
    action = click(off) if off else {"type": "select_option", "id": known["Idle"], "text": "nothing"}
    with answering(next_actions=[act(action)]) as answers:
        done = reach(pages, answers, "--max-retries", "2")
        assert len(answers.asked) == 3
        assert "FAILED" in answers.prompt(1)
    assert done.code == 1
    assert done.result["failure_reason"] == "Max retries per step (2) exceeded"
    assert [(step["order"], step["retry_index"]) for step in done.result["steps"]] == [(0, 0), (0, 1), (0, 2)]
    assert {step["status"] for step in done.result["steps"]} == {"failed"}


def test_agent_that_repeats_itself_first_gets_a_note_and_then_ends(pages: str, known: dict[str, str]) -> None:
    with answering(next_actions=[act(click(known["Idle"]))]) as answers:
        done = reach(pages, answers, "--max-steps", "50")
        prompts = [answers.prompt(number) for number in range(len(answers.asked))]
    assert done.code == 1
    assert "repeated the same actions" in done.result["failure_reason"]
    assert done.result["step_count"] < 15
    assert any("without effect" in prompt.split("# Note")[-1] for prompt in prompts if "# Note" in prompt)


def test_unknown_secret_is_a_failed_action_that_the_model_reads(pages: str, known: dict[str, str]) -> None:
    typing = act({"type": "input_text", "id": known["Idle"], "text": "{{secret:password}}"})
    with answering(next_actions=[typing, COMPLETE], completion_check=[ACHIEVED]) as answers:
        assert reach(pages, answers).code == 0
        assert "there is no secret 'password'" in answers.prompt(1)


def test_extraction_that_does_not_fit_is_asked_for_once_more(pages: str, tmp_path: Any) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(SCHEMA)
    wrong = {"extracted_information": {"price": "twelve"}}
    right = {"extracted_information": {"price": 12}}
    with answering(extraction=[wrong, right]) as answers:
        done = run("run", "--url", f"{pages}/next", "--schema", str(schema), "--json", settings=answers.settings)
        assert answers.kinds == ["extraction", "extraction"]
        assert "price" in answers.prompt(1).split("cannot be used")[-1]
        assert "Price: 12 crowns" in answers.prompt(0)
    assert done.code == 0, done.err
    assert done.result["extracted_information"] == {"price": 12, "name": None}


def test_value_that_does_not_fit_twice_is_null(pages: str, tmp_path: Any) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(SCHEMA)
    with answering(extraction=[{"extracted_information": {"price": "twelve", "name": "Ada"}}]) as answers:
        done = run("run", "--url", f"{pages}/next", "--schema", str(schema), "--json", settings=answers.settings)
    assert done.code == 0, done.err
    assert done.result["extracted_information"] == {"price": None, "name": "Ada"}
    assert "warning" in done.err


def test_actions_on_what_an_earlier_one_has_replaced_are_dropped_without_a_failure(pages: str) -> None:
    batch = act(click("1"), click("2"), click("2"))
    with answering(next_actions=[batch, COMPLETE], completion_check=[ACHIEVED]) as answers:
        done = run("run", "--url", f"{pages}/wizard", "--goal", "Go on", "--json", settings=answers.settings)
        assert done.code == 0, done.err
        assert "the page changed, so 1 more of your actions were not carried out" in answers.prompt(1)
        assert [step["status"] for step in done.result["steps"]] == ["completed", "completed"]
