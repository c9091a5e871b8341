"""A SkyvernTask as the API server holds it, read so that no object can be an error."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from pydantic import JsonValue

from skyvern_crds import wire
from skyvern_crds.ids import task_id_of, time_of
from skyvern_crds.models import FIRST_TIME, LAST_TIME
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_crds.status import SkyvernTaskStatus
from skyvern_crds.stored.lenient import Unreadable, read
from skyvern_crds.tracing.trace import parse_traceparent
from skyvern_crds.vocabulary import (
    ANNOTATION_CANCEL,
    ANNOTATION_REQUEST,
    ANNOTATION_RETRY_WEBHOOK,
    ANNOTATION_TRACEPARENT,
    LABEL_ORGANIZATION,
    Phase,
)

_CLOCKS_DIFFER: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_NO_REQUEST: Final[Mapping[str, JsonValue]] = MappingProxyType({})
MAX_RETRY_VALUE: Final = 64
"""Characters of the retry-webhook annotation that count."""


@dataclass(frozen=True, slots=True)
class StoredMetadata:
    """Who an object is, and what people have asked of it by annotation."""

    namespace: str
    name: str
    uid: str
    resource_version: int
    """Comparable within a kind; 0 when it cannot be read."""
    generation: int
    created_at: datetime
    """1970 when it cannot be read."""
    deleting: bool
    """Whether deletion has begun."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    changed_at: datetime | None = None
    """Last change by whatever program, in whole seconds, as the API server keeps it in ``managedFields``."""

    @property
    def task_id(self) -> str:
        """Id in the REST API."""
        return task_id_of(self.name)

    @property
    def cancel_requested(self) -> bool:
        """Whether the cancel annotation is set, to anything but ``false``."""
        return self.annotations.get(ANNOTATION_CANCEL, "false") != "false"

    @property
    def webhook_retry(self) -> str | None:
        """Value of the retry-webhook annotation."""
        return self.annotations.get(ANNOTATION_RETRY_WEBHOOK, "")[:MAX_RETRY_VALUE] or None

    @property
    def traceparent(self) -> str | None:
        """Value of the traceparent annotation, if it is one."""
        text = self.annotations.get(ANNOTATION_TRACEPARENT)
        return text if text is not None and parse_traceparent(text) is not None else None

    @property
    def organization(self) -> str | None:
        """Organization of the API key that made the task."""
        return self.labels.get(LABEL_ORGANIZATION)


@dataclass(frozen=True, slots=True)
class StoredTask:
    """Everything that a stored SkyvernTask says, and what of it could not be read."""

    metadata: StoredMetadata
    spec: SkyvernTaskSpec
    """May exceed the limits that hold for new tasks."""
    status: SkyvernTaskStatus
    request: Mapping[str, JsonValue]
    """Fields of the REST request that the spec has no place for, from the request annotation."""
    unreadable: tuple[Unreadable, ...]
    """Empty for every object that this version or an API server with its CRD has written."""

    @property
    def phase(self) -> Phase:
        """Where the task stands.

        ``created`` until the operator has seen it; ``queued`` or ``running`` for a phase that cannot be read.
        """
        if self.status.phase is not None:
            return self.status.phase
        if any(each.field in {"status", "status.phase"} for each in self.unreadable):
            return Phase.RUNNING if self.status.started_at else Phase.QUEUED
        return Phase.CREATED

    @property
    def application(self) -> str | None:
        """Label of the REST request that lists can be filtered by."""
        value = self.request.get("application")
        return value if isinstance(value, str) else None

    @property
    def created_at(self) -> datetime:
        """Creation: the API server keeps whole seconds, the id of a task made over REST holds the microseconds."""
        stored, precise = self.metadata.created_at, time_of(self.metadata.task_id)
        return precise if precise is not None and abs(precise - stored) < _CLOCKS_DIFFER else stored

    @property
    def modified_at(self) -> datetime:
        """Time of the last change that left a trace."""
        status = self.status
        times = (
            self.created_at,
            self.metadata.changed_at,
            status.queued_at,
            status.started_at,
            status.finished_at,
            status.last_heartbeat,
            status.webhook.last_attempt_at if status.webhook else None,
            *(condition.last_transition_time for condition in status.conditions),
        )
        return max(time for time in times if time is not None)


def read_metadata(obj: object) -> StoredMetadata:
    """The metadata of any object given as Kubernetes JSON. Never raises: what cannot be read is empty."""
    meta = obj.get("metadata") if isinstance(obj, Mapping) else None
    meta = meta if isinstance(meta, Mapping) else {}
    return StoredMetadata(
        namespace=_text(meta.get("namespace")),
        name=_text(meta.get("name")),
        uid=_text(meta.get("uid")),
        resource_version=_number(meta.get("resourceVersion"), 0),
        generation=_number(meta.get("generation"), 1),
        created_at=read_time(meta.get("creationTimestamp")) or _EPOCH,
        deleting=bool(meta.get("deletionTimestamp")),
        labels=_texts(meta.get("labels")),
        annotations=_texts(meta.get("annotations")),
        changed_at=_last_change(meta.get("managedFields")),
    )


def read_task(obj: object) -> StoredTask:
    """A SkyvernTask given as Kubernetes JSON. Never raises; see :class:`StoredTask`."""
    parts: Mapping[str, Any] = obj if isinstance(obj, Mapping) else {}
    metadata = read_metadata(obj)
    spec, of_spec = read(SkyvernTaskSpec, parts.get("spec"), "spec")
    status, of_status = read(SkyvernTaskStatus, parts.get("status"), "status")
    request, of_request = read_request(metadata.annotations)
    return StoredTask(metadata, spec, status, request, (*of_spec, *of_status, *of_request))


def read_request(annotations: Mapping[str, str]) -> tuple[Mapping[str, JsonValue], tuple[Unreadable, ...]]:
    """What the request annotation keeps of a REST request; empty when it is absent or unreadable. Never raises."""
    text = annotations.get(ANNOTATION_REQUEST)
    if not text:
        return _NO_REQUEST, ()
    try:
        value = wire.loads(text)
    except ValueError:
        reason = "is not JSON"
    else:
        if isinstance(value, dict) and not wire.is_cut(value):
            return value, ()
        reason = "is not a JSON object" if not isinstance(value, dict) else "is nested too deep"
    return _NO_REQUEST, (Unreadable(f"metadata.annotations[{ANNOTATION_REQUEST}]", reason),)


def glance_at_runner(status: object) -> tuple[Unreadable, ...]:
    """What a runner's part of a status cannot be: lists of anything but objects, a result nested too deep.

    Far cheaper than reading all of it, for a caller that only has to know whether something is wrong. Never raises.
    """
    if not isinstance(status, Mapping):
        return ()
    faults = [
        Unreadable(f"status.{name}", "is not a list of objects")
        for name in ("steps", "errors", "artifacts")
        if name in status and not _is_list_of_objects(status[name])
    ]
    if wire.is_cut(status.get("extractedInformation")):
        faults.append(Unreadable("status.extractedInformation", f"is nested deeper than {wire.MAX_DEPTH} levels"))
    return tuple(faults)


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def read_time(value: object) -> datetime | None:
    """An RFC 3339 time; None when it is absent, is not one, or is beyond what can be added to. Never raises."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time if FIRST_TIME <= time <= LAST_TIME else None


def _last_change(managed_fields: object) -> datetime | None:
    entries = managed_fields if isinstance(managed_fields, list) else []
    times = (read_time(each.get("time")) for each in entries if isinstance(each, Mapping))
    return max((time for time in times if time is not None), default=None)


def _text(value: object) -> str:
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _number(value: object, otherwise: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) else otherwise


def _texts(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        return _NOTHING
    return {key: each for key, each in value.items() if isinstance(key, str) and isinstance(each, str)}
