"""The cache: records of tasks, their order and their pages."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_record_and_its_answers_agree_on_the_last_change() -> None:
    fields = [{"manager": "kubectl", "time": "2026-01-01T00:00:09Z", "fieldsV1": {"f:spec": {}}}]
    record = record_of(task("t", "2026-01-01T00:00:00Z", metadata={"managedFields": fields}))
    assert record.modified_at.isoformat() == "2026-01-01T00:00:09+00:00"
    assert record.stored().modified_at == record.modified_at


@pytest.mark.parametrize(("value", "asked"), [(None, False), ("false", False), ("true", True), ("", True)])
def test_cancel_annotation_is_read_as_the_operator_reads_it(value: str | None, asked: bool) -> None:
    annotations = {} if value is None else {"skyvern.io/cancel": value}
    record = record_of(task("t", "2026-01-01T00:00:00Z", metadata={"annotations": annotations}))
    assert record.cancel_requested is asked


def index_of(*records: TaskRecord) -> TaskIndex:
    index = TaskIndex()
    for record in records:
        index.changed(Change(ChangeType.ADDED, record.namespace, record.name, None, record, 1))
    return index


def names(index: TaskIndex, namespace: str = "a", **query: Any) -> str:
    return "".join(record.name for record in select(index, namespace, ListQuery(**query)))


def test_index_orders_by_creation_then_name() -> None:
    made = [
        record_of(task(name, created))
        for name, created in (
            ("2", "2026-01-01T00:00:00Z"),
            ("3", "2026-01-01T00:00:00Z"),
            ("1", "2026-01-02T00:00:00Z"),
        )
    ]
    index = index_of(*made)
    assert names(index) == "132"
    changed = record_of(task("3", "2026-01-01T00:00:00Z", status={"phase": "running"}))
    index.changed(Change(ChangeType.MODIFIED, "a", "3", made[1], changed, 2))
    index.changed(Change(ChangeType.DELETED, "a", "1", made[2], None, 3))
    assert names(index) == "32"
    assert (names(index, task_status=["running"]), names(index, task_status=["created"])) == ("3", "2")
    assert names(index, "b") == ""
    assert index.count() == 2


def test_page_is_cut_after_filters_and_order() -> None:
    index = index_of(
        record_of(task("c", "2026-01-03T00:00:00Z", status={"phase": "running", "finishedAt": "2026-01-03T00:00:00Z"})),
        record_of(task("b", "2026-01-02T00:00:00Z", status={"phase": "queued", "queuedAt": "2026-01-09T00:00:00Z"})),
        record_of(
            task("a", "2026-01-01T00:00:00Z", status={"phase": "running", "startedAt": "2026-01-08T00:00:00.5Z"})
        ),
    )
    assert names(index) == "cba"
    assert names(index, order="asc") == "abc"
    assert names(index, page=2, page_size=2) == "a"
    assert names(index, page=3, page_size=2) == ""
    assert names(index, task_status=["running"]) == "ca"
    assert names(index, task_status=["running", "queued"], page_size=1) == "c"
    assert names(index, sort="modified_at") == "bac"
    assert names(index, sort="modified_at", order="asc") == "cab"
    assert names(index, workflow_run_id="wr_1") == ""
    assert names(index, application="x") == ""
    assert names(index, page=10**20, page_size=10**20) == ""
    assert names(index, page_size=10**20) == "cba"


PHASES = ["created", "queued", "running", "completed"]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from(PHASES), st.sampled_from(["", "x", "y"]))
    ),
    st.builds(
        ListQuery,
        task_status=st.lists(st.sampled_from(PHASES), max_size=3),
        application=st.sampled_from([None, "x", "y"]),
        sort=st.sampled_from(["created_at", "modified_at"]),
        order=st.sampled_from(["asc", "desc"]),
        page=st.integers(1, 4),
        page_size=st.integers(1, 5),
    ),
)
def test_page_is_what_filtering_and_sorting_everything_gives(
    tasks: list[tuple[int, int, str, str]], query: ListQuery
) -> None:
    records = [
        record_of(
            task(
                f"t{number}",
                f"2026-01-01T00:00:{created:02}Z",
                metadata={"annotations": {"skyvern.io/request": f'{{"application": "{label}"}}'} if label else {}},
                status={"phase": phase, "queuedAt": f"2026-01-01T00:01:{modified:02}Z"},
            )
        )
        for number, (created, modified, phase, label) in enumerate(tasks)
    ]
    index = index_of(*records)
    for record in records[::3]:  # deleted again
        index.changed(Change(ChangeType.DELETED, "a", record.name, record, None, 2))
    kept = [record for number, record in enumerate(records) if number % 3]
    matching = [
        record
        for record in kept
        if (not query.task_status or record.phase in query.task_status)
        and query.application in {None, record.application}
    ]
    matching.sort(key=lambda record: (getattr(record, query.sort), record.name), reverse=query.order == "desc")
    start = (query.page - 1) * query.page_size
    expected = [record.name for record in matching[start : start + query.page_size]]
    assert [record.name for record in select(index, "a", query)] == expected
    assert index.count() == len(kept)
