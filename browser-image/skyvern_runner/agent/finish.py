"""The end of a run: the verdict, the last screenshot, the full record, and delivery of what is pending."""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from skyvern_crds import wire
from skyvern_crds.rest.response import FINAL_SCREENSHOT
from skyvern_crds.status import STEPS_FILE
from skyvern_runner.agent.batch import capture
from skyvern_runner.agent.bounded import bounded
from skyvern_runner.agent.context import Context
from skyvern_runner.agent.loop import Agent
from skyvern_runner.agent.page import Page
from skyvern_runner.agent.verdict import Verdict, verdict_of
from skyvern_runner.errors import RunnerError, Stopped
from skyvern_runner.report.artifacts import JSON, PNG, File
from skyvern_runner.report.events import Ended
from skyvern_runner.task.task import Task

BROWSER_SECONDS: Final = 4.0
UPLOAD_SECONDS: Final = 10.0
REPORT_SECONDS: Final = 6.0
"""With the time of the action in progress (stop.ACT_SECONDS) less than the 30 s from SIGTERM to SIGKILL, so that the
verdict is written whatever hangs."""


def run_task(task: Task, context: Context, unexpected: Callable[[BaseException], None]) -> Verdict:
    """Run the task, then deliver what is pending. ``unexpected`` is called with errors that no code handles.

    The browser stays open: in a pod it ends with the pod; the command line closes it.
    """
    agent = Agent(task, context)
    try:
        verdict = agent.run()
    except Stopped as error:
        verdict = verdict_of(error)
    except RunnerError as error:
        verdict = verdict_of(error)
    except Exception as error:  # noqa: BLE001  # the outermost frame: a verdict is written whatever happens
        unexpected(error)
        verdict = verdict_of(error)
    context.stop.end()
    deliveries: tuple[Callable[[], object], ...] = (
        partial(_keep_records, context),
        partial(_keep_last_view, agent.page, context),
        partial(context.uploader.flush, UPLOAD_SECONDS),
        partial(context.publish, urgent=True),
        partial(context.reporter.close, REPORT_SECONDS),
        partial(_announce, verdict, context),
    )
    for deliver in deliveries:
        _attempt(deliver, unexpected)
    return verdict


def _attempt(deliver: Callable[[], object], unexpected: Callable[[BaseException], None]) -> None:
    """Each delivery fails alone: neither the others nor the verdict depend on it."""
    try:
        deliver()
    except Exception as error:  # noqa: BLE001  # a verdict is written whatever happens
        unexpected(error)


def _announce(verdict: Verdict, context: Context) -> None:
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


def _keep_last_view(page: Page | None, context: Context) -> None:
    if page is not None and context.uploader.enabled:
        data = bounded(lambda: capture(page.final_screenshot, context), BROWSER_SECONDS)
        if data is not None:
            context.uploader.put(File(FINAL_SCREENSHOT, PNG, data))


def _keep_records(context: Context) -> None:
    if not context.uploader.enabled:
        return
    journal = context.journal
    if (result := journal.set_aside_large_result()) is not None:
        context.uploader.put(result)
    records = [step.as_json() for step in journal.steps]
    context.uploader.put(File(STEPS_FILE, JSON, wire.encode(records)))
