"""Fixtures of the images' tests."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.container import RootFilesystem, unpack
from tests.cluster.hosttools import ensure_image_tools
from tests.cluster.images import Image, build_images
from tests.cluster.progress import Progress


@pytest.fixture(scope="session")
def images(progress: Progress) -> dict[str, Image]:
    """All images of the tree as it is."""
    return build_images(progress)


@pytest.fixture(scope="session")
def roots(
    images: dict[str, Image], tmp_path_factory: pytest.TempPathFactory, progress: Progress
) -> Iterator[dict[str, RootFilesystem]]:
    """Their file systems, unpacked, for runc."""
    ensure_image_tools(progress)
    folder = tmp_path_factory.mktemp("images")
    with progress.step("unpack the images"):
        found = {name: unpack(image.archive, folder / name) for name, image in images.items()}
    yield found
    shutil.rmtree(folder)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A directory for a container, whose name no other container has."""
    folder = tmp_path / f"skyvern-test-{time.time_ns()}"
    folder.mkdir()
    return folder
