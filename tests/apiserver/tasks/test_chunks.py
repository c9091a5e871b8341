"""Long and heavy lists: rendered piece by piece, and objects beyond the writers' limits without their bulk."""

import json
from typing import Any

import pytest

from skyvern_apiserver.cache.answers import Answers
from skyvern_apiserver.cache.task_record import record_of
from skyvern_apiserver.tasks.listing import CHUNK_BYTES, CHUNK_TASKS, in_chunks, render_list
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.response import task_response

LINKS = ArtifactLinks("https://tasks.example.com", b"0123456789abcdef", now=1_800_000_000)


def a_task(name: str, **parts: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "a",
        "uid": name,
        "resourceVersion": "1",
        "creationTimestamp": "2026-11-20T10:00:00Z",
    }
    return {"metadata": metadata, "spec": {"url": "https://a.example"}} | parts


def test_chunk_ends_by_count_or_by_size() -> None:
    assert [len(chunk) for chunk in in_chunks([b"x"] * (CHUNK_TASKS + 1))] == [CHUNK_TASKS, 1]
    assert [len(chunk) for chunk in in_chunks([b"x" * CHUNK_BYTES] * 2 + [b"x"])] == [CHUNK_BYTES, CHUNK_BYTES, 1]


@pytest.mark.parametrize("count", [0, 1, 120])
def test_chunks_make_up_one_json_array(count: int) -> None:
    records = [record_of(a_task(f"t{number}")) for number in range(count)]
    whole = b"".join(in_chunks(render_list(Answers(), records, LINKS)))
    assert [each["task_id"] for each in json.loads(whole)] == [f"t{number}" for number in range(count)]


def test_bulk_beyond_the_limits_is_left_out_and_named() -> None:
    spec = {"url": "https://a.example", "navigationGoal": "漢" * 16_384, "navigationPayload": "x" * 1_400_000}
    record = record_of(a_task("t", spec=spec, status={"phase": "completed", "extractedInformation": "y" * 1_000_000}))
    said = json.loads(task_response(record.stored(), LINKS).encode())
    assert said["request"]["navigation_goal"] == "漢" * 16_384
    assert (said["request"]["navigation_payload"], said["extracted_information"]) == (None, None)
    assert "status.extractedInformation" in said["failure_reason"]
    assert [each.field for each in record.unreadable] == ["spec.navigationPayload", "status.extractedInformation"]
