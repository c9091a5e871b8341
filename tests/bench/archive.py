"""What the archive costs with 100,000 tasks on a local disk: storing a record, finding a task, and pages.

    python -m tests.bench.archive [--tasks 100000] [--days 10]

Writes ``build/bench/archive.json``. Cold is a facade that has just started, warm the same request again.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from skyvern_apiserver.archive.layout import SORTS, day_of, days_key, entry_key, entry_of, name_key
from skyvern_apiserver.archive.records import Archive
from skyvern_apiserver.cache.task_index import TaskIndex
from skyvern_apiserver.cache.task_record import record_of
from skyvern_apiserver.storage.artifact_store import ArtifactStore
from skyvern_apiserver.tasks.listing import ListQuery, page_of
from skyvern_crds.rest.archive import encode_record, record_key
from tests.apiserver.archive.ended_task import ended_task

FIRST: Final = datetime(2026, 3, 1, tzinfo=UTC)
ROUNDS: Final = 20


def fill(folder: Path, tasks: int, days: int) -> None:
    """Write what storing the records would, without the time that it takes."""
    pause = timedelta(days=days) / tasks
    for number in range(tasks):
        obj = a_task(number, FIRST + number * pause)
        record = record_of(obj)
        for sort in SORTS:
            entry = entry_of(record, sort)
            write(folder / entry_key("a", sort, entry), b"")
            write(folder / days_key("a", sort) / day_of(entry.time), str(number).encode())
        write(folder / name_key("a", record.name), record.uid.encode())
        write(folder / record_key("a", record.name, record.uid), encode_record(obj))


def a_task(number: int, created: datetime) -> dict[str, Any]:
    phase, label = ("failed", "jobs") if number % 10 == 0 else ("completed", "forms")
    time_text = created.isoformat().replace("+00:00", "Z")
    uid = f"0b6dbf2c-7c2f-4d57-9a83-{number:012}"
    return ended_task(f"tsk-{number:019}", created=time_text, phase=phase, application=label, uid=uid)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    await call()
    return (time.perf_counter() - start) * 1000


async def measure(folder: Path, tasks: int) -> dict[str, float]:
    store = ArtifactStore.open(f"file://{folder}")
    found: dict[str, float] = {}

    def page(archive: Archive, **query: Any) -> Callable[[], Awaitable[None]]:
        async def read() -> None:
            items = await page_of(TaskIndex(), archive.index, "a", ListQuery(**query))
            assert len(items) == 10, len(items)
            await archive.of_entries("a", [each for each in items if not hasattr(each, "packed")])

        return read

    queries: dict[str, dict[str, Any]] = {
        "first_page": {},
        "last_page": {"page": tasks // 10},
        "failed": {"task_status": ["failed"]},
        "last_page_of_failed": {"task_status": ["failed"], "page": tasks // 100},
        "modified_ascending": {"sort": "modified_at", "order": "asc"},
    }
    for name, query in queries.items():
        archive = Archive(store)
        found[f"{name}_cold_ms"] = await timed(page(archive, **query))
        found[f"{name}_warm_ms"] = median([await timed(page(archive, **query)) for _ in range(ROUNDS)])
    archive = Archive(store)
    found["find_ms"] = median([await timed(partial(archive.find, "a", f"tsk_{each:019}")) for each in range(ROUNDS)])
    for number in range(ROUNDS):
        obj = a_task(tasks + number, FIRST + timedelta(days=400))
        found[f"store_{number}"] = await timed(partial(archive.store, record_of(obj), encode_record(obj)))
    found["store_ms"] = median([found.pop(f"store_{number}") for number in range(ROUNDS)])
    found["rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name), arguments.tasks, arguments.days)
        figures = asyncio.run(measure(Path(name), arguments.tasks))
    for key, value in figures.items():
        print(f"{key:32} {value:10.2f}")
    target = Path("build/bench/archive.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
