"""Webhooks of ended tasks, taken by a real server."""

import base64
import hashlib
from datetime import datetime
from typing import Any

import pytest

from skyvern_crds import wire
from skyvern_crds.client import SECRETS, SKYVERNTASKS, ClusterClient
from skyvern_crds.rest.artifacts import store_key
from skyvern_crds.rest.keys import artifact_link_key, webhook_key
from skyvern_crds.rest.response import MAX_RESULT_BYTES
from skyvern_crds.rest.webhook import SignatureStyle
from skyvern_crds.status import MAX_INLINE_RESULT_BYTES
from skyvern_crds.vocabulary import (
    ANNOTATION_RETRY_WEBHOOK,
    API_VERSION,
    KIND,
    LABEL_API_KEY,
    LABEL_API_KEY_SECRET,
    MANAGER_RUNNER,
)
from tests.operator.cluster import Cluster
from tests.operator.conftest import StartOperator
from tests.operator.facade import Facade
from tests.operator.kubelet import Kubelet, verdict
from tests.operator.process import SIGNING_KEY
from tests.operator.receiver import Receiver

pytestmark = pytest.mark.contract

API_KEY = b"the key of a caller of the REST API"


async def complete(tasks: Cluster, kubelet: Kubelet, **spec: Any) -> None:
    """Run a task to its end."""
    await tasks.create(**spec)
    pod = await tasks.pod()
    await kubelet.start(pod)
    await kubelet.end(pod, message=verdict())
    await tasks.phase("completed")


async def api_key(client: ClusterClient, release: str, name: str, namespace: str, **more: bytes) -> None:
    """An API-key Secret in the release's namespace; keyword arguments are more of its fields."""
    values = {"key": API_KEY, "organization-id": b"o_1", "namespace": namespace.encode(), "state": b"active"}
    values |= {field.replace("_", "-"): value for field, value in more.items()}
    body = {
        "metadata": {"name": name, "labels": {LABEL_API_KEY: "true"}},
        "data": {key: base64.b64encode(value).decode() for key, value in values.items()},
    }
    await client.create(SECRETS, release, body)


async def delivered(tasks: Cluster, attempts: int = 1) -> dict[str, Any]:
    """Wait until the status says so; its webhook part."""
    status = await tasks.status(
        lambda status: (
            status.get("webhook", {}).get("state") == "Delivered" and status["webhook"]["attempts"] == attempts
        ),
        "webhook delivered",
    )
    return dict(status["webhook"])


async def test_end_is_reported_once_with_a_signature_that_verifies(
    tasks: Cluster, kubelet: Kubelet, receiver: Receiver
) -> None:
    await complete(tasks, kubelet, webhookCallbackUrl=receiver.url)
    webhook = await delivered(tasks)
    [delivery] = receiver.deliveries
    assert delivery.signed_with(webhook_key(SIGNING_KEY, tasks.namespace))
    for other in (SIGNING_KEY, artifact_link_key(SIGNING_KEY), webhook_key(SIGNING_KEY, "another-tenant")):
        assert not delivery.signed_with(other)
    assert delivery.json["task_id"] == tasks.name
    assert delivery.json["status"] == "completed"
    assert "request" not in delivery.json
    assert webhook["lastStatusCode"] == 200


async def test_canceled_task_reports_its_end_too(tasks: Cluster, receiver: Receiver) -> None:
    await tasks.create(suspend=True, webhookCallbackUrl=receiver.url)
    await tasks.phase("queued")
    await tasks.cancel()
    [delivery] = await receiver.wait()
    assert delivery.json["status"] == "canceled"


async def test_delivery_is_repeated_until_the_receiver_takes_it(
    tasks: Cluster, kubelet: Kubelet, receiver: Receiver
) -> None:
    receiver.answers = [503, 302]
    await complete(tasks, kubelet, webhookCallbackUrl=receiver.url)
    await delivered(tasks, attempts=3)
    assert len(receiver.deliveries) == 3


async def test_delivery_is_given_up_after_the_schedule_and_repeated_on_request(
    tasks: Cluster, kubelet: Kubelet, receiver: Receiver
) -> None:
    receiver.answers = [500] * 3
    await complete(tasks, kubelet, webhookCallbackUrl=receiver.url)
    status = await tasks.status(lambda status: status.get("webhook", {}).get("state") == "Failed", "given up")
    assert status["webhook"]["attempts"] == 3
    assert status["webhook"]["lastError"] == "the receiver answered 500"
    await tasks.change({"metadata": {"annotations": {ANNOTATION_RETRY_WEBHOOK: "1"}}})
    webhook = await delivered(tasks)
    assert webhook["retryRequested"] == "1"


async def test_pending_delivery_is_made_at_once_on_request_and_not_again_after_it_succeeded(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet, receiver: Receiver
) -> None:
    receiver.answers = [429]
    receiver.headers = {"Retry-After": "3000"}
    async with start_operator(webhook={"schedule": [0.2] * 3}) as operator:
        await complete(own_tasks, own_kubelet, webhookCallbackUrl=receiver.url)
        status = await own_tasks.status(lambda status: status.get("webhook", {}).get("attempts") == 1, "one try")
        webhook = status["webhook"]
        pause = datetime.fromisoformat(webhook["nextAttemptAt"]) - datetime.fromisoformat(webhook["lastAttemptAt"])
        assert 2990 < pause.total_seconds() < 3010
        await own_tasks.change({"metadata": {"annotations": {ANNOTATION_RETRY_WEBHOOK: "1"}}})
        webhook = await delivered(own_tasks, attempts=2)
        assert webhook["retryRequested"] == "1"
        # An operator that starts afresh sees nothing left to do either.
        operator.kill()
    async with start_operator(webhook={"schedule": [0.2] * 3}):
        await complete(
            Cluster(own_tasks.client, own_tasks.namespace, "another"), own_kubelet, webhookCallbackUrl=receiver.url
        )
        await receiver.wait(3)
    assert [delivery.json["task_id"] for delivery in receiver.deliveries] == ["apply", "apply", "another"]


async def test_address_within_the_cluster_is_not_called_unless_the_configuration_allows_it(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet, receiver: Receiver
) -> None:
    async with start_operator(webhook={"allowedNetworks": [], "schedule": []}):
        await complete(own_tasks, own_kubelet, webhookCallbackUrl=receiver.url)
        status = await own_tasks.status(lambda status: status.get("webhook", {}).get("state") == "Failed", "given up")
    assert status["webhook"]["lastError"].startswith("nothing was sent: the address of 127.0.0.1 is not allowed: ")
    assert "webhook.allowedNetworks" in status["webhook"]["lastError"]
    assert "lastStatusCode" not in status["webhook"]
    assert receiver.deliveries == []


async def test_task_created_over_rest_is_signed_with_its_callers_key(
    client: ClusterClient, tasks: Cluster, kubelet: Kubelet, receiver: Receiver
) -> None:
    key = f"key-{tasks.name}"
    await api_key(client, tasks.namespace, key, tasks.namespace)
    await complete(tasks, kubelet, webhookCallbackUrl=receiver.url, labels={LABEL_API_KEY_SECRET: key})
    [delivery] = await receiver.wait()
    assert delivery.signed_with(API_KEY)


async def test_disabled_key_signs_in_its_own_style_what_it_has_asked_for(
    client: ClusterClient, tasks: Cluster, kubelet: Kubelet, receiver: Receiver
) -> None:
    key = f"key-{tasks.name}"
    await api_key(client, tasks.namespace, key, tasks.namespace, webhook_signature=b"legacy", state=b"invalid")
    await complete(tasks, kubelet, webhookCallbackUrl=receiver.url, labels={LABEL_API_KEY_SECRET: key})
    [delivery] = await receiver.wait()
    assert delivery.signed_with(API_KEY, SignatureStyle.LEGACY)


async def test_key_of_another_namespace_never_signs(
    client: ClusterClient, tasks: Cluster, kubelet: Kubelet, receiver: Receiver
) -> None:
    key = f"key-{tasks.name}"
    await api_key(client, tasks.namespace, key, "another-tenant")
    await complete(tasks, kubelet, webhookCallbackUrl=receiver.url, labels={LABEL_API_KEY_SECRET: key})
    [delivery] = await receiver.wait()
    assert delivery.signed_with(webhook_key(SIGNING_KEY, tasks.namespace))


LARGE: dict[str, Any] = {"rows": [{"name": f"row {number}", "note": "ä" * 100} for number in range(200)]}


async def complete_with_large_result(
    tasks: Cluster, kubelet: Kubelet, url: str, *, size: int | None = None
) -> tuple[str, bytes]:
    """Run a task whose result is an artifact; the artifact's key and content, which the runner would have stored."""
    content = wire.encode(LARGE)
    assert len(content) > MAX_INLINE_RESULT_BYTES
    uid = (await tasks.create(webhookCallbackUrl=url))["metadata"]["uid"]
    pod = await tasks.pod()
    await kubelet.start(pod)
    reference = {"name": "result.json", "size": size or len(content), "sha256": hashlib.sha256(content).hexdigest()}
    body = {"apiVersion": API_VERSION, "kind": KIND, "status": {"stepCount": 1, "extractedInformationRef": reference}}
    await tasks.client.apply(
        SKYVERNTASKS, tasks.namespace, tasks.name, body, field_manager=MANAGER_RUNNER, subresource="status"
    )
    await tasks.reason("Running")
    await kubelet.end(pod, message=verdict())
    return store_key(tasks.namespace, tasks.name, uid, "result.json"), content


async def test_result_that_is_too_large_for_the_object_is_in_the_webhook(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet, receiver: Receiver, facade: Facade
) -> None:
    facade.fault = 503
    async with start_operator(facadeUrl=facade.url, webhook={"schedule": [0.2] * 32}):
        key, content = await complete_with_large_result(own_tasks, own_kubelet, receiver.url)
        status = await own_tasks.status(lambda status: status.get("webhook", {}).get("lastError"), "a failed try")
        reason = "the result result.json cannot be read from the facade: 503 not now"
        assert status["webhook"]["lastError"] == f"nothing was sent: {reason}"
        assert receiver.deliveries == []
        facade.files[key] = content
        facade.fault = None
        [delivery] = await receiver.wait()
    assert delivery.json["extracted_information"] == LARGE
    assert delivery.signed_with(webhook_key(SIGNING_KEY, own_tasks.namespace))
    assert key.rpartition("/")[2] in delivery.json["extracted_information_url"]


async def test_verdict_is_delivered_without_a_result_that_is_lost(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet, receiver: Receiver, facade: Facade
) -> None:
    async with start_operator(facadeUrl=facade.url):
        await complete_with_large_result(own_tasks, own_kubelet, receiver.url)
        await delivered(own_tasks)
    [delivery] = receiver.deliveries
    assert (delivery.json["status"], delivery.json["extracted_information"]) == ("completed", None)
    assert delivery.json["failure_reason"] == (
        "The extracted information cannot be given: the file result.json is missing in the artifact store"
    )


async def test_result_beyond_what_answers_carry_is_left_to_its_link(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet, receiver: Receiver
) -> None:
    async with start_operator(facadeUrl="http://127.0.0.1:9"):  # nobody asks it
        await complete_with_large_result(own_tasks, own_kubelet, receiver.url, size=MAX_RESULT_BYTES + 1)
        [delivery] = await receiver.wait()
    assert delivery.json["extracted_information"] is None
    assert "/result.json?" in delivery.json["extracted_information_url"]


async def test_result_that_is_not_what_the_runner_stored_is_never_sent(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet, receiver: Receiver, facade: Facade
) -> None:
    facade.fault = 503
    async with start_operator(facadeUrl=facade.url, webhook={"schedule": [0.2] * 32}):
        key, content = await complete_with_large_result(own_tasks, own_kubelet, receiver.url)
        facade.files[key] = content.replace(b"row 1", b"row 7")
        facade.fault = None
        [delivery] = await receiver.wait()
    assert delivery.json["extracted_information"] is None
    assert "differs from the digest in status" in delivery.json["failure_reason"]


async def test_verdict_is_delivered_at_last_when_the_facade_stays_unreachable(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet, receiver: Receiver
) -> None:
    async with start_operator(facadeUrl="http://127.0.0.1:9"):
        await complete_with_large_result(own_tasks, own_kubelet, receiver.url)
        await delivered(own_tasks, attempts=3)
    [delivery] = receiver.deliveries
    assert (delivery.json["status"], delivery.json["extracted_information"]) == ("completed", None)
    assert "the facade does not answer" in delivery.json["failure_reason"]


async def test_delivery_continues_where_a_killed_operator_stopped(
    start_operator: StartOperator, own_tasks: Cluster, own_kubelet: Kubelet, receiver: Receiver
) -> None:
    receiver.answers = [500]
    settings = {"webhook": {"schedule": [3], "signature": "legacy"}}
    async with start_operator(**settings) as first:
        await complete(own_tasks, own_kubelet, webhookCallbackUrl=receiver.url)
        await own_tasks.status(lambda status: status.get("webhook", {}).get("attempts") == 1, "one try")
        first.kill()
    async with start_operator(**settings):
        await delivered(own_tasks, attempts=2)
    assert len(receiver.deliveries) == 2
    assert receiver.deliveries[1].signed_with(webhook_key(SIGNING_KEY, own_tasks.namespace), SignatureStyle.LEGACY)
