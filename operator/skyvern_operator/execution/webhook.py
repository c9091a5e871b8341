"""Delivery of webhooks: workers beside the reconciliation; the state of a delivery lives in the task's status."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp

from skyvern_crds.client import SECRETS, SKYVERNTASKS, ClusterClient, ClusterError, NotFound
from skyvern_crds.rest.api_key import ApiKeyError, is_api_key, read_api_key
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.webhook import webhook_body, webhook_headers
from skyvern_crds.status import WebhookState, WebhookStatus
from skyvern_crds.stored import StoredTask, read_task
from skyvern_crds.urls import REMEDY, split_http_url
from skyvern_crds.vocabulary import LABEL_API_KEY_SECRET, TERMINAL_PHASES
from skyvern_operator.config import OperatorConfig, Webhook
from skyvern_operator.errors import WebhookAddressError
from skyvern_operator.process.isolation import Where, report_error
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.records import TaskKey, TaskRecord
from skyvern_operator.state.store import Store

logger = logging.getLogger(__name__)

API_PAUSE_SECONDS: Final = 5.0
"""Before another look when the API server does not answer; that is not a try."""
USER_AGENT: Final = "skyvern-operator"


@dataclass(frozen=True, slots=True)
class Answer:
    """How one try ended."""

    status: int | None = None
    error: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver has it."""
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
    """The delivery's state after one more try. Pure."""
    attempts = before.attempts + 1
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


class WebhookSender:
    """Tries deliveries, several at once, never two of one task at a time."""

    def __init__(
        self,
        client: ClusterClient,
        store: Store,
        config: OperatorConfig,
        metrics: Metrics,
        *,
        signing_key: bytes,
        release_namespace: str,
        wake: Callable[[TaskKey], None],
    ) -> None:
        """``wake`` is called when the outcome of a try is among the store's facts."""
        self._client = client
        self._store = store
        self._config = config
        self._metrics = metrics
        self._signing_key = signing_key
        self._release_namespace = release_namespace
        self._wake = wake
        self._pending: asyncio.Queue[TaskRecord] = asyncio.Queue()
        self._under_way: set[str] = set()

    def under_way(self, uid: str) -> bool:
        """Whether a try for this task is waiting or running."""
        return uid in self._under_way

    def submit(self, task: TaskRecord) -> None:
        """Start one try, unless one is under way."""
        if task.uid not in self._under_way:
            self._under_way.add(task.uid)
            self._pending.put_nowait(task)

    async def run(self) -> None:
        """Work until canceled."""
        timeout = aiohttp.ClientTimeout(total=self._config.webhook.timeout_seconds)
        jar, headers = aiohttp.DummyCookieJar(), {"User-Agent": USER_AGENT}
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=jar, headers=headers) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(self._config.webhook.concurrency):
                group.create_task(self._work(session))

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            task = await self._pending.get()
            try:
                await self._deliver(session, task)
            except ClusterError as error:
                fields = {"task": str(task.key)}
                logger.warning("the webhook waits for the API server: %s", error, extra={"fields": fields})
                await asyncio.sleep(API_PAUSE_SECONDS)
            except Exception:  # noqa: BLE001 - the outermost frame of a delivery
                report_error(self._metrics, Where.WEBHOOK, task.key)
                await asyncio.sleep(API_PAUSE_SECONDS)
            finally:
                self._under_way.discard(task.uid)
                self._wake(task.key)

    async def _deliver(self, session: aiohttp.ClientSession, task: TaskRecord) -> None:
        """Try once, with the current object: the runner may have written after the verdict."""
        try:
            obj = await self._client.get(SKYVERNTASKS, task.key.namespace, task.key.name)
        except NotFound:
            return
        stored = read_task(obj)
        status = stored.status
        if stored.metadata.uid != task.uid or status.phase not in TERMINAL_PHASES or status.webhook is None:
            return
        answer = await self._try(session, stored)
        state = after_try(status.webhook, answer, self._config.webhook, datetime.now(UTC))
        self._store.put_facts(task, replace(self._store.facts(task), webhook=state))
        self._metrics.webhooks.labels("delivered" if answer.accepted else "failed").inc()
        fields = {"task": str(task.key), "attempt": state.attempts, "state": state.state, "status": answer.status}
        logger.info(
            "webhook delivered" if answer.accepted else f"webhook not delivered: {answer.error}",
            extra={"fields": fields},
        )

    async def _try(self, session: aiohttp.ClientSession, task: StoredTask) -> Answer:
        """One try. Whatever goes wrong with this task or its receiver is a failed try."""
        try:
            url = task.spec.webhook_callback_url or ""
            check_address(url, self._config.webhook)
            timestamp = int(time.time())
            links = ArtifactLinks(
                self._config.public_url, self._signing_key, timestamp, self._config.artifact_link_ttl_seconds
            )
            body = webhook_body(task, links)
            headers = webhook_headers(self._config.webhook.signature, await self._key(task), timestamp, body)
            return await self._post(session, url, body, headers)
        except ClusterError:
            raise  # the API server's fault, not the task's: no try
        except (WebhookAddressError, ApiKeyError) as error:
            return Answer(error=f"nothing was sent: {error}")
        except Exception as error:  # noqa: BLE001
            report_error(self._metrics, Where.WEBHOOK, f"{task.metadata.namespace}/{task.metadata.name}")
            return Answer(error=f"nothing was sent: {type(error).__name__}: {error}")

    async def _post(self, session: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        try:
            # A redirect could lead anywhere, past allowedHosts too.
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                return _judge(response.status)
        except TimeoutError:
            return Answer(error=f"no answer within {self._config.webhook.timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(error=f"no answer: {error or type(error).__name__}")

    async def _key(self, task: StoredTask) -> bytes:
        """The caller's API key for a task made over REST, if that key is for the task's namespace; else the release's.

        Anyone who may create tasks may set the label, hence the check: it must not sign with another tenant's key.
        """
        name = task.metadata.labels.get(LABEL_API_KEY_SECRET)
        if not name:
            return self._signing_key
        try:
            secret = await self._client.get(SECRETS, self._release_namespace, name)
        except NotFound:
            return self._signing_key
        if not is_api_key(secret):
            return self._signing_key
        try:
            api_key = read_api_key(secret)
        except ApiKeyError as error:
            raise ApiKeyError(f"Secret {name}: {error}") from error
        return api_key.key if api_key.namespace == task.metadata.namespace else self._signing_key


def _judge(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer(status=status)
    if 300 <= status < 400:
        return Answer(status=status, error=f"the receiver answered {status}; redirects are not followed")
    return Answer(status=status, error=f"the receiver answered {status}")
