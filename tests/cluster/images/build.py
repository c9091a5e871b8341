"""The project's container images: built once for each state of the files that go in."""

import argparse
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.cluster.base.cache import cache_dir, locked
from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.images.engines import Engine, choose_engine
from tests.cluster.images.recipe import RECIPES, Recipe

ROOT = Path(__file__).parents[3]
LOCAL_REGISTRY = "localhost"
"""The images of this tree are in no registry: nodes get them from archives."""
KEPT_ARCHIVES = 3
"""How many archives of an image stay in the cache: the newest."""


@dataclass(frozen=True)
class Image:
    """An image that is ready to be loaded into a cluster."""

    name: str
    reference: str
    archive: Path
    digest: str
    """Twelve hex digits over the files that went in and the base image."""
    size: int = 0
    """Bytes, uncompressed."""
    seconds: float = 0.0
    """How long this run took to build it; 0 when it was in the cache."""


def is_input(path: Path) -> bool:
    """Whether a file of an input directory goes into an image: neither compiled modules nor tests do."""
    if "__pycache__" in path.parts or path.suffix == ".pyc":
        return False
    return not path.name.startswith("test_") and path.name != "conftest.py"


def input_files(root: Path, recipe: Recipe) -> list[Path]:
    """The files an image is built from, relative to the root, in order.

    Raises SetupError when a file of the recipe is missing.
    """
    files: list[Path] = []
    for name in (recipe.containerfile, *recipe.inputs):
        path = root / name
        if path.is_dir():
            files += [file for file in path.rglob("*") if file.is_file() and is_input(file.relative_to(root))]
        elif path.is_file():
            files.append(path)
        else:
            raise SetupError(f"{path} is missing", "the image is built from it: restore it from version control")
    return sorted(file.relative_to(root) for file in files)


def digest_of(context: Path, base: str, arguments: Sequence[tuple[str, str]] = ()) -> str:
    """Twelve hex digits over a context's files (name, content, executable bit), the base image's id and arguments."""
    total = hashlib.sha256("\0".join([base, *(f"{name}={value}" for name, value in arguments)]).encode())
    for path in sorted(path for path in context.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"\0{path.relative_to(context)}\0{content}\0{os.access(path, os.X_OK)}".encode())
    return total.hexdigest()[:12]


@contextmanager
def build_context(root: Path, files: Iterable[Path], parent: Path) -> Iterator[Path]:
    """A directory with only these files, so that nothing outside the digest gets into an image.

    Modes and times do not depend on the checkout, since they would change the layers.
    """
    with tempfile.TemporaryDirectory(prefix=".context-", dir=parent) as name:
        context = Path(name)
        for file in files:
            target = context / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / file, target)
            target.chmod(0o755 if os.access(root / file, os.X_OK) else 0o644)
        for path in context.rglob("*"):
            if path.is_dir():
                path.chmod(0o755)
            os.utime(path, (0, 0))
        yield context


class Builder:
    """Builds images into a directory of archives, with an engine."""

    def __init__(self, root: Path, folder: Path, engine: Engine, progress: Progress) -> None:
        self._root = root
        self._folder = folder
        self._engine = engine
        self._progress = progress

    def image(self, name: str, recipe: Recipe, base: str) -> Image:
        """The image of the tree as it is: from the cache, or built now. Raises SetupError."""
        # The digest is that of the copies, so an edit during the build cannot get in under the wrong name.
        with build_context(self._root, input_files(self._root, recipe), self._folder) as context:
            digest = digest_of(context, base, recipe.arguments)
            repository = f"{LOCAL_REGISTRY}/skyvern-{name}"
            archive = self._folder / f"{name}-{digest}.tar"
            image = Image(name, f"{repository}:dev-{digest}", archive, digest)
            if (size := self._cached_size(archive)) is not None:
                return replace(image, size=size)
            began = time.monotonic()
            with self._progress.step(f"build the image {name}"):
                self._engine.build(context, recipe, image.reference)
                size = self._save(image)
                self._engine.forget(repository, keep=image.reference)
                self._prune(name)
        return replace(image, size=size, seconds=time.monotonic() - began)

    def _save(self, image: Image) -> int:
        partial = image.archive.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        size = self._engine.save(image.reference, partial)
        partial.rename(image.archive)
        self._record(image.archive).write_text(json.dumps({"size": size}))
        return size

    def _cached_size(self, archive: Path) -> int | None:
        """The recorded size of a complete archive: its record is written last."""
        try:
            size = json.loads(self._record(archive).read_text())["size"]
        except (OSError, ValueError, KeyError):
            return None
        if not archive.is_file():
            return None
        os.utime(archive)
        return int(size)

    @staticmethod
    def _record(archive: Path) -> Path:
        return archive.with_suffix(".json")

    def _prune(self, name: str) -> None:
        """Remove the archives that were least recently used."""
        archives = sorted(self._folder.glob(f"{name}-*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
        for archive in archives[KEPT_ARCHIVES:]:
            archive.unlink()
            self._record(archive).unlink(missing_ok=True)


def build_images(progress: Progress, only: Collection[str] | None = None) -> dict[str, Image]:
    """All images, or those named in `only`; built if the tree has changed since their last build.

    Raises SetupError when a name is unknown or an image cannot be built.
    """
    names = list(RECIPES) if only is None else list(dict.fromkeys(only))
    if unknown := [name for name in names if name not in RECIPES]:
        raise SetupError(f"no such image: {', '.join(unknown)}", f"there are {', '.join(RECIPES)}")
    cache = cache_dir()
    folder = cache / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(cache, "images", timeout=1800):
        for leftover in folder.glob(".context-*"):
            shutil.rmtree(leftover)
        engine = choose_engine(cache, progress)
        base = engine.base(progress)
        builder = Builder(ROOT, folder, engine, progress)
        return {name: builder.image(name, RECIPES[name], base) for name in names}


def table(images: Iterable[Image]) -> str:
    """The images, a line each: name, size in megabytes, seconds the build took, reference."""
    rows = [("IMAGE", "SIZE", "BUILT IN", "REFERENCE")]
    for image in images:
        built = f"{image.seconds:.1f} s" if image.seconds else "cached"
        rows.append((image.name, f"{image.size / 1e6:.0f} MB", built, image.reference))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    )


def main(argv: Sequence[str]) -> int:
    """`python -m tests.cluster images [NAME ...]`: builds and prints what there is."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster images", description="Build the container images.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(RECIPES)} (default: all)")
    options = parser.parse_args(argv)
    print(table(build_images(Progress(), options.names or None).values()))
    return 0
