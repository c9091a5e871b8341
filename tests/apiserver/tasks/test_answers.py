"""Rendered answers: kept for a version of a task and an hour, within bounds."""

from dataclasses import replace

from skyvern_apiserver.cache.answers import MAX_ANSWER_BYTES, OVERHEAD_BYTES, Answers, Kind
from skyvern_apiserver.cache.task_record import TaskRecord, record_of


def a_task(name: str = "t", version: int = 7, uid: str = "u") -> TaskRecord:
    metadata = {"namespace": "a", "name": name, "uid": uid, "resourceVersion": str(version)}
    return record_of({"metadata": metadata, "spec": {"url": "https://example.com"}})


def test_answer_is_found_for_its_version_its_hour_and_its_kind_only() -> None:
    answers, task = Answers(), a_task()
    assert answers.put(Kind.TASK, task, 3600, b"{}") == b"{}"
    assert answers.get(Kind.TASK, task, 3600) == b"{}"
    assert answers.get(Kind.ITEM, task, 3600) is None
    assert answers.get(Kind.TASK, task, 7200) is None
    assert answers.get(Kind.TASK, a_task(version=8), 3600) is None
    assert answers.get(Kind.TASK, a_task(uid="another"), 3600) is None
    assert answers.get(Kind.TASK, replace(task, namespace="b"), 3600) is None


def test_new_version_takes_the_place_of_the_old_one() -> None:
    answers = Answers()
    for version in (7, 8):
        answers.put(Kind.TASK, a_task(version=version), 0, b"x" * version)
    assert answers.size == 8 + OVERHEAD_BYTES
    assert answers.get(Kind.TASK, a_task(version=7), 0) is None


def test_answers_that_nobody_asks_for_make_room() -> None:
    answers = Answers(limit=3 * (100 + OVERHEAD_BYTES))
    tasks = [a_task(name) for name in "abcd"]
    for task in tasks[:3]:
        answers.put(Kind.TASK, task, 0, b"x" * 100)
    assert answers.get(Kind.TASK, tasks[0], 0) is not None
    answers.put(Kind.TASK, tasks[3], 0, b"x" * 100)
    kept = [task.name for task in tasks if answers.get(Kind.TASK, task, 0) is not None]
    assert kept == ["a", "c", "d"]
    assert answers.size <= 3 * (100 + OVERHEAD_BYTES)


def test_very_large_answer_is_not_kept() -> None:
    answers, large = Answers(), b"x" * (MAX_ANSWER_BYTES + 1)
    assert answers.put(Kind.TASK, a_task(), 0, large) == large
    assert (answers.get(Kind.TASK, a_task(), 0), answers.size) == (None, 0)
