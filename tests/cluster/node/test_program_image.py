"""An image made of one program."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster.node.program_image import write_program_image


def test_program_image_names_its_blobs_by_their_digests(tmp_path: Path) -> None:
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
