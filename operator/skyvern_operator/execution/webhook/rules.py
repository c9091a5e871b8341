"""Rules of webhook delivery: which addresses are allowed, what an answer means, when the next try is due. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from skyvern_crds.status import WebhookState, WebhookStatus
from skyvern_crds.urls import REMEDY, split_http_url
from skyvern_operator.config import Webhook
from skyvern_operator.errors import WebhookAddressError


@dataclass(frozen=True, slots=True)
class Answer:
    """How one try ended."""

    status: int | None = None
    error: str | None = None

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


def after_try(before: WebhookStatus, answer: Answer, settings: Webhook, now: datetime) -> WebhookStatus:
    """The delivery's state after another try."""
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
        return tried.model_copy(update={"state": WebhookState.DELIVERED})
    if attempts > len(settings.schedule):
        return tried.model_copy(update={"state": WebhookState.FAILED})
    return tried.model_copy(update={"next_attempt_at": now + timedelta(seconds=settings.schedule[attempts - 1])})


def judge(status: int) -> Answer:
    """What the receiver's HTTP status means."""
    if 200 <= status < 300:
        return Answer(status=status)
    if 300 <= status < 400:
        return Answer(status=status, error=f"the receiver answered {status}; redirects are not followed")
    return Answer(status=status, error=f"the receiver answered {status}")
