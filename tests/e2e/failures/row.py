"""A row of the failure table: how a failure is produced, what the task says then, and how it ends."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from skyvern_crds.client import JsonObject
from tests.e2e.cluster_fixture import Tasks, condition, outcome
from tests.e2e.manifests import SITE, opening, waiting

ROW_SECONDS = 400.0
"""For any of a row's steps; rows compete for processors."""
AT_ONCE = 8
LONGEST_SENTENCE = 220
_OF_A_POD = re.compile(r"\b([a-z][a-z-]*)-[0-9a-f]{8}-([0-9]+)\b")
"""Name of a pod: task, beginning of the task's uid, attempt."""


@dataclass(frozen=True)
class Scene(Tasks):
    """A namespace in which failures are produced."""

    def within(self, namespace: str) -> "Scene":
        """The same release in another of its namespaces."""
        return replace(self, namespace=namespace)

    async def do(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """kubectl in the namespace, beside the other rows; its output."""
        return (await asyncio.to_thread(self.kubectl, *args, stdin=stdin, check=check)).stdout

    async def begin(self, name: str, *, working: bool = False, **spec: object) -> str:
        """Apply a task that reads a page, or one that works for ever; its name."""
        limits = {"activeDeadlineSeconds": 1800, **spec}
        whole = waiting("Wait for a failure.", **limits) if working else opening(f"{SITE}/", **limits)
        return await asyncio.to_thread(self.start, name, whole)

    async def told(self, name: str, reason: str) -> JsonObject:
        """The task when its condition Succeeded has a reason; fails at once when it ends otherwise."""

        def says(status: JsonObject) -> bool:
            entries = [entry for entry in status.get("conditions", []) if entry["type"] == "Succeeded"]
            assert not entries or entries[0]["status"] == "Unknown" or entries[0]["reason"] == reason, entries
            return bool(entries) and bool(entries[0]["reason"] == reason)

        return await self.until(name, says, f"saying {reason}", ROW_SECONDS)

    async def still_after(self, name: str, seconds: float) -> JsonObject:
        """The task when it is older than so many seconds; its phase must not have changed."""
        born = datetime.fromisoformat((await self.task(name))["metadata"]["creationTimestamp"])
        phase = (await self.task(name))["status"]["phase"]

        def old(status: JsonObject) -> bool:
            assert status["phase"] == phase, f"{name} did not stay {phase}: {status}"
            return datetime.now(UTC) > born + timedelta(seconds=seconds + 1)

        return await self.until(name, old, "old enough", ROW_SECONDS)

    async def end(self, name: str) -> JsonObject:
        """The task when it has ended."""
        return await self.ended(name, ROW_SECONDS)

    async def busy(self, name: str) -> str:
        """The pod of a task whose agent has reported a step."""
        return str((await self.at_work(name, seconds=ROW_SECONDS))["status"]["podName"])

    async def pod_named(self, name: str) -> str:
        """The pod of a task, as soon as status names it."""
        task = await self.until(name, lambda status: bool(status.get("podName")), "with a pod", ROW_SECONDS)
        return str(task["status"]["podName"])


@dataclass(frozen=True)
class Row:
    """One failure."""

    failure: str
    how: str
    """How it is produced."""
    produce: Callable[[Scene], Awaitable[Sequence[JsonObject]]]
    """Produces it. The task as it was when it spoke of the failure, and, if it went on, when it had ended."""
    says: tuple[str, str]
    """Phase and reason."""
    words: tuple[str, ...] = ()
    """Parts of the sentence beside the reason."""
    ends: tuple[str, str] = ("", "")
    """Phase and reason at the end, if the task went on."""
    attempts: int = 1
    """How many pods it took."""

    def faults(self, seen: Sequence[JsonObject]) -> list[str]:
        """What differs from the row, in words."""
        first, last = seen[0], seen[-1]
        sentence = said(first)
        found = [f"said {outcome(first)}, not {self.says}: {sentence}"] if outcome(first) != self.says else []
        found += [f"{word!r} is not in: {sentence}" for word in self.words if word not in sentence]
        ends = self.ends if any(self.ends) else self.says
        found += [f"ended as {outcome(last)}, not {ends}: {said(last)}"] if outcome(last) != ends else []
        attempts = last["status"].get("attempt", 0)
        return found + ([f"{attempts} attempts, not {self.attempts}"] if attempts != self.attempts else [])

    def line(self, seen: Sequence[JsonObject]) -> str:
        """The row in Markdown, from what was seen."""
        sentence = _OF_A_POD.sub(r"\1-…-\2", said(seen[0])).replace("|", "\\|").replace("\n", " ")
        if len(sentence) > LONGEST_SENTENCE:
            sentence = sentence[:LONGEST_SENTENCE] + "…"
        phase, reason = outcome(seen[0])
        return f"| {self.failure} | {self.how} | {phase}, `{reason}` | {sentence} | {self.again(seen)} |"

    def again(self, seen: Sequence[JsonObject]) -> str:
        """Whether the task went on, from what was seen."""
        phase, attempt = seen[-1]["status"]["phase"], seen[-1]["status"].get("attempt", 0)
        if phase not in ("running", "completed"):
            return "no" if len(seen) == 1 else f"no: {phase} in the end"
        return f"yes: {phase} in attempt {attempt}" if attempt > 1 else f"it goes on: {phase}"


def said(task: JsonObject) -> str:
    """What the condition Succeeded says."""
    return str(condition(task, "Succeeded")["message"])


@dataclass(frozen=True)
class Result:
    """A row and what came of it."""

    row: Row
    seen: Sequence[JsonObject]
    faults: Sequence[str]


async def produce(scene: Scene, rows: Sequence[Row]) -> list[Result]:
    """Produce the rows side by side, a few at once; one that fails does not keep the others from being seen."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> Sequence[JsonObject]:
        async with places:
            return await row.produce(scene)

    found = await asyncio.gather(*(one(row) for row in rows), return_exceptions=True)
    return [_result(row, seen) for row, seen in zip(rows, found, strict=True)]


def _result(row: Row, seen: Sequence[JsonObject] | BaseException) -> Result:
    if not isinstance(seen, BaseException):
        return Result(row, seen, row.faults(seen))
    if not isinstance(seen, Exception):
        raise seen
    return Result(row, (), [f"{type(seen).__name__}: {seen}"])


def complaints(results: Sequence[Result]) -> str:
    """What differs from the table, in words; empty if nothing does."""
    return "\n".join(f"{result.row.failure}: {fault}" for result in results for fault in result.faults)
