"""The record of a run: every step in full, and the part that goes into the object's status."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from skyvern_crds import wire
from skyvern_crds.fitting import fit_runner_status
from skyvern_crds.status import (
    MAX_ARTIFACTS,
    MAX_INLINE_RESULT_BYTES,
    MAX_STEPS_IN_STATUS,
    Artifact,
    ResultReference,
    RunnerStatus,
    StepStatus,
    UserError,
)
from skyvern_runner.limits import cut, limit
from skyvern_runner.model.ask import Usage
from skyvern_runner.model.next_actions import ReportedError
from skyvern_runner.report.artifacts import JSON, File
from skyvern_runner.report.records import StepRecord

RESULT_FILE: Final = "result.json"


class Journal:
    """Everything that a run records. Artifacts are added by the upload thread, the rest by the agent's loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: list[StepRecord] = []
        self._artifacts: list[Artifact] = []
        self._errors: dict[str, ReportedError] = {}
        self.current_url = ""
        self._result: JsonValue = None
        self._result_reference: ResultReference | None = None

    @property
    def steps(self) -> Sequence[StepRecord]:
        """All steps, including retries."""
        return self._steps

    @property
    def step_count(self) -> int:
        """Number of steps, not counting retries."""
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
        """Record the user's error codes that the model reported; the latest report of a code counts."""
        self._errors.update({error.error_code: error for error in errors})

    @property
    def errors(self) -> list[UserError]:
        """The user's errors so far."""
        return [
            UserError(
                error_code=cut(error.error_code, UserError, "error_code"),
                reasoning=cut(error.reasoning, UserError, "reasoning"),
                confidence_float=error.confidence_float,
            )
            for error in list(self._errors.values())[-limit(RunnerStatus, "errors", "max_length") :]
        ]

    def take_result(self, value: JsonValue) -> None:
        """Record the extracted information."""
        self._result = value

    @property
    def result(self) -> JsonValue:
        """The extracted information."""
        return self._result

    @property
    def result_file(self) -> File | None:
        """The extracted information as a file; None without any.

        Its keys are sorted, as the API server sorts those of the status, so that both have one digest.
        """
        return None if self._result is None else File(RESULT_FILE, JSON, wire.encode(_sorted(self._result)))

    @property
    def result_sha256(self) -> str | None:
        """Digest of the extracted information as a file, stored or not."""
        file = self.result_file
        return None if file is None else file.sha256

    def set_aside_large_result(self) -> File | None:
        """The extracted information as a file, if it is too large for the status, which then refers to the file."""
        file = self.result_file
        if file is None or len(file.data) <= MAX_INLINE_RESULT_BYTES:
            return None
        self._result_reference = ResultReference(name=file.name, size=len(file.data), sha256=file.sha256)
        return file

    def add_artifact(self, artifact: Artifact) -> None:
        """Record a stored artifact; a newer one replaces an older one of the same name."""
        with self._lock:
            self._artifacts = [known for known in self._artifacts if known.name != artifact.name]
            self._artifacts.append(artifact)

    def status(self) -> RunnerStatus:
        """The runner's part of the object's status, within its size budget."""
        with self._lock:
            steps = [step.as_status() for step in self._steps[-MAX_STEPS_IN_STATUS:]]
            artifacts = newest_artifacts(self._artifacts)
        status = RunnerStatus(
            steps=steps,
            step_count=self.step_count,
            current_url=cut(self.current_url, RunnerStatus, "current_url") or None,
            last_heartbeat=datetime.now(UTC),
            extracted_information=None if self._result_reference else self._result,
            extracted_information_ref=self._result_reference,
            errors=self.errors,
            artifacts=artifacts,
        )
        return fit_runner_status(status)


def newest_artifacts(artifacts: Sequence[Artifact]) -> list[Artifact]:
    """At most MAX_ARTIFACTS of them, in order. Prompts and replies are left out first, then the oldest."""
    excess = len(artifacts) - MAX_ARTIFACTS
    if excess <= 0:
        return list(artifacts)
    texts = {artifact.name for artifact in artifacts if artifact.name.endswith(("/prompt.json", "/reply.json"))}
    dropped = set([artifact.name for artifact in artifacts if artifact.name in texts][:excess])
    return [artifact for artifact in artifacts if artifact.name not in dropped][-MAX_ARTIFACTS:]


def _sorted(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
