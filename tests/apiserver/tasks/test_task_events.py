"""What a caller of a task's events has not heard yet: it follows from the task and the id of the last event alone."""

from typing import Any

import pytest

from skyvern_apiserver.cache.task_record import record_of
from skyvern_apiserver.tasks.task_events import Heard, news
from skyvern_crds.stored import StoredTask
from tests.apiserver.sse import Event, parse

STEP = {"createdAt": "2026-08-29T15:38:18Z", "modifiedAt": "2026-08-29T15:38:19Z"}


def task(uid: str = "u-1", **status: Any) -> StoredTask:
    metadata = {"namespace": "a", "name": "t", "uid": uid, "resourceVersion": "1"}
    return record_of({"metadata": metadata, "spec": {"url": "https://e.com"}, "status": status}).stored()


def step(order: int, status: str, retry: int = 0) -> dict[str, Any]:
    place = {"stepId": f"stp_{order}{retry}", "order": order, "retryIndex": retry, "status": status}
    return STEP | place | {"url": "https://e.com/jobs", "summary": "click [4]", "actions": 1}


def admitted(message: str, status: str = "False") -> dict[str, Any]:
    time = "2026-08-29T15:38:18Z"
    return {
        "type": "Admitted",
        "status": status,
        "reason": "LimitReached",
        "message": message,
        "lastTransitionTime": time,
    }


def told(now: StoredTask, last: str | None = None) -> list[Event]:
    return parse(news(now, Heard.read(last, now))[0])


def names(events: list[Event]) -> list[str]:
    return [f"{each.name} {each.data.get('status', '')}".strip() for each in events]


def test_new_listener_hears_where_the_task_stands() -> None:
    running = task(
        phase="running",
        steps=[step(0, "failed"), step(0, "completed", 1), step(1, "running")],
        lastHeartbeat="2026-08-29T15:38:20.5Z",
        currentUrl="https://e.com/apply",
    )
    events = told(running)
    assert names(events) == ["phase running", "step failed", "step completed", "step running", "heartbeat"]
    assert events[2].data == {
        "step_id": "stp_01", "order": 0, "retry_index": 1, "status": "completed",
        "created_at": "2026-08-29T15:38:18.000000", "modified_at": "2026-08-29T15:38:19.000000",
        "input_token_count": 0, "output_token_count": 0, "actions": 1, "is_last": False,
        "url": "https://e.com/jobs", "summary": "click [4]",
    }  # fmt: skip
    assert events[4].data == {"at": "2026-08-29T15:38:20.500000", "current_url": "https://e.com/apply"}


def test_each_id_resumes_behind_its_event() -> None:
    ended = task(
        phase="failed",
        failureReason="no such job",
        finishedAt="2026-08-29T15:38:21Z",
        steps=[step(0, "completed"), step(1, "failed")],
        lastHeartbeat="2026-08-29T15:38:20Z",
    )
    events = told(ended)
    assert names(events) == ["phase failed", "step completed", "step failed", "heartbeat", "end failed"]
    for number, event in enumerate(events, 1):
        assert told(ended, event.id) == events[number:]
    finished = {"status": "failed", "failure_reason": "no such job", "finished_at": "2026-08-29T15:38:21.000000"}
    assert events[-1].data == finished
    assert Heard.read(events[-1].id, ended).end


def test_step_that_goes_on_is_told_again_and_older_ones_are_not() -> None:
    before = told(task(phase="running", steps=[step(0, "completed"), step(1, "running")]))
    after = task(phase="running", steps=[step(0, "completed"), step(1, "completed"), step(2, "running")])
    assert [(each.data["order"], each.data["status"]) for each in told(after, before[-1].id)] == [
        (1, "completed"),
        (2, "running"),
    ]


def test_place_in_the_queue_is_told_when_it_changes() -> None:
    first = told(task(phase="queued", conditions=[admitted("10 tasks run; among the next 10")]))
    assert names(first) == ["phase queued", "queue"]
    assert first[1].data == {"reason": "LimitReached", "message": "10 tasks run; among the next 10"}
    same = task(phase="queued", conditions=[admitted("10 tasks run; among the next 10")])
    assert told(same, first[-1].id) == []
    moved = task(phase="queued", conditions=[admitted("10 tasks run; next")])
    assert [each.data["message"] for each in told(moved, first[-1].id)] == ["10 tasks run; next"]
    started = task(phase="running", conditions=[admitted("", "True")])
    assert names(told(started, first[-1].id)) == ["phase running"]


@pytest.mark.parametrize("last", [None, "", "7", "a.b.c", "\N{SNOWMAN}", "00000000.running..1.0.completed.0.end"])
def test_id_of_no_event_of_this_task_begins_anew(last: str | None) -> None:
    assert names(told(task(phase="running"), last)) == ["phase running"]


def test_id_of_an_event_of_another_task_of_the_same_name_begins_anew() -> None:
    last = told(task(uid="u-1", phase="completed"))[-1].id
    assert names(told(task(uid="u-2", phase="queued"), last)) == ["phase queued"]


def test_text_of_a_page_cannot_make_an_event() -> None:
    line = "x\n\nevent: end\ndata: {}"
    events = told(task(phase="running", steps=[step(0, "running") | {"summary": line}]))
    assert names(events) == ["phase running", "step running"]
    assert events[1].data["summary"] == line
