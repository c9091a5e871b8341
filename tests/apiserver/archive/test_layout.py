"""Names of the index: they say what pages need, and no two tasks share one."""

from datetime import UTC, datetime

import pytest

from skyvern_apiserver.archive.kept import Kept
from skyvern_apiserver.archive.layout import Entry, application_digest, bounds_of, day_of, entry_key, is_day, read_entry
from skyvern_crds.vocabulary import Phase

UID = "0b6dbf2c-7c2f-4d57-9a83-0f6fd0d9b9a1"


@pytest.mark.parametrize(
    "name", ["apply", "tsk-296295711174591590", "nightly.report-7", "x" * 100, "y" * 101, "z" * 253]
)
@pytest.mark.parametrize("time", [datetime(2026, 3, 1, 10, 0, 0, 123456, UTC), datetime(1970, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("application", [None, "", "jobs/_ *%\n漢"])
def test_entry_is_read_back_from_its_key(name: str, time: datetime, application: str | None) -> None:
    entry = Entry(time, name, UID, Phase.TIMED_OUT, application_digest(application))
    key = entry_key("jobs", "created_at", entry)
    assert read_entry(key) == entry
    assert max(map(len, key.split("/"))) <= 240


@pytest.mark.parametrize("key", ["_archive/a/created_at/2026-03-01/x", "_archive", "_archive/a/b/c/1_2_3_4_5", ""])
def test_file_that_is_no_entry_is_ignored(key: str) -> None:
    assert read_entry(key) is None


def test_days_are_in_the_order_of_time() -> None:
    times = [
        datetime(999, 12, 31, 23, 59, tzinfo=UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(9998, 1, 1, tzinfo=UTC),
    ]
    days = [day_of(time) for time in times]
    assert days == sorted(days)
    for day, time in zip(days, times, strict=True):
        first, beyond = bounds_of(day)
        assert first <= time < beyond
    assert [name for name in (*days, "2026-13-01", ".DS_Store", "x") if is_day(name)] == days


def test_heaviest_and_oldest_values_go_first() -> None:
    kept: Kept[str, int] = Kept(10)
    for name in "abc":
        kept.put(name, 1, 4)
    assert [kept.get(name) for name in "abc"] == [None, 1, 1]
    assert (kept.get("b"), kept.put("d", 2, 4), kept.get("c"), kept.get("b")) == (1, 2, None, 1)
    assert kept.put("b", 3, 11) == 3
    assert (kept.get("b"), kept.weight) == (None, 4)
    kept.drop("d")
    assert kept.weight == 0
