"""Carrying out the actions of one reply, each checked before and verified after."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from skyvern_runner.actions.base import Action, FinalAction, PageAction
from skyvern_runner.actions.catalog import AnyAction
from skyvern_runner.actions.fields.input_text import InputText
from skyvern_runner.actions.fields.upload_file import UploadFile
from skyvern_runner.actions.run.note import Note
from skyvern_runner.agent.context import Context
from skyvern_runner.agent.notebook import Notebook
from skyvern_runner.agent.page import Page, SnapshotLike
from skyvern_runner.errors import BrowserError, BrowserLostError, SecretRefusedError
from skyvern_runner.report.artifacts import JPEG, File
from skyvern_runner.report.events import ActionDone, Warned
from skyvern_runner.report.records import ActionRecord, StepRecord
from skyvern_runner.task.task import Task


@dataclass(frozen=True)
class BatchOutcome:
    """What came of a batch of actions."""

    problem: str | None = None
    """Why the batch failed."""
    final: FinalAction | None = None
    """The complete or terminate that the batch ended with."""


@dataclass(frozen=True)
class _Effect:
    ok: bool
    message: str
    changed_page: bool = False
    stale: bool = False


class Batch:
    """The actions of one step. It stops at the first failure, and when another page is in front."""

    def __init__(
        self, page: Page, task: Task, context: Context, step: StepRecord, *, snapshot: SnapshotLike, notebook: Notebook
    ) -> None:
        self._page = page
        self._task = task
        self._secrets = task.secrets
        self._context = context
        self._step = step
        self._snapshot = snapshot
        self._notebook = notebook
        self._lines: list[str] = []
        self._read: list[str] = []

    @property
    def lines(self) -> tuple[str, ...]:
        """Lines for the history, one per action; also of a batch that broke off."""
        return tuple(self._lines)

    @property
    def read(self) -> tuple[str, ...]:
        """Texts of the page that actions read."""
        return tuple(self._read)

    def carry_out(self, actions: Sequence[AnyAction]) -> BatchOutcome:
        """Carry them out in order. Raises BrowserLostError, and Stopped before an action if the run is to stop."""
        for number, action in enumerate(actions, start=1):
            self._context.stop.check()
            if isinstance(action, FinalAction):
                self._note(action, _Effect(True, action.reason), 0.0)
                return BatchOutcome(final=action)
            begin = time.monotonic()
            try:
                effect = self._do(action)
            except BrowserLostError:
                lost = _Effect(False, "the browser died; whatever this did may be done: look before you do it again")
                self._note(action, lost, time.monotonic() - begin, shoot=False)
                raise
            self._note(action, effect, time.monotonic() - begin)
            left = len(actions) - number
            if effect.stale and number > 1:
                # An earlier action of this very reply has changed the page. That is its success and no failure.
                self._tell_rest(left, "the page changed")
                break
            if not effect.ok:
                self._tell_rest(left, "this failed")
                return BatchOutcome(problem=f"{action.type} failed: {effect.message}")
            if effect.changed_page:
                self._tell_rest(left, "the page changed")
                break
        return BatchOutcome()

    def _tell_rest(self, left: int, why: str) -> None:
        if left:
            self._lines.append(f"{why}, so {left} more of your actions were not carried out")

    def _do(self, action: PageAction | Note) -> _Effect:
        if isinstance(action, Note):
            return _Effect(True, self._notebook.add(self._secrets.mask(action.text)))
        unnamed = (
            [each for each in action.sources if not self._task.names_file(each)]
            if isinstance(action, UploadFile)
            else []
        )
        if unnamed:
            return _Effect(False, f"neither the goal nor the payload names the file {unnamed[0]!r}")
        try:
            result = self._page.do(self._resolved(action))
        except SecretRefusedError as error:
            return _Effect(False, str(error))
        except BrowserLostError:
            raise
        except BrowserError as error:
            return _Effect(False, self._secrets.mask(str(error)))
        if result.shown:
            self._read.append(self._secrets.mask(result.shown))
        return _Effect(result.ok, self._secrets.mask(result.message), result.changed_page, result.stale)

    def _resolved(self, action: PageAction) -> PageAction:
        """The action with its secrets filled in, which is allowed only for typing, and only on their hosts."""
        if isinstance(action, InputText):
            text = self._secrets.resolve(action.text, lambda: self._page.host_of(action.id))
            return action.model_copy(update={"text": text})
        if action.argument is not None:
            self._secrets.refuse(action.argument)
        return action

    def _note(self, action: Action, effect: _Effect, seconds: float, *, shoot: bool = True) -> None:
        label = self._secrets.mask(self._snapshot.labels.get(action.element, "") if action.element else "")
        ended_at = datetime.now(UTC)  # the screenshot takes a while
        screenshot = self._shoot(action) if shoot else None
        record = ActionRecord(action, effect.ok, effect.message, seconds, screenshot, ended_at)
        self._step.actions.append(record)
        self._lines.append(record.line(label))
        self._context.observer.notify(ActionDone(label, record))
        self._context.publish()

    def _shoot(self, action: Action) -> str | None:
        if isinstance(action, FinalAction | Note) or not self._context.uploader.enabled:
            return None
        name = f"{self._step.folder}/screenshot-{len(self._step.actions) + 1}.jpg"
        data = capture(self._page.screenshot, self._context)
        if data is None:
            return None
        self._context.uploader.put(File(name, JPEG, data))
        return name


def capture(take: Callable[[], bytes], context: Context) -> bytes | None:
    """A screenshot, or None after a warning: a missing screenshot never ends a run."""
    try:
        return take()
    except BrowserError as error:
        context.observer.notify(Warned("screenshot", str(error)))
        return None
