"""Which Go is used."""

import os
from pathlib import Path

import pytest

from tests.cluster import Progress
from tests.cluster.programs.toolchain import find_go, go_version, wanted_go

SILENT = Progress(lambda _: None, live=False)


def test_go_versions_are_compared_as_numbers() -> None:
    assert go_version("go version go1.26.8 linux/amd64") == (1, 26, 8)
    assert go_version("go version go1.9 linux/amd64") < wanted_go("module x\n\ngo 1.26.0\n")
    assert go_version("no version") == (0,)


def test_old_go_on_the_path_gives_way_to_the_caches_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "old/go"
    own = tmp_path / "go/1.26.0/lib/python3/site-packages/go/bin/go"
    for program in (old, own):
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho go version go1.19 linux/amd64\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}/usr/bin:/bin")
    assert find_go(tmp_path, SILENT) == own
