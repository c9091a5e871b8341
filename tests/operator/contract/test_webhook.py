"""Webhooks of ended tasks, taken by a real server."""

import base64
from typing import Any

import pytest

from skyvern_crds.client import SECRETS, ClusterClient
from skyvern_crds.rest.webhook import SignatureStyle
from skyvern_crds.vocabulary import ANNOTATION_RETRY_WEBHOOK, LABEL_API_KEY, LABEL_API_KEY_SECRET
from tests.operator.cluster import Cluster
from tests.operator.conftest import StartOperator
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


async def api_key(client: ClusterClient, release: str, name: str, namespace: str) -> None:
    """An API-key Secret in the release's namespace."""
    values = {"key": API_KEY, "organization-id": b"o_1", "namespace": namespace.encode(), "state": b"active"}
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


async def test_end_is_told_once_with_a_signature_that_verifies(
    tasks: Cluster, kubelet: Kubelet, receiver: Receiver
) -> None:
    await complete(tasks, kubelet, webhookCallbackUrl=receiver.url)
    webhook = await delivered(tasks)
    [delivery] = receiver.deliveries
    assert delivery.signed_with(SIGNING_KEY)
    assert delivery.json["task_id"] == tasks.name
    assert delivery.json["status"] == "completed"
    assert "request" not in delivery.json
    assert webhook["lastStatusCode"] == 200


async def test_canceled_task_tells_too(tasks: Cluster, receiver: Receiver) -> None:
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


async def test_task_made_over_rest_is_signed_with_its_callers_key(
    client: ClusterClient, tasks: Cluster, kubelet: Kubelet, receiver: Receiver
) -> None:
    key = f"key-{tasks.name}"
    await api_key(client, tasks.namespace, key, tasks.namespace)
    await complete(tasks, kubelet, webhookCallbackUrl=receiver.url, labels={LABEL_API_KEY_SECRET: key})
    [delivery] = await receiver.wait()
    assert delivery.signed_with(API_KEY)


async def test_key_of_another_namespace_never_signs(
    client: ClusterClient, tasks: Cluster, kubelet: Kubelet, receiver: Receiver
) -> None:
    key = f"key-{tasks.name}"
    await api_key(client, tasks.namespace, key, "another-tenant")
    await complete(tasks, kubelet, webhookCallbackUrl=receiver.url, labels={LABEL_API_KEY_SECRET: key})
    [delivery] = await receiver.wait()
    assert delivery.signed_with(SIGNING_KEY)


async def test_delivery_goes_on_where_a_killed_operator_was(
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
    assert receiver.deliveries[1].signed_with(SIGNING_KEY, SignatureStyle.LEGACY)
