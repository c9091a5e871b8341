"""One version, in every place."""

import json
import shutil
from pathlib import Path

import pytest

from tests.house.version import PLACES, ROOT, current, write, written


def test_every_place_has_the_version_of_the_workspace() -> None:
    assert set(written().values()) == {current()}


def test_openapi_document_has_the_version_of_the_workspace() -> None:
    document = json.loads((ROOT / "apiserver" / "openapi.json").read_text())
    assert document["info"]["version"] == current()


def test_changelog_begins_with_unreleased_changes() -> None:
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0] == "## [Unreleased]"


def test_new_version_is_written_to_every_place_and_changes_nothing_else(tmp_path: Path) -> None:
    for file, _ in PLACES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, tmp_path / file)
    write("9.8.7-rc.6", tmp_path)
    assert set(written(tmp_path).values()) == {"9.8.7-rc.6"}
    write(current(), tmp_path)
    assert [file for file, _ in PLACES if (tmp_path / file).read_text() != (ROOT / file).read_text()] == []


@pytest.mark.parametrize("version", ["1", "v1.2.3", "1.2.3.4", "01.2.3", "1.2.3+build", "latest"])
def test_version_that_helm_and_python_do_not_share_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(ValueError, match="is not a version such as"):
        write(version, tmp_path)
