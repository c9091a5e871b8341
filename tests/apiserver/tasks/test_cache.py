"""The cache: records of tasks, their order and their pages."""

from typing import Any

import pytest

from skyvern_apiserver.cache.task_index import TaskIndex
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_apiserver.tasks.listing import ListQuery, select
from skyvern_crds.client import Change, ChangeType
from skyvern_crds.vocabulary import Phase


def task(name: str, created: str, **more: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "a",
        "uid": f"uid-{name}",
        "resourceVersion": "1",
        "creationTimestamp": created,
        "managedFields": [{"manager": "somebody", "fieldsV1": {}}],
    }
    return {"metadata": metadata | more.pop("metadata", {}), "spec": {"url": "https://example.com"}, **more}


def test_record_keeps_what_answers_need_and_nothing_else() -> None:
    record = record_of(
        task(
            "t",
            "2026-01-01T00:00:00Z",
            metadata={"labels": {"skyvern.io/organization": "o_1", "other": "x"}, "annotations": {"note": "x" * 9999}},
            status={
                "phase": "running",
                "podName": "p",
                "podUID": "u",
                "conditions": [
                    {
                        "type": "Succeeded",
                        "status": "Unknown",
                        "reason": "Running",
                        "message": "long",
                        "lastTransitionTime": "2026-01-01T00:00:05.5Z",
                    }
                ],
            },
        )
    )
    assert (record.phase, record.pod_name, record.pod_uid) == (Phase.RUNNING, "p", "u")
    assert record.modified_at.isoformat() == "2026-01-01T00:00:05.500000+00:00"
    kept = record.stored()
    assert kept.metadata.labels == {"skyvern.io/organization": "o_1"}
    assert kept.metadata.annotations == {}
    assert [condition.message for condition in kept.status.conditions] == [""]
    assert len(record.packed) < 400


@pytest.mark.parametrize(("value", "asked"), [(None, False), ("false", False), ("true", True), ("", True)])
def test_cancel_annotation_is_read_as_the_operator_reads_it(value: str | None, asked: bool) -> None:
    annotations = {} if value is None else {"skyvern.io/cancel": value}
    record = record_of(task("t", "2026-01-01T00:00:00Z", metadata={"annotations": annotations}))
    assert record.cancel_requested is asked


def records(*tasks: dict[str, Any]) -> list[TaskRecord]:
    return [record_of(each) for each in tasks]


def test_index_orders_by_creation_then_name() -> None:
    index = TaskIndex()
    made = records(
        task("tsk-2", "2026-01-01T00:00:00Z"),
        task("tsk-3", "2026-01-01T00:00:00Z"),
        task("tsk-1", "2026-01-01T00:00:01Z"),
    )
    for record in made:
        index.changed(Change(ChangeType.ADDED, "a", record.name, None, record, 1))
    assert [record.name for record in index.newest_first("a")] == ["tsk-1", "tsk-3", "tsk-2"]
    changed = record_of(task("tsk-3", "2026-01-01T00:00:00Z", status={"phase": "running"}))
    index.changed(Change(ChangeType.MODIFIED, "a", "tsk-3", made[1], changed, 2))
    index.changed(Change(ChangeType.DELETED, "a", "tsk-1", made[2], None, 3))
    assert [(record.name, record.phase) for record in index.newest_first("a")] == [
        ("tsk-3", Phase.RUNNING),
        ("tsk-2", Phase.CREATED),
    ]
    assert list(index.newest_first("b")) == []
    assert index.count() == 2


def test_page_is_cut_after_filters_and_order() -> None:
    made = records(
        task("c", "2026-01-03T00:00:00Z", status={"phase": "running", "finishedAt": "2026-01-03T00:00:00Z"}),
        task("b", "2026-01-02T00:00:00Z", status={"phase": "queued", "queuedAt": "2026-01-09T00:00:00Z"}),
        task("a", "2026-01-01T00:00:00Z", status={"phase": "running", "startedAt": "2026-01-08T00:00:00.5Z"}),
    )

    def names(**query: Any) -> str:
        return "".join(record.name for record in select(iter(made), ListQuery(**query)))

    assert names() == "cba"
    assert names(order="asc") == "abc"
    assert names(page=2, page_size=2) == "a"
    assert names(page=3, page_size=2) == ""
    assert names(task_status=["running"]) == "ca"
    assert names(task_status=["running", "queued"], page_size=1) == "c"
    assert names(sort="modified_at") == "bac"
    assert names(sort="modified_at", order="asc") == "cab"
    assert names(workflow_run_id="wr_1") == ""
    assert names(application="x") == ""
