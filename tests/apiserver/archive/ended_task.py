"""Ended tasks as Kubernetes JSON."""

import json
from typing import Any

from skyvern_apiserver.archive.records import Archive
from skyvern_apiserver.cache.task_record import TaskRecord, record_of
from skyvern_crds.rest.archive import encode_record


def ended_task(
    name: str,
    *,
    created: str = "2026-03-01T10:00:00Z",
    modified: str | None = None,
    phase: str = "completed",
    application: str | None = None,
    uid: str | None = None,
    **status: Any,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "a",
        "uid": uid or f"uid-{name}",
        "resourceVersion": "7",
        "creationTimestamp": created,
        "managedFields": [{"manager": "skyvern-operator", "time": modified or created, "fieldsV1": {"f:spec": {}}}],
    }
    if application is not None:
        metadata["annotations"] = {"skyvern.io/request": json.dumps({"application": application})}
    spec = {"url": "https://example.com", "navigationGoal": f"Apply for {name}"}
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase, **status}}


async def archive(archive: Archive, obj: dict[str, Any]) -> TaskRecord:
    """Store the task's record; the task as the cluster has it."""
    content = encode_record(obj)
    await archive.store(record_of(json.loads(content)), content)
    return record_of(obj)
