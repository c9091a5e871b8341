"""What is known of a batch that broke off, in a real Chromium."""

import os
import signal
import time
from datetime import date

import pytest

from skyvern_runner.actions.catalog import read_action
from skyvern_runner.agent.batch import Batch
from skyvern_runner.agent.context import Context
from skyvern_runner.agent.notebook import Notebook
from skyvern_runner.browser.session import start_browser
from skyvern_runner.chrome_page import ChromePage
from skyvern_runner.errors import BrowserLostError
from skyvern_runner.model.client import ChatModel
from skyvern_runner.report.artifacts import Uploader
from skyvern_runner.report.journal import Journal
from skyvern_runner.report.json_log import JsonLog
from skyvern_runner.report.reporter import NullReporter
from skyvern_runner.stop import StopFlag
from skyvern_runner.task.task import Task, model_settings
from tests.runner.browser.conftest import browser_options
from tests.runner.browser.serving import serve

pytestmark = pytest.mark.browser


def test_batch_whose_browser_dies_keeps_what_it_has_done() -> None:
    task = Task(url="http://127.0.0.1/")
    stop, journal, log = StopFlag(), Journal(), JsonLog("tests/batch")
    with serve() as site, start_browser(browser_options()) as browser:
        process = browser.driver.capabilities["goog:processID"]
        page = ChromePage(browser, sleep=lambda _seconds: os.kill(process, signal.SIGKILL))
        page.open(f"{site.url}/targets.html")
        snapshot = page.look()
        ids = {element.name: str(key) for key, element in snapshot.elements.items()}
        context = Context(
            model=ChatModel(model_settings({}), stop),
            connect=lambda: page,
            journal=journal,
            reporter=NullReporter(),
            uploader=Uploader(None, log, journal.add_artifact),
            observer=log,
            stop=stop,
            today=date(2027, 2, 3),
            started=time.monotonic(),
        )
        step = journal.begin(0, 0)
        batch = Batch(page, task, context, step, snapshot=snapshot, notebook=Notebook())
        actions = [
            read_action({"type": "click", "id": ids["Add a row"]}),
            read_action({"type": "click", "id": ids["Does nothing"], "hold": 1}),
            read_action({"type": "click", "id": ids["Add a row"]}),
        ]
        with pytest.raises(BrowserLostError):
            batch.carry_out(actions)
    done, lost = batch.lines
    assert '"Add a row" -> ok' in done
    assert '"Does nothing" held 1 s -> FAILED: the browser died; whatever this did may be done' in lost
    assert [record.ok for record in step.actions] == [True, False]
