"""What the cache keeps of a task: a small record with what answers need."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from skyvern_crds.ids import task_id_of
from skyvern_crds.vocabulary import ANNOTATION_CANCEL, ANNOTATION_REQUEST, LABEL_ORGANIZATION, Phase

_STATUS_TIMES: Final = ("queuedAt", "startedAt", "finishedAt", "lastHeartbeat")
_CONDITION_FIELDS: Final = ("type", "status", "reason", "lastTransitionTime")
_FAST: Final = 1
"""Level of compression: a task shrinks to a third in some 20 microseconds."""


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task, as small as answers allow."""

    namespace: str
    """Tenant."""
    name: str
    """Name of the object."""
    uid: str
    """Its uid."""
    resource_version: str
    """Version that the record was read from."""
    created_at: str
    """As metadata has it."""
    modified_at: str
    """Time of the last change, comparable as text with other such times."""
    phase: Phase
    """What REST calls status."""
    cancel_requested: bool
    """Whether the cancel annotation is set."""
    application: str | None
    """Label that lists can be filtered by."""
    pod_name: str | None
    """Pod of the current attempt."""
    pod_uid: str | None
    """Its uid."""
    packed: bytes
    """Compressed JSON of what an answer needs."""

    @property
    def task_id(self) -> str:
        """Id in the REST API."""
        return task_id_of(self.name)

    def object(self) -> dict[str, Any]:
        """Kubernetes JSON with the parts that answers are made of."""
        value: dict[str, Any] = json.loads(zlib.decompress(self.packed))
        return value


def read_task(obj: dict[str, Any]) -> TaskRecord:
    """The record of a SkyvernTask given as Kubernetes JSON."""
    meta, status = obj["metadata"], obj.get("status") or {}
    annotations = meta.get("annotations") or {}
    request = annotations.get(ANNOTATION_REQUEST)
    return TaskRecord(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        created_at=meta["creationTimestamp"],
        modified_at=max(_times(meta, status)),
        phase=Phase(status.get("phase") or Phase.CREATED),
        cancel_requested=annotations.get(ANNOTATION_CANCEL, "false") != "false",
        application=json.loads(request).get("application") if request else None,
        pod_name=status.get("podName"),
        pod_uid=status.get("podUID"),
        packed=zlib.compress(json.dumps(_slim(obj), ensure_ascii=False, separators=(",", ":")).encode(), _FAST),
    )


def _times(meta: dict[str, Any], status: dict[str, Any]) -> Iterator[str]:
    """Times of changes; without the final ``Z`` a whole second sorts before its fractions."""
    yield meta["creationTimestamp"].rstrip("Z")
    yield from (status[name].rstrip("Z") for name in _STATUS_TIMES if status.get(name))
    yield from (condition["lastTransitionTime"].rstrip("Z") for condition in status.get("conditions", []))
    if last := status.get("webhook", {}).get("lastAttemptAt"):
        yield last.rstrip("Z")


def _slim(obj: dict[str, Any]) -> dict[str, Any]:
    meta, status = obj["metadata"], obj.get("status") or {}
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    slim_status = dict(status)
    if "conditions" in status:
        slim_status["conditions"] = [{key: each[key] for key in _CONDITION_FIELDS} for each in status["conditions"]]
    return {
        "metadata": {
            **{key: meta[key] for key in ("name", "namespace", "uid", "creationTimestamp")},
            "labels": {key: labels[key] for key in (LABEL_ORGANIZATION,) if key in labels},
            "annotations": {key: annotations[key] for key in (ANNOTATION_REQUEST,) if key in annotations},
        },
        "spec": obj["spec"],
        "status": slim_status,
    }
