"""Records of what was done: each step in full, with its actions and the questions to the model."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from skyvern_crds.ids import STEP_PREFIX, new_id
from skyvern_crds.status import Step, StepStatus
from skyvern_runner.actions.base import Action
from skyvern_runner.limits import cut
from skyvern_runner.model.ask import Exchange, Usage


@dataclass(frozen=True)
class ActionRecord:
    """An action and what came of it."""

    action: Action
    """As the model wrote it: with placeholders, not secrets."""
    ok: bool
    """Whether the intended effect was seen."""
    message: str
    """The effect, or why it failed."""
    seconds: float
    screenshot: str | None = None
    """Artifact that shows the page afterwards."""
    ended_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it had been carried out and verified."""

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
        """Folder for the step's artifacts."""
        return f"steps/{self.order:02d}-{self.retry_index}"

    @property
    def usage(self) -> Usage:
        """Tokens of all its questions."""
        return sum((exchange.usage for exchange in self.exchanges), Usage())

    @property
    def summary(self) -> str:
        """What was done, in one line: types and outcomes of the actions, but no texts."""
        done = ", ".join(
            f"{record.action.type}{f' [{record.action.element}]' if record.action.element else ''}"
            f"{'' if record.ok else ' failed'}"
            for record in self.actions
        )
        return " - ".join(part for part in (done, self.problem) if part)

    def as_status(self) -> Step:
        """The step as listed in the object's status."""
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
            url=cut(self.url, Step, "url") or None,
            summary=cut(self.summary, Step, "summary") or None,
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
