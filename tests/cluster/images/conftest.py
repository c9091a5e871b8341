"""Fixtures of the images' tests."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cluster.base.progress import Progress
from tests.cluster.images.build import Image, build_images
from tests.cluster.images.container import RootFilesystem, unpack
from tests.cluster.machine.host_tools import ensure_image_tools


@pytest.fixture(scope="session")
def images(progress: Progress) -> dict[str, Image]:
    """All images of the tree as it is."""
    return build_images(progress)


MEMORY = Path("/dev/shm")  # noqa: S108 - a gigabyte in small files is written and removed ten times faster there
ROOM = 4 * 1024**3


class Roots(Mapping[str, RootFilesystem]):
    """The images' file systems, unpacked for runc when they are first asked for."""

    def __init__(self, images: Mapping[str, Image], folder: Path) -> None:
        self._images = images
        self._folder = folder
        self._unpacked: dict[str, RootFilesystem] = {}

    def __getitem__(self, name: str) -> RootFilesystem:
        if name not in self._unpacked:
            self._unpacked[name] = unpack(self._images[name].archive, self._folder / name)
        return self._unpacked[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)


@pytest.fixture(scope="session")
def roots(
    images: dict[str, Image], tmp_path_factory: pytest.TempPathFactory, progress: Progress
) -> Iterator[Mapping[str, RootFilesystem]]:
    """See Roots."""
    ensure_image_tools(progress)
    folder = tmp_path_factory.mktemp("images")
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        folder = Path(tempfile.mkdtemp(prefix="skyvern-images-", dir=MEMORY))
    yield Roots(images, folder)
    shutil.rmtree(folder)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A directory for a container, whose name no other container has."""
    folder = tmp_path / f"skyvern-test-{time.time_ns()}"
    folder.mkdir()
    return folder
