"""What the node changes on its host is remembered and taken back."""

import json
from pathlib import Path

import pytest

from tests.cluster import SetupError
from tests.cluster.node.host import (
    ControlGroups,
    mounts_below,
    remember_absent,
    remember_sysctls,
    remove_absent,
    remove_links,
    restore_sysctls,
)


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


def test_machine_without_control_groups_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no control groups"):
        ControlGroups("name", tmp_path).create()
