"""Where the index keeps what, and what the name of an entry says.

``_archive/<namespace>/<order>/<day>/<entry>`` is one empty file per task and order of lists: its name says all that
pages and filters need. ``_archive/<namespace>/days/<order>/<day>`` changes whenever an entry of the day does, so that a
reader of the day knows whether what it remembers is still true. ``_archive/<namespace>/names/<name>`` holds the uid of
the newest task of the name. No namespace begins with an underscore.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from skyvern_apiserver.cache.task_index import Position, Sort
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_crds.vocabulary import Phase

SORTS: Final[tuple[Sort, ...]] = ("created_at", "modified_at")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_NO_APPLICATION: Final = "-"
_LONG_NAME: Final = 100
"""Disks take 255 characters between two slashes; an object's name may have 253."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A task in one order of the index."""

    time: datetime
    """Creation or last change: what the order follows."""
    name: str
    uid: str
    phase: Phase
    application: str
    """Digest of the label that lists can be filtered by."""

    @property
    def position(self) -> Position:
        """What lists are sorted by."""
        return self.time, self.name


def entry_of(task: TaskRecord, sort: Sort) -> Entry:
    """The entry of a task."""
    time = task.created_at if sort == "created_at" else task.modified_at
    return Entry(time, task.name, task.uid, task.phase, application_digest(task.application))


@lru_cache(maxsize=1024)
def application_digest(application: str | None) -> str:
    """A digest of the label: it may be of any length, and hold any character."""
    if application is None:
        return _NO_APPLICATION
    return hashlib.blake2b(application.encode(errors="replace"), digest_size=8).hexdigest()


def day_of(time: datetime) -> str:
    """The day, in UTC, under which an entry is kept. Days are in the order of time."""
    return time.astimezone(UTC).date().isoformat()


def is_day(name: str) -> bool:
    """Whether a file's name is that of a day: others in the store are not ours."""
    return _DAY.fullmatch(name) is not None


def bounds_of(day: str) -> tuple[datetime, datetime]:
    """The day's first moment, and the next day's."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return start, start + timedelta(days=1)


def days_key(namespace: str, sort: Sort) -> str:
    """Prefix of the keys that change with their days."""
    return f"_archive/{namespace}/days/{sort}"


def day_key(namespace: str, sort: Sort, day: str) -> str:
    """Prefix of the entries of a day."""
    return f"_archive/{namespace}/{sort}/{day}"


def name_key(namespace: str, name: str) -> str:
    """Key of the uid of the newest task of the name."""
    return f"_archive/{namespace}/names/{name}"


def entry_key(namespace: str, sort: Sort, entry: Entry) -> str:
    """Key of an entry."""
    name = "/".join(entry.name[start : start + _LONG_NAME] for start in range(0, len(entry.name), _LONG_NAME))
    micros = (entry.time - _EPOCH) // _MICROSECOND
    fields = f"{micros:017d}_{entry.application}_{entry.phase.replace('_', '-')}_{entry.uid}_{name}"
    return f"{day_key(namespace, sort, day_of(entry.time))}/{fields}"


def read_entry(key: str) -> Entry | None:
    """The entry of a key; None for a file that is none."""
    try:
        micros, application, phase, uid, name = "".join(key.split("/")[4:]).split("_")
        time = _EPOCH + int(micros) * _MICROSECOND
        return Entry(time, name, uid, _phase(phase), application)
    except (ValueError, OverflowError):
        return None


def _phase(text: str) -> Phase:
    return Phase(text.replace("-", "_"))
