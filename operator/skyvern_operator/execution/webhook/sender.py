"""Delivers webhooks, with workers beside the reconciliation. The state of a delivery is in the task's status."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import aiohttp
from pydantic import JsonValue

from skyvern_crds.client import SECRETS, SKYVERNTASKS, ClusterClient, ClusterError, NotFound
from skyvern_crds.rest.api_key import ApiKeyError, is_api_key, read_api_key
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.webhook import webhook_body, webhook_headers
from skyvern_crds.status import WebhookState, WebhookStatus
from skyvern_crds.stored import StoredTask, read_task
from skyvern_crds.vocabulary import LABEL_API_KEY_SECRET, TERMINAL_PHASES
from skyvern_operator.config import OperatorConfig
from skyvern_operator.errors import NotLeadingError, ResultError, WebhookAddressError
from skyvern_operator.execution.webhook.lookups import Lookups
from skyvern_operator.execution.webhook.post import Post
from skyvern_operator.execution.webhook.result_reader import ResultReader
from skyvern_operator.execution.webhook.rules import Answer, after_try
from skyvern_operator.process.isolation import Where, report_error
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import TaskKey, TaskRecord
from skyvern_operator.state.store import Store

logger = logging.getLogger(__name__)

API_PAUSE_SECONDS: Final = 5.0
"""Pause after the API server did not answer, which does not count as a try."""


class WebhookSender:
    """Delivers several webhooks at once, but never two of one task."""

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
        check_lead: Callable[[], None],
    ) -> None:
        """``wake`` is called once the store has the outcome of a try; ``check_lead`` raises NotLeadingError when this
        operator may not send."""
        self._client = client
        self._store = store
        self._config = config
        self._metrics = metrics
        self._signing_key = signing_key
        self._release_namespace = release_namespace
        self._wake = wake
        self._check_lead = check_lead
        self._post = Post(config.webhook, Lookups())
        self._results = ResultReader(config.facade_url or config.public_url, signing_key)
        self._pending: asyncio.Queue[TaskRecord] = asyncio.Queue()
        self._large: asyncio.Queue[TaskRecord] = asyncio.Queue()
        """Tasks whose results are in the store. One worker has them, which bounds the memory and who waits for it."""
        self._under_way: set[str] = set()

    def under_way(self, uid: str) -> bool:
        """Whether a try for this task is queued or running."""
        return uid in self._under_way

    def submit(self, task: TaskRecord) -> None:
        """Queue a try, unless one is queued or running."""
        if task.uid not in self._under_way:
            self._under_way.add(task.uid)
            self._pending.put_nowait(task)

    async def run(self) -> None:
        """Work until canceled."""
        timeout = aiohttp.ClientTimeout(total=self._config.webhook.timeout_seconds)
        # For the facade alone, whose address is within the cluster. Receivers are reached through Post only.
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            for _ in range(self._config.webhook.concurrency):
                group.create_task(self._work(session, self._pending))
            group.create_task(self._work(session, self._large))

    async def _work(self, session: aiohttp.ClientSession, lane: asyncio.Queue[TaskRecord]) -> None:
        while True:
            task, passed_on = await lane.get(), False
            try:
                obj = await self._read(task)
                if obj is not None and obj.status.extracted_information_ref is not None and lane is self._pending:
                    self._large.put_nowait(task)
                    passed_on = True
                elif obj is not None:
                    await self._deliver(session, task, obj)
            except (ClusterError, NotLeadingError) as error:
                fields = {"task": str(task.key)}
                logger.warning("the webhook waits: %s", error, extra={"fields": fields})
                await asyncio.sleep(API_PAUSE_SECONDS)
            except Exception:  # noqa: BLE001 - the outermost frame of a delivery
                report_error(self._metrics, Where.WEBHOOK, task.key)
                await asyncio.sleep(API_PAUSE_SECONDS)
            finally:
                if not passed_on:
                    self._under_way.discard(task.uid)
                    self._wake(task.key)

    async def _read(self, task: TaskRecord) -> StoredTask | None:
        """The current object, since the runner may have written after the verdict; None if no webhook is due for it.

        The store gets it too: without that, a task that is gone would be due again at once.
        """
        try:
            obj = await self._client.get(SKYVERNTASKS, task.key.namespace, task.key.name)
        except NotFound:
            self._store.drop_task(task.key, task.uid)
            return None
        self._store.put_task(task_record(obj))
        stored = read_task(obj)
        is_due = stored.status.phase in TERMINAL_PHASES and stored.status.webhook is not None
        return stored if stored.metadata.uid == task.uid and is_due else None

    async def _deliver(self, session: aiohttp.ClientSession, task: TaskRecord, obj: StoredTask) -> None:
        """Try once, and leave the outcome among the store's facts."""
        answer = await self._try(session, obj)
        before = obj.status.webhook or WebhookStatus(state=WebhookState.PENDING)
        state = after_try(before, answer, self._config.webhook, datetime.now(UTC))
        self._store.put_facts(task, replace(self._store.facts(task), webhook=state))
        self._metrics.webhooks.labels("delivered" if answer.accepted else "failed").inc()
        fields = {"task": str(task.key), "attempt": state.attempts, "state": state.state, "status": answer.status}
        logger.info(
            "webhook delivered" if answer.accepted else f"webhook not delivered: {answer.error}",
            extra={"fields": fields},
        )

    async def _try(self, session: aiohttp.ClientSession, task: StoredTask) -> Answer:
        """Make one try. Anything that goes wrong with this task or its receiver makes it a failed one."""
        try:
            key, reference = await self._key(task), task.status.extracted_information_ref
            if reference is None:
                return await self._send(task, key, _inline_result(task))
            return await self._send(task, key, await self._results.read(session, task, reference))
        except (ClusterError, NotLeadingError):
            raise  # not the task's fault: it does not count
        except (WebhookAddressError, ApiKeyError, ResultError) as error:
            return Answer(error=f"nothing was sent: {error}")
        except Exception as error:  # noqa: BLE001
            report_error(self._metrics, Where.WEBHOOK, f"{task.metadata.namespace}/{task.metadata.name}")
            return Answer(error=f"nothing was sent: {type(error).__name__}: {error}")

    async def _send(self, task: StoredTask, key: bytes, result: JsonValue) -> Answer:
        now, settings = int(time.time()), self._config
        links = ArtifactLinks(settings.public_url, self._signing_key, now, settings.artifact_link_ttl_seconds)
        body = webhook_body(task, links, result=result)
        headers, url = webhook_headers(settings.webhook.signature, key, now, body), task.spec.webhook_callback_url or ""
        self._check_lead()
        return await self._post.send(url, body, headers, namespace=task.metadata.namespace)

    async def _key(self, task: StoredTask) -> bytes:
        """The caller's API key for a task created over REST, if it is for the task's namespace; else the release's key.

        Anyone who may create tasks may set the label, so the check keeps them from signing with another tenant's key.
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


def _inline_result(task: StoredTask) -> JsonValue:
    """The result that the object holds. Raises ResultError for one that cannot be read: null must not replace it."""
    for fault in task.unreadable:
        if fault.field.startswith("status.extractedInformation"):
            raise ResultError(f"the result cannot be read: {fault}")
    return task.status.extracted_information
