"""Rules of webhook delivery: which addresses are allowed, what an answer means, when the next try is due. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from skyvern_crds.status import WebhookState, WebhookStatus
from skyvern_crds.urls import REMEDY, split_http_url
from skyvern_operator.config import Webhook
from skyvern_operator.errors import WebhookAddressError

LONGEST_RETRY_AFTER: Final = timedelta(hours=1)
"""A receiver cannot put off its next try for longer."""
TRY_LATER: Final = (429, 503)
"""Statuses whose Retry-After counts."""
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Answer:
    """How one try ended."""

    status: int | None = None
    error: str | None = None
    not_before: datetime | None = None
    """When the receiver wants the next try at the earliest."""

    @property
    def accepted(self) -> bool:
        """Whether the receiver accepted it."""
        return self.error is None


def check_address(url: str, settings: Webhook) -> None:
    """Raises WebhookAddressError for an address that is not http or https, or whose host is not allowed."""
    parts = split_http_url(url)
    if parts is None:
        raise WebhookAddressError(f"spec.webhookCallbackUrl is not usable: {REMEDY}")
    host = parts.hostname or ""
    if settings.allowed_hosts is not None and not any(
        host == allowed or (allowed.startswith("*.") and host.endswith(allowed[1:]))
        for allowed in settings.allowed_hosts
    ):
        raise WebhookAddressError(f"the host {host} is not in webhook.allowedHosts of the configuration")


def is_last_try(before: WebhookStatus, settings: Webhook) -> bool:
    """Whether the schedule has no try after the next."""
    return max(before.attempts, 0) >= len(settings.schedule)


def after_try(
    before: WebhookStatus, answer: Answer, settings: Webhook, now: datetime, *, asked: str | None = None
) -> WebhookStatus:
    """The delivery's state after another try; ``asked`` is the retry-webhook annotation at its end.

    Whoever asked for a delivery before this one succeeded has it now, so it answers the annotation.
    """
    attempts = max(before.attempts, 0) + 1
    tried = before.model_copy(
        update={
            "attempts": attempts,
            "last_attempt_at": now,
            "last_status_code": answer.status,
            "last_error": answer.error[:1024] if answer.error is not None else None,
            "next_attempt_at": None,
        }
    )
    if answer.accepted:
        answered = before.retry_requested if asked is None else asked
        return tried.model_copy(update={"state": WebhookState.DELIVERED, "retry_requested": answered})
    if is_last_try(before, settings):
        return tried.model_copy(update={"state": WebhookState.FAILED})
    due = now + timedelta(seconds=settings.schedule[attempts - 1])
    if answer.not_before is not None:
        due = max(due, min(answer.not_before, now + LONGEST_RETRY_AFTER))
    return tried.model_copy(update={"next_attempt_at": due})


def judge(status: int, retry_after: str | None, now: datetime) -> Answer:
    """What the receiver's HTTP status means, and its header Retry-After."""
    if 200 <= status < 300:
        return Answer(status=status)
    if 300 <= status < 400:
        return Answer(status=status, error=f"the receiver answered {status}; redirects are not followed")
    not_before = read_retry_after(retry_after, now) if status in TRY_LATER and retry_after else None
    return Answer(status=status, error=f"the receiver answered {status}", not_before=not_before)


def read_retry_after(text: str, now: datetime) -> datetime | None:
    """The time that a Retry-After header names, in seconds or as an HTTP date; None for anything else."""
    if _SECONDS.fullmatch(text.strip()):
        return now + timedelta(seconds=int(text))
    try:
        time = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
