"""Daemons: found, stopped and reported by what was recorded of them."""

import os
import socket
from pathlib import Path

import pytest

from tests.cluster import SetupError
from tests.cluster.base.processes import Daemon, Daemons, start_time, wait_for


def test_daemon_is_found_and_stopped_by_another_instance(tmp_path: Path) -> None:
    daemon = Daemons(tmp_path).start("sleeper", ["sleep", "60"])
    later = Daemons(tmp_path)
    assert later.find("sleeper") == daemon
    later.stop(daemon)
    assert start_time(daemon.pid) is None
    assert later.recorded() == []


def test_second_daemon_of_a_name_is_refused(tmp_path: Path) -> None:
    daemons = Daemons(tmp_path)
    daemon = daemons.start("sleeper", ["sleep", "60"])
    with pytest.raises(SetupError, match="sleeper runs already"):
        daemons.start("sleeper", ["sleep", "60"])
    daemons.stop(daemon)


def test_daemon_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    daemons = Daemons(tmp_path)
    ready = tmp_path / "ready"
    daemon = daemons.start("deaf", ["sh", "-c", f"trap '' TERM; touch {ready}; while :; do sleep 1; done"])
    wait_for(daemon, ready.exists, timeout=10, what="deaf daemon ready")
    daemons.stop(daemon, grace=0.2)
    assert start_time(daemon.pid) is None


def test_process_that_only_has_a_recorded_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = Daemon("stranger", os.getpid(), (start_time(os.getpid()) or 0) - 1, "")
    Daemons(tmp_path).stop(stranger)
    assert not stranger.alive


def test_those_named_last_are_stopped_last(tmp_path: Path) -> None:
    daemons = Daemons(tmp_path)
    order = tmp_path / "order"
    for name in ("store", "server", "client"):
        ready = tmp_path / f"{name}.ready"
        script = f"trap 'echo {name} >>{order}; exit' TERM; touch {ready}; while :; do sleep 0.05; done"
        wait_for(daemons.start(name, ["sh", "-c", script]), ready.exists, timeout=10, what=name)
    daemons.stop_all(["server", "store"])
    assert order.read_text().split() == ["client", "server", "store"]


def test_daemon_that_dies_early_is_reported_with_its_last_words(tmp_path: Path) -> None:
    daemon = Daemons(tmp_path).start("broken", ["sh", "-c", "echo address already in use >&2; exit 1"])
    with pytest.raises(SetupError, match=r"(?s)broken ended early.*address already in use"):
        wait_for(daemon, lambda: False, timeout=20, what="broken ready")


def test_daemon_inherits_its_listening_socket(tmp_path: Path) -> None:
    daemons = Daemons(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        python = "import socket; s = socket.socket(fileno=3); c, _ = s.accept(); c.sendall(b'here')"
        daemon = daemons.start("server", ["python3", "-c", python], listener=listener.fileno())
        address = listener.getsockname()
    with socket.create_connection(address, timeout=20) as client:
        assert client.recv(16) == b"here"
    daemons.stop(daemon)
