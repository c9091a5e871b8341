"""The cache's record of a task: small, with everything that answers need."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from skyvern_crds import wire
from skyvern_crds.ids import task_id_of
from skyvern_crds.spec import MAX_SPEC_BYTES
from skyvern_crds.status import MAX_STATUS_BYTES
from skyvern_crds.stored import StoredTask, Unreadable, read_task
from skyvern_crds.vocabulary import ANNOTATION_REQUEST, LABEL_ORGANIZATION, ConditionType, Phase

_METADATA: Final = ("name", "namespace", "uid", "creationTimestamp")
_CONDITION_FIELDS: Final = ("type", "status", "reason", "lastTransitionTime")
_MAX_FIELD_BYTES: Final = 64 * 1024
"""Largest field of an object that exceeds the writers' limits; a goal of 16,384 characters has at most this."""
_FAST: Final = 1
"""Compression level: a task shrinks to a third in about 20 microseconds."""


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task, as small as answers allow."""

    namespace: str
    """The tenant."""
    name: str
    uid: str
    resource_version: int
    created_at: datetime
    modified_at: datetime
    phase: Phase
    """What REST calls status."""
    cancel_requested: bool
    application: str | None
    """Label that lists can be filtered by."""
    pod_name: str | None
    """Pod of the current attempt."""
    pod_uid: str | None
    traceparent: str | None
    """Value of the traceparent annotation."""
    unreadable: tuple[Unreadable, ...]
    """Fields that could not be read and are missing from answers."""
    packed: bytes
    """Compressed JSON of what an answer needs."""
    archived: bool = False
    """The task has left the cluster; this is its final record."""

    @property
    def task_id(self) -> str:
        """Id in the REST API."""
        return task_id_of(self.name)

    def stored(self) -> StoredTask:
        """The task, without the parts that no answer needs."""
        return replace(read_task(wire.loads(zlib.decompress(self.packed))), unreadable=self.unreadable)


def record_of(obj: Mapping[str, Any]) -> TaskRecord:
    """The record of a SkyvernTask given as Kubernetes JSON, whatever its spec, status and annotations hold."""
    obj, bulk = _without_bulk(obj)
    task = read_task(obj)
    meta = task.metadata
    return TaskRecord(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        created_at=task.created_at,
        modified_at=task.modified_at,
        phase=task.phase,
        cancel_requested=meta.cancel_requested,
        application=task.application,
        pod_name=task.status.pod_name,
        pod_uid=task.status.pod_uid,
        traceparent=meta.traceparent,
        unreadable=(*bulk, *task.unreadable),
        packed=zlib.compress(wire.encode(_slim(obj, task)), _FAST),
    )


def _without_bulk(obj: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[Unreadable, ...]]:
    """The object without fields of the spec and a result that are far beyond what may be written.

    kubectl may store more than a megabyte. Answers of such size, fifty to a list, would take the memory of all callers.
    """
    kept, left_out = dict(obj), []
    for part, limit in (("spec", MAX_SPEC_BYTES), ("status", MAX_STATUS_BYTES)):
        value = obj.get(part)
        if not isinstance(value, dict) or wire.size(value) <= limit:
            continue
        bulky = [name for name, each in value.items() if wire.size(each) > _MAX_FIELD_BYTES]
        kept[part] = {name: each for name, each in value.items() if name not in bulky}
        left_out += [Unreadable(f"{part}.{name}", f"is larger than {_MAX_FIELD_BYTES} bytes") for name in bulky]
    return (kept, tuple(left_out)) if left_out else (obj, ())


def _slim(obj: Mapping[str, Any], task: StoredTask) -> dict[str, Any]:
    """The object without what no answer needs: managed fields, most labels, annotations and messages of conditions."""
    labels, annotations, status = task.metadata.labels, task.metadata.annotations, obj.get("status")
    if isinstance(status, dict) and isinstance(conditions := status.get("conditions"), list):
        status = {**status, "conditions": [_slim_condition(each) for each in conditions]}
    changed = task.metadata.changed_at
    return {
        "metadata": {
            "managedFields": [{"time": changed.isoformat()}] if changed else [],
            **{key: obj["metadata"].get(key) for key in _METADATA},
            "labels": {key: labels[key] for key in (LABEL_ORGANIZATION,) if key in labels},
            "annotations": {key: annotations[key] for key in (ANNOTATION_REQUEST,) if key in annotations},
        },
        "spec": obj.get("spec"),
        "status": status,
    }


def _slim_condition(condition: object) -> object:
    if not isinstance(condition, dict):
        return condition
    waits = condition.get("type") == ConditionType.ADMITTED and condition.get("status") != "True"
    fields = (*_CONDITION_FIELDS, "message") if waits else _CONDITION_FIELDS
    return {key: condition[key] for key in fields if key in condition}
