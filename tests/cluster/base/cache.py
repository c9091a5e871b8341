"""The cache of everything that is built or fetched once: complete or absent, never in between."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from tests.cluster.base.errors import SetupError


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """SKYVERN_CACHE_DIR, else skyvern-operator below XDG_CACHE_HOME or ~/.cache."""
    if own := environ.get("SKYVERN_CACHE_DIR"):
        return Path(own).absolute()
    if xdg := environ.get("XDG_CACHE_HOME"):
        return Path(xdg).absolute() / "skyvern-operator"
    return Path(environ.get("HOME") or Path.home()) / ".cache" / "skyvern-operator"


def digest_of(files: Iterable[Path], *words: str) -> str:
    """Twelve hex digits over the names and contents of files, and over some words."""
    total = hashlib.sha256()
    for word in words:
        total.update(word.encode() + b"\0")
    for file in sorted(files):
        total.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:12]


@contextmanager
def locked(cache: Path, name: str, *, timeout: float) -> Iterator[None]:
    """Hold a lock between processes. Raises SetupError when another one holds it for more than `timeout` seconds."""
    path = cache / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = monotonic() + timeout
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() > deadline:
                    raise SetupError(
                        f"another process has been busy with '{name}' for {timeout:.0f} s",
                        f"wait for it, or see who holds it with `fuser {path}`",
                    ) from None
                sleep(0.1)
        yield


def artifact(cache: Path, name: str, build: Callable[[Path], None], *, timeout: float = 1800) -> Path:
    """The directory `name` of the cache; `build` fills a temporary one, which is renamed when complete.

    An interrupted build leaves only a temporary directory, which the next build of that name removes.
    """
    target = cache / name
    if target.is_dir():
        return target
    with locked(cache, name.replace("/", "-"), timeout=timeout):
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        for leftover in target.parent.glob(f".{target.name}.*"):
            shutil.rmtree(leftover)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            build(scratch)
            scratch.chmod(0o755)
            scratch.rename(target)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    return target
