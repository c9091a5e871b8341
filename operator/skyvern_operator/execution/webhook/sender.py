"""Delivers webhooks, with workers beside the reconciliation. The state of a delivery is in the task's status."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp

from skyvern_crds.backoff import full_jitter
from skyvern_crds.client import SKYVERNTASKS, ClusterClient, ClusterError, NotFound
from skyvern_crds.rest.api_key import ApiKeyError
from skyvern_crds.rest.artifacts import ArtifactLinks
from skyvern_crds.rest.keys import artifact_link_key
from skyvern_crds.rest.webhook import webhook_body, webhook_headers
from skyvern_crds.status import WebhookState, WebhookStatus
from skyvern_crds.stored import StoredTask, read_task
from skyvern_crds.vocabulary import TERMINAL_PHASES
from skyvern_operator.config import OperatorConfig
from skyvern_operator.errors import LostResultError, NotLeadingError, ResultError, WebhookAddressError
from skyvern_operator.execution.tracing import TaskTracing
from skyvern_operator.execution.webhook.delivery_queue import DeliveryQueue
from skyvern_operator.execution.webhook.lookups import Lookups
from skyvern_operator.execution.webhook.post import Post
from skyvern_operator.execution.webhook.result_reader import ResultReader
from skyvern_operator.execution.webhook.rules import Answer, after_try, is_last_try
from skyvern_operator.execution.webhook.signing_key import SigningKey
from skyvern_operator.process.isolation import Where, report_error
from skyvern_operator.process.metrics import Metrics
from skyvern_operator.state.parsing import task_record
from skyvern_operator.state.records import TaskKey, TaskRecord
from skyvern_operator.state.store import Store

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 300.0
"""Pauses after a try that could not be made, which does not count, are drawn from between these."""
LARGE_TRIES: Final = 4
"""Tries at once with results that are read from the facade, one a namespace: it bounds the memory and who waits."""


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
        tracing: TaskTracing | None = None,
    ) -> None:
        """``wake`` is called once the store has the outcome of a try; ``check_lead`` raises NotLeadingError when this
        operator may not send."""
        self._client = client
        self._store = store
        self._config = config
        self._metrics = metrics
        self._link_key = artifact_link_key(signing_key)
        self._wake = wake
        self._check_lead = check_lead
        self._tracing = tracing
        self._keys = SigningKey(client, signing_key, release_namespace, config.webhook.signature)
        self._post = Post(config.webhook, Lookups())
        self._results = ResultReader(config.facade_url or config.public_url, self._link_key)
        bounds = config.webhook
        self._pending = DeliveryQueue(
            per_namespace=bounds.concurrency_per_namespace, per_host=bounds.concurrency_per_host
        )
        self._large = DeliveryQueue(per_namespace=1, per_host=bounds.concurrency_per_host)
        """Tasks whose results are in the artifact store."""
        self._under_way: set[str] = set()
        self._setbacks: dict[str, int] = {}
        """How often in a row something else than the receiver kept a try from being made."""

    def under_way(self, uid: str) -> bool:
        """Whether a try for this task is queued or running."""
        return uid in self._under_way

    def submit(self, task: TaskRecord) -> None:
        """Queue a try, unless one is queued or running."""
        if task.uid not in self._under_way:
            self._under_way.add(task.uid)
            self._pending.put(task)

    async def run(self) -> None:
        """Work until canceled."""
        timeout = aiohttp.ClientTimeout(total=self._config.webhook.timeout_seconds)
        # For the facade alone, whose address is within the cluster. Receivers are reached through Post only.
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            for _ in range(self._config.webhook.concurrency):
                group.create_task(self._work(session, self._pending))
            for _ in range(LARGE_TRIES):
                group.create_task(self._work(session, self._large))

    async def _work(self, session: aiohttp.ClientSession, queue: DeliveryQueue) -> None:
        while True:
            task, passed_on = await queue.get(), False
            try:
                passed_on = await self._handle(session, task, large=queue is self._large)
            except Exception as error:  # noqa: BLE001 - the outermost frame of a delivery
                if not isinstance(error, ClusterError | NotLeadingError):
                    report_error(self._metrics, Where.WEBHOOK, task.key)
                self._postpone(task, error)
            finally:
                queue.done(task)
                if not passed_on:
                    self._under_way.discard(task.uid)
                    self._wake(task.key)

    async def _handle(self, session: aiohttp.ClientSession, task: TaskRecord, *, large: bool) -> bool:
        """Make a try if one is due. True when it was passed on to the queue of large results instead."""
        obj = await self._read(task)
        if obj is not None and obj.status.extracted_information_ref is not None and not large:
            self._large.put(task)
            return True
        if obj is not None:
            await self._deliver(session, task, obj)
        self._setbacks.pop(task.uid, None)
        return False

    def _postpone(self, task: TaskRecord, error: Exception) -> None:
        """Nothing could be tried, which is not the receiver's fault: pause, and say so, but do not count it."""
        latest = self._store.task(task.key)
        before = latest.status.webhook if latest is not None and latest.uid == task.uid else None
        if before is None or before.state is not WebhookState.PENDING:
            self._setbacks.pop(task.uid, None)
            return
        setbacks = self._setbacks[task.uid] = self._setbacks.get(task.uid, 0) + 1
        pause = FIRST_PAUSE_SECONDS + full_jitter(setbacks, first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        logger.warning("the webhook waits: %s", error, extra={"fields": {"task": str(task.key), "retry_in": pause}})
        waiting = before.model_copy(
            update={
                "next_attempt_at": datetime.now(UTC) + timedelta(seconds=pause),
                "last_error": f"nothing was sent: {type(error).__name__}: {error}"[:1024],
            }
        )
        self._store.put_facts(task, replace(self._store.facts(task), webhook=waiting))

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
        webhook = stored.status.webhook
        is_due = (
            stored.status.phase in TERMINAL_PHASES and webhook is not None and webhook.state is WebhookState.PENDING
        )
        return stored if stored.metadata.uid == task.uid and is_due else None

    async def _deliver(self, session: aiohttp.ClientSession, task: TaskRecord, obj: StoredTask) -> None:
        """Try once, and leave the outcome among the store's facts."""
        before = obj.status.webhook or WebhookStatus(state=WebhookState.PENDING)
        begun = datetime.now(UTC)
        answer = await self._try(session, obj, before)
        if self._tracing is not None:
            self._tracing.webhook_tried(task, begun, answer)
        latest = self._store.task(task.key)
        asked = latest.webhook_retry if latest is not None and latest.uid == task.uid else None
        state = after_try(before, answer, self._config.webhook, datetime.now(UTC), asked=asked)
        self._store.put_facts(task, replace(self._store.facts(task), webhook=state))
        self._metrics.webhooks.labels("delivered" if answer.accepted else "failed").inc()
        fields = {"task": str(task.key), "attempt": state.attempts, "state": state.state, "status": answer.status}
        logger.info(
            "webhook delivered" if answer.accepted else f"webhook not delivered: {answer.error}",
            extra={"fields": fields},
        )

    async def _try(self, session: aiohttp.ClientSession, task: StoredTask, before: WebhookStatus) -> Answer:
        """Make one try. Anything that goes wrong with this task or its receiver makes it a failed one."""
        meta, url = task.metadata, task.spec.webhook_callback_url or ""
        try:
            signer = await self._keys.of(task)
            body = await self._body(session, task, is_last=is_last_try(before, self._config.webhook))
            headers = webhook_headers(signer.style, signer.key, int(time.time()), body)
            self._check_lead()
            return await self._post.send(url, body, headers, namespace=meta.namespace)
        except (ClusterError, NotLeadingError):
            raise  # not the task's fault: it does not count
        except (WebhookAddressError, ApiKeyError, ResultError) as error:
            return Answer(error=f"nothing was sent: {error}")
        except Exception as error:  # noqa: BLE001
            report_error(self._metrics, Where.WEBHOOK, f"{meta.namespace}/{meta.name}")
            return Answer(error=f"nothing was sent: {type(error).__name__}: {error}")

    async def _body(self, session: aiohttp.ClientSession, task: StoredTask, *, is_last: bool) -> bytes:
        """The body with the whole result, or with what keeps it from being given for good.

        Raises ResultError when the result may be read later. The last try goes without it: the verdict is worth more.
        """
        result, problem = None, None
        try:
            result = await self._results.read(session, task)
        except LostResultError as error:
            problem = str(error)
        except ResultError as error:
            if not is_last:
                raise
            problem = str(error)
        settings = self._config
        links = ArtifactLinks(settings.public_url, self._link_key, int(time.time()), settings.artifact_link_ttl_seconds)
        told = f"The extracted information cannot be given: {problem}" if problem else None
        return webhook_body(task, links, result=result, result_problem=told)
