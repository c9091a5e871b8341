"""The record of a run: every step in full, and the part of it that the object's status carries."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import JsonValue

from skyvern_crds.fitting import fit_runner_status
from skyvern_crds.ids import STEP_PREFIX, new_id
from skyvern_crds.status import (
    MAX_ARTIFACTS,
    MAX_STEPS_IN_STATUS,
    Artifact,
    ResultReference,
    RunnerStatus,
    Step,
    StepStatus,
    UserError,
)
from skyvern_runner.actions.base import Action
from skyvern_runner.model.ask import Exchange, Usage
from skyvern_runner.model.next_actions import ReportedError

MAX_USER_ERRORS: Final = 20
_MAX_SHORT: Final = 256


@dataclass(frozen=True)
class ActionRecord:
    """An action and what came of it."""

    action: Action
    """As the model gave it: placeholders, no secrets."""
    ok: bool
    """Whether its effect was seen."""
    message: str
    """The effect or the failure."""
    seconds: float
    """Duration."""
    screenshot: str | None = None
    """Artifact with the page after it."""

    def line(self, label: str) -> str:
        """One line of history; ``label`` is the role and name of the action's element."""
        return f"{self.action.describe(label)} -> {'ok' if self.ok else 'FAILED'}: {self.message}"


@dataclass
class StepRecord:
    """A step in full; it grows while the step runs."""

    order: int
    retry_index: int
    step_id: str = field(default_factory=lambda: new_id(STEP_PREFIX))
    status: StepStatus = StepStatus.RUNNING
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    url: str = ""
    title: str = ""
    thought: str = ""
    actions: list[ActionRecord] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    problem: str | None = None
    is_last: bool = False

    @property
    def folder(self) -> str:
        """Folder of the step's artifacts."""
        return f"steps/{self.order:02d}-{self.retry_index}"

    @property
    def usage(self) -> Usage:
        """Tokens of all its questions."""
        return sum((exchange.usage for exchange in self.exchanges), Usage())

    @property
    def summary(self) -> str:
        """What was done, in one line: kinds and outcomes of the actions, no texts."""
        done = ", ".join(
            f"{record.action.type}{f' [{record.action.element}]' if record.action.element else ''}"
            f"{'' if record.ok else ' failed'}"
            for record in self.actions
        )
        return " - ".join(part for part in (done, self.problem) if part)

    def as_status(self) -> Step:
        """The step as the object's status lists it."""
        return Step(
            step_id=self.step_id,
            order=self.order,
            retry_index=self.retry_index,
            status=self.status,
            created_at=self.created_at,
            modified_at=self.modified_at,
            input_token_count=self.usage.input_tokens,
            output_token_count=self.usage.output_tokens,
            actions=len(self.actions),
            is_last=self.is_last,
            url=self.url[:_MAX_SHORT] or None,
            summary=self.summary[:_MAX_SHORT] or None,
        )

    def as_json(self) -> dict[str, Any]:
        """The full record."""
        usage = self.usage
        step = self.as_status().model_dump(mode="json", exclude={"actions", "summary", "url"})
        return step | {
            "url": self.url,
            "title": self.title,
            "thought": self.thought,
            "problem": self.problem,
            "cached_token_count": usage.cached_tokens,
            "model_seconds": round(sum(exchange.seconds for exchange in self.exchanges), 3),
            "actions": [
                record.action.model_dump(mode="json", exclude_none=True)
                | {
                    "ok": record.ok,
                    "message": record.message,
                    "seconds": round(record.seconds, 3),
                    "screenshot": record.screenshot,
                }
                for record in self.actions
            ],
        }


class Journal:
    """Everything that a run has to tell. Artifacts arrive from the upload thread, the rest from the loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: list[StepRecord] = []
        self._artifacts: list[Artifact] = []
        self._errors: dict[str, ReportedError] = {}
        self.current_url = ""
        self.result: JsonValue = None
        self.result_reference: ResultReference | None = None
        self.extra_exchanges: list[Exchange] = []

    @property
    def steps(self) -> Sequence[StepRecord]:
        """All steps, retries among them."""
        return self._steps

    @property
    def step_count(self) -> int:
        """Steps of the task, retries not counted."""
        return len({step.order for step in self._steps})

    @property
    def usage(self) -> Usage:
        """Tokens of the whole run."""
        return sum((step.usage for step in self._steps), Usage())

    def begin(self, order: int, retry_index: int) -> StepRecord:
        """Start a step."""
        step = StepRecord(order, retry_index)
        with self._lock:
            self._steps.append(step)
        return step

    def end(self, step: StepRecord, status: StepStatus) -> None:
        """End a step."""
        step.status = status
        step.modified_at = datetime.now(UTC)

    def add_errors(self, errors: Sequence[ReportedError]) -> None:
        """Note the user's error codes that the model reported; the newest word on a code counts."""
        self._errors.update({error.error_code: error for error in errors})

    @property
    def errors(self) -> list[UserError]:
        """The user's errors so far."""
        return [
            UserError(
                error_code=error.error_code[:128],
                reasoning=error.reasoning[:1024],
                confidence_float=error.confidence_float,
            )
            for error in list(self._errors.values())[-MAX_USER_ERRORS:]
        ]

    def add_artifact(self, artifact: Artifact) -> None:
        """Note a stored artifact; a newer one of the same name replaces the older."""
        with self._lock:
            self._artifacts = [known for known in self._artifacts if known.name != artifact.name]
            self._artifacts.append(artifact)

    def has_artifact(self, name: str) -> bool:
        """Whether the artifact is stored."""
        with self._lock:
            return any(known.name == name for known in self._artifacts)

    def status(self) -> RunnerStatus:
        """The runner's part of the object's status, within its size budget."""
        with self._lock:
            steps = [step.as_status() for step in self._steps[-MAX_STEPS_IN_STATUS:]]
            artifacts = newest_artifacts(self._artifacts)
        status = RunnerStatus(
            steps=steps,
            step_count=self.step_count,
            current_url=self.current_url[:2083] or None,
            last_heartbeat=datetime.now(UTC),
            extracted_information=None if self.result_reference else self.result,
            extracted_information_ref=self.result_reference,
            errors=self.errors,
            artifacts=artifacts,
        )
        return fit_runner_status(status)


def newest_artifacts(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """At most MAX_ARTIFACTS of them, in order: prompts and replies give way first, then the oldest."""
    excess = len(artifacts) - MAX_ARTIFACTS
    if excess <= 0:
        return list(artifacts)
    texts = {artifact.name for artifact in artifacts if artifact.name.endswith(("/prompt.json", "/reply.json"))}
    dropped = set([artifact.name for artifact in artifacts if artifact.name in texts][:excess])
    return [artifact for artifact in artifacts if artifact.name not in dropped][-MAX_ARTIFACTS:]
