"""A proxy that spoils watches, and a client behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from skyvern_crds.client import (
    ClusterClient,
    Timeouts,
)
from tests.cluster import ControlPlane
from tests.crds.client.faults import FaultProxy


@pytest.fixture
async def proxy(served: ControlPlane) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(served) as proxy:
        yield proxy


@pytest.fixture
async def spoiled(proxy: FaultProxy, tmp_path: Path) -> AsyncIterator[ClusterClient]:
    """A client whose requests go through the proxy."""
    timeouts = Timeouts(silence=1.5)
    async with await ClusterClient.connect(proxy.kubeconfig(tmp_path), timeouts=timeouts) as client:
        yield client
