"""The end of a run: verdict, last screenshot, full records, and everything delivered."""

import time
from collections.abc import Callable
from typing import Final

from pydantic import JsonValue

from skyvern_crds.rest.response import FINAL_SCREENSHOT
from skyvern_crds.status import MAX_INLINE_RESULT_BYTES, ResultReference
from skyvern_runner.agent.batch import capture
from skyvern_runner.agent.bounded import bounded
from skyvern_runner.agent.context import Context
from skyvern_runner.agent.loop import Agent
from skyvern_runner.agent.page import Page
from skyvern_runner.agent.verdict import Verdict, verdict_of
from skyvern_runner.errors import RunnerError, Stopped
from skyvern_runner.model.prompt import to_json
from skyvern_runner.report.artifacts import JSON, PNG, File
from skyvern_runner.report.events import Ended
from skyvern_runner.report.journal import Journal
from skyvern_runner.task.task import Task

BROWSER_SECONDS: Final = 4.0
UPLOAD_SECONDS: Final = 10.0
REPORT_SECONDS: Final = 6.0
"""Together below the 30 s from SIGTERM to SIGKILL, so that the verdict is written whatever hangs."""
RESULT_FILE: Final = "result.json"
STEPS_FILE: Final = "steps.json"


def run_task(task: Task, context: Context, unexpected: Callable[[BaseException], None]) -> Verdict:
    """Run the task, then deliver what it left. ``unexpected`` is told of errors that nothing foresees.

    The browser stays open: a pod ends with it, the command line closes it.
    """
    agent = Agent(task, context)
    try:
        verdict = agent.run()
    except Stopped as error:
        verdict = verdict_of(error)
    except RunnerError as error:
        verdict = verdict_of(error)
    except Exception as error:  # noqa: BLE001  # the outermost frame: whatever happened, a verdict is written
        unexpected(error)
        verdict = verdict_of(error)
    _keep_records(context)
    if agent.page is not None:
        _keep_last_view(agent.page, context)
    context.uploader.flush(UPLOAD_SECONDS)
    context.publish(urgent=True)
    context.reporter.close(REPORT_SECONDS)
    journal = context.journal
    context.observer.notify(
        Ended(
            outcome=verdict.outcome,
            reason=verdict.reason,
            failure_reason=verdict.failure_reason,
            steps=journal.step_count,
            usage=journal.usage,
            seconds=time.monotonic() - context.started,
        )
    )
    return verdict


def _keep_last_view(page: Page, context: Context) -> None:
    if context.uploader.enabled:
        data = bounded(lambda: capture(page.final_screenshot, context), BROWSER_SECONDS)
        if data is not None:
            context.uploader.put(File(FINAL_SCREENSHOT, PNG, data))


def _keep_records(context: Context) -> None:
    journal = context.journal
    keep_result(journal, context.uploader.put, enabled=context.uploader.enabled)
    if context.uploader.enabled:
        records = [step.as_json() for step in journal.steps]
        context.uploader.put(File(STEPS_FILE, JSON, to_json(records).encode()))


def keep_result(journal: Journal, put: Callable[[File], None], *, enabled: bool) -> None:
    """Move a result that is too large for the status into a file."""
    file = result_file(journal.result)
    if file is None or len(file.data) <= MAX_INLINE_RESULT_BYTES or not enabled:
        return
    artifact = file.artifact()
    journal.result_reference = ResultReference(name=file.name, size=artifact.size, sha256=artifact.sha256)
    put(file)


def result_file(result: JsonValue) -> File | None:
    """The result as a file; None without one."""
    return None if result is None else File(RESULT_FILE, JSON, to_json(result).encode())
