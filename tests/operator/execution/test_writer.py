"""Writes of an operator that does not lead."""

from pathlib import Path

import pytest

from skyvern_crds.client import PODS, ClusterClient
from skyvern_operator.errors import NotLeadingError
from skyvern_operator.execution.token_bucket import TokenBucket
from skyvern_operator.execution.writer import Writer
from skyvern_operator.process.elector import Elector
from skyvern_operator.process.leadership import Timing
from skyvern_operator.process.metrics import Metrics
from tests.crds.client.kubeconfig import kubeconfig


async def test_operator_that_does_not_lead_writes_nothing(tmp_path: Path) -> None:
    metrics, calls = Metrics(), []

    async def call() -> None:
        calls.append("written")

    config = tmp_path / "kubeconfig"
    config.write_text(kubeconfig("http://127.0.0.1:9", {"token": "none"}))
    async with await ClusterClient.connect(str(config)) as client:
        standby = Elector(client, metrics, Timing(7, 5, 1), namespace="n", name="lease", identity="me")
        writer = Writer(TokenBucket(100, 100), metrics, standby.check)
        with pytest.raises(NotLeadingError, match="me does not hold the Lease lease"):
            await writer.write("create", PODS, call)
    assert calls == []
    assert metrics.registry.get_sample_value("skyvern_operator_api_writes_total") is None
