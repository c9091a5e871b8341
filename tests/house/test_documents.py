"""What the documents name exists: files behind links, paths in the text, targets of make."""

import re
from pathlib import Path

import pytest

from tests.house.version import ROOT

TOP = ("apiserver", "browser-image", "charts", "crds", "operator", "tests")
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *(file for name in TOP for file in sorted((ROOT / name).rglob("*.md")) if "node_modules" not in file.parts),
]
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))


@each_document
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@each_document
def test_paths_from_the_root_exist(document: Path) -> None:
    quoted = re.findall(r"`([\w./-]+)`", document.read_text())
    paths = [path for path in quoted if "/" in path and path.split("/")[0] in TOP]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@each_document
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z0-9-]+)(?=[`\s]|$)", document.read_text(), re.MULTILINE))
    assert named <= targets
