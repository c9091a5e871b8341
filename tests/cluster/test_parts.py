"""The small parts of the cluster's set-up: cache, processes, host settings, versions, progress."""

import json
import os
import socket
import tarfile
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.cluster import Progress, SetupError, artifact, cache_dir, digest_of
from tests.cluster.cache import locked
from tests.cluster.host import (
    ControlGroups,
    mounts_below,
    remember_absent,
    remember_sysctls,
    remove_absent,
    remove_links,
    restore_sysctls,
)
from tests.cluster.oci import write_program_image
from tests.cluster.processes import Daemon, Daemons, start_time, wait_for
from tests.cluster.shell import run, wait_until
from tests.cluster.toolchain import find_go, go_version, wanted_go

SILENT = Progress(lambda _: None, live=False)


def test_the_cache_is_where_the_environment_says() -> None:
    assert cache_dir({"SKYVERN_CACHE_DIR": "/own", "XDG_CACHE_HOME": "/xdg"}) == Path("/own")
    assert cache_dir({"XDG_CACHE_HOME": "/xdg", "HOME": "/home"}) == Path("/xdg/skyvern-operator")
    assert cache_dir({"HOME": "/home"}) == Path("/home/.cache/skyvern-operator")


def test_a_digest_changes_with_content_and_words(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    first = digest_of([file], "word")
    assert first != digest_of([file], "other")
    file.write_text("two")
    assert first != digest_of([file], "word")
    assert len(first) == 12


def test_an_artifact_is_built_once(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(target: Path) -> None:
        built.append(target)
        (target / "file").write_text("content")

    first = artifact(tmp_path, "kind/one", build)
    assert artifact(tmp_path, "kind/one", build) == first
    assert len(built) == 1
    assert (first / "file").read_text() == "content"


def test_a_build_cut_short_is_cleared_and_done_again(tmp_path: Path) -> None:
    leftover = tmp_path / "kind/.one.abc"
    leftover.mkdir(parents=True)

    def fail(target: Path) -> None:
        (target / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        artifact(tmp_path, "kind/one", fail)
    target = artifact(tmp_path, "kind/one", lambda folder: None)
    assert list(target.iterdir()) == []
    assert list((tmp_path / "kind").iterdir()) == [target]


def _hold_lock(cache: str, held: str) -> None:
    with locked(Path(cache), "thing", timeout=5):
        Path(held).touch()
        wait_until(lambda: not Path(held).exists(), timeout=30, what="the end of the test")


def test_a_lock_held_elsewhere_is_named_after_the_deadline(tmp_path: Path) -> None:
    held = tmp_path / "held"
    holder = get_context("spawn").Process(target=_hold_lock, args=(str(tmp_path), str(held)))
    holder.start()
    try:
        wait_until(held.exists, timeout=20, what="the lock held")
        with (
            pytest.raises(SetupError, match="another process has been busy with 'thing'"),
            locked(tmp_path, "thing", timeout=0.2),
        ):
            pass
    finally:
        held.unlink()
        holder.join(20)


def test_a_daemon_is_found_and_stopped_by_another_instance(tmp_path: Path) -> None:
    daemon = Daemons(tmp_path).start("sleeper", ["sleep", "60"])
    later = Daemons(tmp_path)
    assert later.find("sleeper") == daemon
    later.stop(daemon)
    assert start_time(daemon.pid) is None
    assert later.recorded() == []


def test_a_second_daemon_of_a_name_is_refused(tmp_path: Path) -> None:
    daemons = Daemons(tmp_path)
    daemon = daemons.start("sleeper", ["sleep", "60"])
    with pytest.raises(SetupError, match="sleeper runs already"):
        daemons.start("sleeper", ["sleep", "60"])
    daemons.stop(daemon)


def test_a_daemon_deaf_to_the_first_signal_is_killed(tmp_path: Path) -> None:
    daemons = Daemons(tmp_path)
    ready = tmp_path / "ready"
    daemon = daemons.start("deaf", ["sh", "-c", f"trap '' TERM; touch {ready}; while :; do sleep 1; done"])
    wait_for(daemon, ready.exists, timeout=10, what="deaf daemon ready")
    daemons.stop(daemon, grace=0.2)
    assert start_time(daemon.pid) is None


def test_a_process_that_only_has_a_recorded_pid_is_left_alone(tmp_path: Path) -> None:
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


def test_a_daemon_that_dies_early_is_reported_with_its_last_words(tmp_path: Path) -> None:
    daemon = Daemons(tmp_path).start("broken", ["sh", "-c", "echo address already in use >&2; exit 1"])
    with pytest.raises(SetupError, match=r"(?s)broken ended early.*address already in use"):
        wait_for(daemon, lambda: False, timeout=20, what="broken ready")


def test_a_daemon_inherits_its_listening_socket(tmp_path: Path) -> None:
    daemons = Daemons(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        python = "import socket; s = socket.socket(fileno=3); c, _ = s.accept(); c.sendall(b'here')"
        daemon = daemons.start("server", ["python3", "-c", python], listener=listener.fileno())
        address = listener.getsockname()
    with socket.create_connection(address, timeout=20) as client:
        assert client.recv(16) == b"here"
    daemons.stop(daemon)


def test_a_program_that_is_missing_is_named_with_the_remedy() -> None:
    with pytest.raises(SetupError, match="the program no-such-program is not installed") as caught:
        run(["no-such-program"], timeout=5, remedy="install it")
    assert str(caught.value).endswith("install it")


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(SetupError, match=r"(?s)ended with code 7:.*out of luck"):
        run(["sh", "-c", "echo out of luck >&2; exit 7"], timeout=5)


def test_a_program_that_hangs_is_given_up() -> None:
    with pytest.raises(SetupError, match="was not done within"):
        run(["sleep", "60"], timeout=0.2)


def test_kernel_settings_are_remembered_once_and_restored(tmp_path: Path) -> None:
    root, memory = tmp_path / "sys", tmp_path / "memory.json"
    setting = root / "kernel/panic"
    setting.parent.mkdir(parents=True)
    setting.write_text("1\n")
    memory.write_text(json.dumps({"kernel/panic": "1"}))
    setting.write_text("10\n")
    remember_sysctls(memory)
    restore_sysctls(memory, root)
    assert setting.read_text() == "1"


def test_only_empty_folders_that_were_absent_before_are_removed(tmp_path: Path) -> None:
    memory, names = tmp_path / "absent.json", ("there", "made", "used")
    folders = [tmp_path / name for name in names]
    folders[0].mkdir()
    remember_absent(memory, [str(folder) for folder in folders])
    for folder in folders[1:]:
        (folder / "deep").mkdir(parents=True)
    (folders[2] / "file").touch()
    remove_absent(memory)
    assert [folder.exists() for folder in folders] == [True, False, True]


def test_only_links_to_the_nodes_own_logs_are_removed(tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "own.log").symlink_to(tmp_path / "state/pods-log/a")
    (links / "other.log").symlink_to("/var/log/pods/b")
    remove_links(tmp_path / "state", links)
    assert [link.name for link in links.iterdir()] == ["other.log"]


def test_mounts_below_a_folder_are_listed_last_first(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    points = ("/state", "/state/a\\040b", "/stately", "/")
    table.write_text("".join(f"tmpfs {point} tmpfs rw 0 0\n" for point in points))
    assert mounts_below(Path("/state"), table) == ["/state/a b", "/state"]


def test_a_machine_without_control_groups_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no control groups"):
        ControlGroups("name", tmp_path).create()


def test_go_versions_are_compared_as_numbers() -> None:
    assert go_version("go version go1.26.8 linux/amd64") == (1, 26, 8)
    assert go_version("go version go1.9 linux/amd64") < wanted_go("module x\n\ngo 1.26.0\n")
    assert go_version("no version") == (0,)


def test_an_old_go_on_the_path_gives_way_to_the_caches_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "old/go"
    own = tmp_path / "go/1.26.0/lib/python3/site-packages/go/bin/go"
    for program in (old, own):
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho go version go1.19 linux/amd64\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}/usr/bin:/bin")
    assert find_go(tmp_path, SILENT) == own


def test_a_program_image_names_its_blobs_by_their_digests(tmp_path: Path) -> None:
    program, target = tmp_path / "pause", tmp_path / "image.tar"
    program.write_bytes(b"program")
    write_program_image(program, "example/pause:1", "x86_64", target)
    with tarfile.open(target) as archive:
        content = {name: archive.extractfile(name) for name in archive.getnames()}
        index = json.load(content["index.json"] or pytest.fail("no index"))
        digest = index["manifests"][0]["digest"].removeprefix("sha256:")
        manifest = json.load(content[f"blobs/sha256/{digest}"] or pytest.fail("no manifest"))
    assert index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] == "example/pause:1"
    assert {f"blobs/sha256/{layer['digest'][7:]}" for layer in manifest["layers"]} <= content.keys()


def test_steps_say_how_long_they_took_and_whether_they_failed() -> None:
    lines: list[str] = []
    progress = Progress(lines.append, live=False)
    with progress.step("one"):
        pass
    with pytest.raises(ValueError), progress.step("two"):
        raise ValueError
    assert lines == ["one ... 0.0 s\n", "two ... failed after 0.0 s\n"]
