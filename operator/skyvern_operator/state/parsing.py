"""Parses Kubernetes JSON into records, once, at the edge. Any object gives a record: nothing here raises."""

import re
import sys
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from skyvern_crds.client import JsonObject
from skyvern_crds.models import ApiModel
from skyvern_crds.runner_contract import CONTAINER_BROWSER, CONTAINER_RUNNER
from skyvern_crds.spec import ProxyLocation
from skyvern_crds.status import OperatorStatus
from skyvern_crds.stored import Unreadable, glance_at_runner, read, read_metadata, read_request, read_time
from skyvern_crds.urls import split_http_url
from skyvern_crds.vocabulary import GROUP, KIND, LABEL_ATTEMPT, LABEL_MANAGED_BY, MANAGED_BY
from skyvern_operator.state.ended import is_settled, slim
from skyvern_operator.state.facts import Trouble
from skyvern_operator.state.records import ContainerRecord, ContainerState, PodLife, PodRecord, TaskKey, TaskRecord

MAX_FAULTS: Final = 3
"""Unreadable fields that a record names."""
_MISSING: Final = ("not found", "references non-existent")
"""Words of the kubelet about a Secret, a ConfigMap, or a key of one, that a volume refers to."""
_ATTEMPT: Final = re.compile(r"[0-9]{1,4}")
_Number = Annotated[int, Field(ge=-(10**9), le=10**9)]


class SpecPart(ApiModel):
    """The part of a spec that decisions depend on. Reading all of it would double the cost of an event."""

    webhook_callback_url: str | None = None
    suspend: bool = False
    priority: _Number = 0
    profile: str | None = None
    start_deadline_seconds: _Number = 900
    active_deadline_seconds: _Number = 1800
    ttl_seconds_after_finished: _Number | None = None
    infra_retries: _Number = 2
    proxy_location: ProxyLocation | None = None
    totp_verification_url: str | None = None
    totp_identifier: str | None = None
    max_screenshot_scrolls: _Number | None = None


def task_record(obj: JsonObject) -> TaskRecord:
    """Parse a SkyvernTask given as Kubernetes JSON. Never raises: see ``unreadable``."""
    meta = read_metadata(obj)
    stored = obj.get("status")
    spec, _ = read(SpecPart, obj.get("spec"), "spec")
    status, faults = read(OperatorStatus, stored, "status")
    has_webhook = bool(spec.webhook_callback_url)
    settled = not faults and is_settled(status, meta.webhook_retry, has_webhook=has_webhook)
    return TaskRecord(
        key=TaskKey(meta.namespace, meta.name),
        uid=meta.uid,
        version=meta.resource_version,
        generation=meta.generation,
        created_at=meta.created_at,
        deleting=meta.deleting,
        cancel_requested=meta.cancel_requested,
        webhook_retry=meta.webhook_retry,
        has_webhook=has_webhook,
        webhook_host=_host(spec.webhook_callback_url),
        traceparent=meta.traceparent,
        suspend=spec.suspend,
        priority=spec.priority,
        profile=spec.profile,
        start_deadline_seconds=spec.start_deadline_seconds,
        active_deadline_seconds=spec.active_deadline_seconds,
        ttl_seconds=spec.ttl_seconds_after_finished,
        infra_retries=spec.infra_retries,
        without_effect=_without_effect(spec),
        status=slim(status) if settled else status,
        settled=settled,
        reported=isinstance(stored, dict) and bool(stored.get("lastHeartbeat") or stored.get("stepCount")),
        unreadable=_named(faults),
        ignored=_named((*read_request(meta.annotations)[1], *glance_at_runner(stored))),
    )


def _host(url: str | None) -> str:
    parts = split_http_url(url) if url else None
    return sys.intern(parts.hostname or "") if parts is not None else ""  # many tasks call one host


def _named(faults: tuple[Unreadable, ...]) -> str | None:
    return "; ".join(map(str, faults[:MAX_FAULTS])) or None


def _without_effect(spec: SpecPart) -> tuple[str, ...]:
    """Fields that are accepted for callers of the Tasks API and have no effect here."""
    proxy = ("proxyLocation",) if spec.proxy_location not in (None, ProxyLocation.NONE) else ()
    given = {
        "totpVerificationUrl": spec.totp_verification_url,
        "totpIdentifier": spec.totp_identifier,
        "maxScreenshotScrolls": spec.max_screenshot_scrolls,
    }
    return proxy + tuple(name for name, value in given.items() if value)


def pod_record(obj: JsonObject) -> PodRecord | None:
    """Parse a pod given as Kubernetes JSON; None when no SkyvernTask controls it. Never raises."""
    owner = controlling_task(obj)
    if owner is None:
        return None
    meta, status = read_metadata(obj), _mapping(obj.get("status"))
    deletion = _mapping(obj.get("metadata"))
    deletion_due = read_time(deletion.get("deletionTimestamp"))
    attempt = meta.labels.get(LABEL_ATTEMPT, "")
    conditions = {_text(entry.get("type")): entry for entry in _mappings(status.get("conditions"))}
    scheduled, disruption = conditions.get("PodScheduled", {}), conditions.get("DisruptionTarget", {})
    return PodRecord(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        version=meta.resource_version,
        task_uid=_text(owner.get("uid")),
        task_name=_text(owner.get("name")),
        attempt=int(attempt) if _ATTEMPT.fullmatch(attempt) else 1,
        created_at=meta.created_at,
        labeled=meta.labels.get(LABEL_MANAGED_BY) == MANAGED_BY,
        phase=_text(status.get("phase")) or "Pending",
        reason=_text(status.get("reason")),
        message=_text(status.get("message")),
        node_name=_text(_mapping(obj.get("spec")).get("nodeName")) or None,
        life=PodLife.LIVE if deletion_due is None else PodLife.DELETING,
        deletion_due=deletion_due,
        grace_over=deletion_due is not None and deletion.get("deletionGracePeriodSeconds") == 0,
        scheduled={"True": True, "False": False}.get(_text(scheduled.get("status"))),
        scheduled_at=read_time(scheduled.get("lastTransitionTime")),
        scheduling_reason=_text(scheduled.get("reason")),
        scheduling_message=_text(scheduled.get("message")),
        disruption=_text(disruption.get("reason")) if disruption.get("status") == "True" else "",
        disruption_message=_text(disruption.get("message")) if disruption.get("status") == "True" else "",
        runner=_container(status.get("containerStatuses"), CONTAINER_RUNNER),
        browser=_container(status.get("initContainerStatuses"), CONTAINER_BROWSER),
    )


def trouble_of(pod_uid: str, events: list[JsonObject], now: datetime) -> Trouble:
    """What Events, given as Kubernetes JSON, say about the pod. The kubelet counts a warning that it repeats."""
    own = [event for event in events if _mapping(event.get("source")).get("component") == "kubelet"]
    newest = max(own, key=lambda event: _text(event.get("lastTimestamp")), default={})
    message = _text(newest.get("message"))
    text = f"{_text(newest.get('reason'))}: {message}" if message else ""
    missing = newest.get("reason") == "FailedMount" and any(mark in message for mark in _MISSING)
    return Trouble(pod_uid, now, text, missing)


def controlling_task(obj: JsonObject) -> JsonObject | None:
    """The owner reference of the SkyvernTask that controls the object, if there is one."""
    for owner in _mappings(_mapping(obj.get("metadata")).get("ownerReferences")):
        ours = owner.get("kind") == KIND and _text(owner.get("apiVersion")).partition("/")[0] == GROUP
        if owner.get("controller") and ours:
            return owner
    return None


def _container(statuses: object, name: str) -> ContainerRecord:
    entry = next((entry for entry in _mappings(statuses) if entry.get("name") == name), {})
    states = _mapping(entry.get("state"))
    last = _mapping(_mapping(entry.get("lastState")).get("terminated"))
    for state in (ContainerState.TERMINATED, ContainerState.RUNNING, ContainerState.WAITING):
        value = states.get(state.value)
        if isinstance(value, dict):
            exit_code = value.get("exitCode")
            return ContainerRecord(
                state=state,
                reason=_text(value.get("reason")),
                message=_text(value.get("message")),
                image=_text(entry.get("image")),
                exit_code=exit_code if isinstance(exit_code, int) else None,
                started_at=read_time(value.get("startedAt")),
                finished_at=read_time(value.get("finishedAt")),
                killed_for_memory="OOMKilled" in (value.get("reason"), last.get("reason")),
            )
    return ContainerRecord()


def _mapping(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[JsonObject]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
