"""The end of a run: the verdict does not depend on what becomes of the records."""

import io
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from skyvern_crds.runner_contract import ModelSettings, parse_termination
from skyvern_crds.vocabulary import Reason
from skyvern_runner.agent.context import Context
from skyvern_runner.agent.finish import run_task
from skyvern_runner.agent.page import Page
from skyvern_runner.agent.verdict import Verdict
from skyvern_runner.errors import BrowserStartError
from skyvern_runner.model.client import ChatModel
from skyvern_runner.report.artifacts import FolderStore, Uploader
from skyvern_runner.report.journal import Journal
from skyvern_runner.report.json_log import JsonLog
from skyvern_runner.report.reporter import NullReporter
from skyvern_runner.stop import StopFlag
from skyvern_runner.task.task import Task


def test_records_that_cannot_be_published_leave_the_verdict(tmp_path: Path) -> None:
    log = io.StringIO()
    observer, journal, stop = JsonLog("ns/task", log), Journal(), StopFlag()

    def no_browser() -> Page:
        journal.current_url = "https://example.com/\ud83d"  # no status can hold it
        raise BrowserStartError("there is no browser")

    context = Context(
        model=ChatModel(ModelSettings(api_key=None, base_url=None, model="none"), stop),
        connect=no_browser,
        journal=journal,
        reporter=NullReporter(),
        uploader=Uploader(FolderStore(tmp_path), observer, journal.add_artifact),
        observer=observer,
        stop=stop,
        today=datetime.now(UTC).date(),
        started=time.monotonic(),
    )
    errors: list[BaseException] = []
    verdict = run_task(Task(url="https://example.com/"), context, errors.append)
    assert verdict == Verdict(Reason.BROWSER_FAILED, "there is no browser")
    with pytest.raises(ValidationError):
        journal.status()
    assert [type(error) for error in errors] == [ValidationError]
    assert json.loads(log.getvalue().splitlines()[-1])["reason"] == Reason.BROWSER_FAILED
    assert (tmp_path / "steps.json").read_text() == "[]"


def test_failure_reason_with_a_lone_surrogate_is_recorded() -> None:
    record = Verdict(Reason.TERMINATED, "sold out \ud83d").record(1, None)
    read = parse_termination(record.message())
    assert read is not None
    assert read.failure_reason == "sold out \ufffd"
