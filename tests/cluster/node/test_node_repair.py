"""A second bare node beside whatever runs: broken on purpose, repaired by the next `up`, removed without a trace."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Progress, cache_dir
from tests.cluster.base.processes import Daemons, start_time
from tests.cluster.base.shell import wait_until
from tests.cluster.node.host import ControlGroups, mounts_below, read_sysctls
from tests.cluster.node.layout import Layout
from tests.cluster.node.lifecycle import is_healthy, node_down, node_up, require_root

pytestmark = pytest.mark.node

NO_STEPS = Progress(lambda _: None, live=False)


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory with a short path; what a failed test leaves in it is taken down."""
    require_root()
    base = Path(tempfile.mkdtemp(prefix="node-"))
    yield base / "state"
    node_down(base / "state", NO_STEPS)
    shutil.rmtree(base)


def layout_of(state: Path) -> Layout:
    return Layout(state, Path("/nowhere"), Path("/nowhere"))


def test_down_leaves_no_trace(state: Path, progress: Progress) -> None:
    before = read_sysctls()
    node_up(cache_dir(), state, progress)
    layout = layout_of(state)
    pids = [daemon.pid for daemon in Daemons(state).recorded()]
    assert is_healthy(state)
    node_down(state, progress)
    assert not layout.exists
    assert read_sysctls() == before
    assert mounts_below(state) == mounts_below(layout.runtime) == []
    assert ControlGroups(layout.name).processes() == set()
    assert [pid for pid in pids if start_time(pid)] == []


def test_node_with_a_dead_daemon_is_rebuilt(state: Path, progress: Progress) -> None:
    node_up(cache_dir(), state, progress)
    etcd = Daemons(state).find("etcd")
    assert etcd is not None
    os.kill(etcd.pid, signal.SIGKILL)
    wait_until(lambda: not etcd.alive, timeout=10, what="the end of etcd")
    assert not is_healthy(state)
    node_up(cache_dir(), state, progress)
    assert is_healthy(state)


def test_node_whose_state_was_deleted_is_rebuilt(state: Path, progress: Progress) -> None:
    node_up(cache_dir(), state, progress)
    orphans = [daemon.pid for daemon in Daemons(state).recorded()]
    shutil.rmtree(state, ignore_errors=True)
    node_up(cache_dir(), state, progress)
    assert is_healthy(state)
    assert [pid for pid in orphans if start_time(pid)] == []
