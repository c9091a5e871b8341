"""The agent's loop: look, ask the model, check its reply, act, verify each effect, report."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from skyvern_crds import wire
from skyvern_crds.status import StepStatus
from skyvern_crds.vocabulary import Reason
from skyvern_runner.actions.base import FinalAction
from skyvern_runner.actions.run.terminate import Terminate
from skyvern_runner.agent.batch import Batch, BatchOutcome
from skyvern_runner.agent.bounded import bounded
from skyvern_runner.agent.context import Context
from skyvern_runner.agent.notebook import Notebook
from skyvern_runner.agent.page import Page, SnapshotLike
from skyvern_runner.agent.repeats import RepeatDetector, RepeatState
from skyvern_runner.agent.verdict import COMPLETED, Verdict, max_retries_exceeded, max_steps_exceeded, terminated
from skyvern_runner.errors import (
    BrowserLostError,
    ModelError,
    ModelErrorKind,
    PageErrorKind,
    PageLoadError,
    RunnerError,
    Stopped,
)
from skyvern_runner.model import prompt
from skyvern_runner.model.ask import Question, ask
from skyvern_runner.model.next_actions import CheckedReply, next_actions_format, parse_next_actions
from skyvern_runner.model.reply import CompletionCheck, completion_check_format, parse_as
from skyvern_runner.report.artifacts import JSON, File
from skyvern_runner.report.events import CompletionChecked, ModelAnswered, PageOpened, StepStarted, Warned
from skyvern_runner.report.records import StepRecord
from skyvern_runner.task.task import Task

MAX_BROWSER_REPLACEMENTS: Final = 2
"""Browsers that a run may lose before it fails."""
CLOSE_SECONDS: Final = 5.0
"""Time for a lost browser to close."""
OPEN_TRIES: Final = 3
"""Attempts to open the start page when there is no connection."""
OPEN_PAUSE_SECONDS: Final = 1.0
_NUDGE: Final = "You have done exactly this on exactly this page before, without effect. Try something else."


@dataclass(frozen=True)
class StepEnd:
    """How a step ended."""

    status: StepStatus
    verdict: Verdict | None = None
    """The verdict, when the task ends with this step."""


Attempt = Callable[[StepRecord], StepEnd]
"""One attempt at a step."""


class Agent:
    """Runs one task."""

    def __init__(self, task: Task, context: Context) -> None:
        self._task = task
        self._context = context
        self._page: Page | None = None
        self._history: list[str] = []
        self._remarks: list[str] = []
        self._notebook = Notebook()
        self._texts: tuple[str, ...] = ()
        """What the last actions read."""
        self._loops = RepeatDetector()
        self._replaced = 0
        self._unreadable: ModelError | None = None

    @property
    def page(self) -> Page | None:
        """The browser's page, when there is one: for the final screenshot."""
        return self._page

    def run(self) -> Verdict:
        """Do the task. Raises RunnerError or Stopped when something else ends it; see verdict_of."""
        task, stop = self._task, self._context.stop
        if task.goal or task.wants_extraction:
            self._context.model.check()
        stop.check()
        self._context.publish()
        with stop.interruptible():
            self._page = self._context.connect()
        self._context.reporter.confirm(stop)
        self._open()
        try:
            return self._steps(task.max_steps, self._try) if task.goal else self._steps(1, self._only_read)
        finally:
            if self._context.journal.steps:
                self._context.journal.steps[-1].is_last = True

    def _open(self) -> None:
        begin = time.monotonic()
        for tries_left in reversed(range(OPEN_TRIES)):
            try:
                with self._context.stop.interruptible():
                    self._here().open(self._task.url)
                break
            except PageLoadError as error:
                if error.kind is PageErrorKind.UNREACHABLE and tries_left:
                    self._context.stop.sleep(OPEN_PAUSE_SECONDS)
                    continue
                cause = self._task.secrets.mask(str(error))
                message = f"Failed to navigate to URL. URL:{self._task.url}, Error:{cause}"
                raise PageLoadError(error.kind, message, error.status) from None
        now = time.monotonic()
        self._context.observer.notify(PageOpened(self._task.url, now - self._context.started, now - begin))
        self._context.journal.current_url = self._task.url
        self._context.publish()

    def _steps(self, limit: int, attempt: Attempt) -> Verdict:
        for order in range(limit):
            for retry_index in range(self._task.max_retries + 1):
                end = self._step(order, retry_index, attempt)
                if end.verdict is not None:
                    return end.verdict
                if end.status is StepStatus.COMPLETED:
                    break
            else:
                if self._unreadable is not None:
                    raise self._unreadable
                return max_retries_exceeded(self._task.max_retries)
        return max_steps_exceeded(limit)

    def _only_read(self, step: StepRecord) -> StepEnd:
        """Without a goal the page is only opened, and information extracted if the task wants any."""
        step.url = self._task.secrets.mask(self._look().url)
        if self._task.wants_extraction:
            self._read(step)
        return StepEnd(StepStatus.COMPLETED, COMPLETED)

    def _step(self, order: int, retry_index: int, attempt: Attempt) -> StepEnd:
        step = self._context.journal.begin(order, retry_index)
        status = StepStatus.FAILED
        try:
            self._context.stop.check()
            end = self._recovering(step, attempt)
            status = end.status
        except Stopped:
            status = StepStatus.CANCELED
            raise
        finally:
            self._end(step, status)
        return end

    def _recovering(self, step: StepRecord, attempt: Attempt) -> StepEnd:
        """Errors that a retry may fix fail the step; others end the run."""
        try:
            end = attempt(step)
        except BrowserLostError as error:
            step.problem = "the browser was lost and has been replaced"
            self._replace_browser(error)
            return StepEnd(StepStatus.FAILED)
        except ModelError as error:
            step.problem = str(error)
            if error.kind is not ModelErrorKind.NONSENSE:
                raise
            self._unreadable = error
            return StepEnd(StepStatus.FAILED)
        except RunnerError as error:
            step.problem = self._task.secrets.mask(str(error))
            return StepEnd(StepStatus.FAILED)
        except Exception as error:  # noqa: BLE001  # a page may make a library fail in any way, and a retry may work
            step.problem = f"unexpected exception: {type(error).__name__}"
            self._context.observer.notify(Warned("step", step.problem))
            return StepEnd(StepStatus.FAILED)
        self._unreadable = None
        return end

    def _try(self, step: StepRecord) -> StepEnd:
        begin = time.monotonic()
        snapshot = self._look()
        step.url, step.title = self._task.secrets.mask(snapshot.url), self._task.secrets.mask(snapshot.title)
        self._context.observer.notify(
            StepStarted(step.order, step.retry_index, step.url, len(snapshot.labels), time.monotonic() - begin)
        )
        self._context.publish()
        reply = self._ask(step, snapshot)
        self._context.stop.check()
        repeated = self._loops.note(snapshot.fingerprint, reply.actions)
        if repeated is RepeatState.STUCK:
            return StepEnd(StepStatus.FAILED, self._stuck())
        if repeated is RepeatState.REPEATING:
            self._remarks.append(_NUDGE)
        batch = Batch(self._here(), self._task, self._context, step, snapshot=snapshot, notebook=self._notebook)
        try:
            outcome = batch.carry_out(reply.actions)
        finally:
            # What a batch did before the browser was lost must not be done twice.
            self._history += [f"{step.order + 1}. {line}" for line in batch.lines]
            self._history += [f"{step.order + 1}. refused: {line}" for line in reply.refused]
        self._texts = batch.read
        return self._after(step, outcome)

    def _ask(self, step: StepRecord, snapshot: SnapshotLike) -> CheckedReply:
        task = self._task
        memory = prompt.Memory(self._notebook.notes, self._texts, tuple(self._remarks))
        messages = prompt.next_actions_messages(
            task, self._history, self._view(snapshot), memory=memory, today=self._context.today
        )
        self._remarks, self._texts = [], ()
        question = Question(
            messages,
            next_actions_format(),
            lambda text: parse_next_actions(text, snapshot.labels, task.error_codes),
        )
        before = len(step.exchanges)
        reply = ask(self._context.model, question, step.exchanges)
        step.thought = reply.thought
        asked = step.exchanges[before:]
        self._context.journal.add_errors(reply.errors)
        self._context.observer.notify(
            ModelAnswered(reply.thought, len(reply.actions), step.usage, sum(exchange.seconds for exchange in asked))
        )
        return reply

    def _after(self, step: StepRecord, outcome: BatchOutcome) -> StepEnd:
        if outcome.problem is not None:
            step.problem = outcome.problem
            return StepEnd(StepStatus.FAILED)
        if outcome.final is None:
            return StepEnd(StepStatus.COMPLETED)
        if isinstance(outcome.final, Terminate):
            return StepEnd(StepStatus.COMPLETED, terminated(self._task.secrets.mask(outcome.final.reason)))
        if not self._is_complete(step, outcome.final):
            return StepEnd(StepStatus.COMPLETED)
        if self._task.wants_extraction:
            self._read(step)
        return StepEnd(StepStatus.COMPLETED, COMPLETED)

    def _is_complete(self, step: StepRecord, claim: FinalAction) -> bool:
        """Ask a second question: does the current page show that the goal is reached?"""
        view = self._view(self._look())
        messages = prompt.completion_messages(
            self._task,
            self._history,
            view,
            claim.reason,
            notes=self._notebook.notes,
            today=self._context.today,
        )
        question = Question(messages, completion_check_format(), lambda text: parse_as(CompletionCheck, text))
        check = ask(self._context.model, question, step.exchanges)
        self._context.observer.notify(CompletionChecked(check.achieved, check.reason))
        if not check.achieved:
            self._history.append(f"{step.order + 1}. complete was not accepted: {check.reason}")
        return check.achieved

    def _read(self, step: StepRecord) -> None:
        from skyvern_runner.extract.extract import extract  # noqa: PLC0415  # loads the validator

        self._context.stop.check()
        snapshot = self._look()
        view = self._view(snapshot, text=self._here().text())
        context = self._context
        result = extract(
            self._task,
            view,
            context.model,
            step.exchanges,
            notes=self._notebook.notes,
            today=context.today,
            observer=context.observer,
        )
        context.journal.take_result(result)

    def _replace_browser(self, error: BrowserLostError) -> None:
        self._replaced += 1
        if self._replaced > MAX_BROWSER_REPLACEMENTS:
            raise error
        self._context.observer.notify(Warned("browser", f"{error}; starting another one"))
        if self._page is not None:
            bounded(self._page.close, CLOSE_SECONDS)
        with self._context.stop.interruptible():
            self._page = self._context.connect()
            address = self._context.journal.current_url or self._task.url
            self._page.open(address)
        self._history.append(f"the browser crashed and was replaced; {address} was opened again; its forms are empty")

    def _stuck(self) -> Verdict:
        return Verdict(
            Reason.AGENT_FAILED,
            "The agent repeated the same actions on the same page without effect and was stopped: "
            "make the goal more precise, or put the facts it needs into the payload",
        )

    def _look(self) -> SnapshotLike:
        snapshot = self._here().look()
        self._history += [self._task.secrets.mask(note) for note in snapshot.notes]
        self._context.journal.current_url = self._task.secrets.mask(snapshot.url)
        return snapshot

    def _view(self, snapshot: SnapshotLike, *, text: str = "") -> prompt.PageView:
        mask = self._task.secrets.mask
        situation = tuple(mask(line) for line in snapshot.situation)
        return prompt.PageView(mask(snapshot.url), mask(snapshot.title), mask(snapshot.outline), mask(text), situation)

    def _here(self) -> Page:
        if self._page is None:
            raise BrowserLostError("the browser is not connected")
        return self._page

    def _end(self, step: StepRecord, status: StepStatus) -> None:
        self._context.journal.end(step, status)
        self._keep_exchanges(step)
        self._context.publish(urgent=True)

    def _keep_exchanges(self, step: StepRecord) -> None:
        if not self._context.uploader.enabled or not step.exchanges:
            return
        asked = [{"kind": item.kind, "messages": list(item.messages)} for item in step.exchanges]
        answered = [{"kind": item.kind, "reply": item.reply, "problem": item.problem} for item in step.exchanges]
        for name, value in (("prompt", asked), ("reply", answered)):
            data = wire.encode(value)
            self._context.uploader.put(File(f"{step.folder}/{name}.json", JSON, data))
