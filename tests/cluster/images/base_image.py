"""The base of all images, built from the Debian archive where no image registry can be reached."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import run
from tests.cluster.machine.apt import Source, machine_sources

BASE = "docker.io/library/debian:trixie-slim"
SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
EMPTIED = (
    "dev", "tmp", "var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/locale", "usr/share/man",
)  # fmt: skip
REMOVED = ("etc/apt/sources.list", "etc/hostname", "etc/resolv.conf")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def suite_sources(sources: Iterable[Source], suite: str = SUITE) -> list[Source]:
    """The sources of another suite at the addresses that this machine takes its Debian packages from.

    A machine's `bookworm`, `bookworm-updates` and `bookworm-security` become those of `trixie`; other people's
    archives and backports are left out.
    """
    found: dict[tuple[str, str], Source] = {}
    for source in sources:
        _, dash, side = source.suite.partition("-")
        address = source.uri.rstrip("/")
        if "main" not in source.components or not address.endswith(("/debian", "/debian-security")):
            continue
        if dash and side not in ("updates", "security"):
            continue
        own = Source(address, f"{suite}{dash}{side}", ("main",), KEYRING)
        found[own.uri, own.suite] = own
    return list(found.values())


def sources_text(sources: Iterable[Source]) -> str:
    """Sources in deb822 form, as the build secret `apt-sources` takes them."""
    stanzas = [
        f"Types: deb\nURIs: {source.uri}\nSuites: {source.suite}\n"
        f"Components: {' '.join(source.components)}\nSigned-By: {source.signed_by}\n"
        for source in sources
    ]
    return "\n".join(stanzas)


class BaseImage:
    """Debian's base image in buildah's store: pulled where a registry answers, else built with debootstrap.

    `apt_sources` is the file that replaces the image's package sources, since a built image has none; it is None for a
    pulled image.
    """

    def __init__(self, buildah: Sequence[str], folder: Path) -> None:
        self._buildah = tuple(buildah)
        self._record = folder / "base.json"
        self._sources = folder / "debian.sources"

    @property
    def apt_sources(self) -> Path | None:
        """See the class."""
        return self._sources if self._sources.is_file() else None

    def ensure(self, progress: Progress) -> str:
        """The image's id, which identifies its contents. Built once, and again when this recipe has changed."""
        recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
        identity = self._identity()
        if identity and self._recorded() == {"id": identity, "recipe": recipe}:
            return identity
        with progress.step(f"get the base image {BASE}"):
            self._sources.unlink(missing_ok=True)
            if self._run("pull", BASE, check=False, timeout=300) is None:
                self._debootstrap()
        identity = self._identity()
        self._record.write_text(json.dumps({"id": identity, "recipe": recipe}))
        return identity

    def _run(self, *args: str | Path, check: bool = True, timeout: float = 120) -> str | None:
        """A command's output, or None where it failed and need not succeed."""
        done = run([*self._buildah, *args], timeout=timeout, check=check)
        return done.stdout.strip() if done.returncode == 0 else None

    def _identity(self) -> str:
        return self._run("images", "--quiet", "--no-trunc", BASE, check=False) or ""

    def _recorded(self) -> object:
        try:
            return json.loads(self._record.read_text())
        except (OSError, ValueError):
            return None

    def _debootstrap(self) -> None:
        """A minimal system, without documentation, as Debian's own slim images are.

        Raises SetupError when debootstrap fails. Its default mirror is used when the machine names none.
        """
        sources = suite_sources(machine_sources())
        mirror = [source.uri for source in sources if source.suite == SUITE][:1]
        container = self._run("from", "scratch") or ""
        try:
            root = Path(self._run("mount", container) or "")
            run(
                ["nice", "debootstrap", "--variant=minbase", SUITE, root, *mirror],
                timeout=1200,
                remedy=f"the Debian archive did not answer, or this machine's keyring does not know {SUITE}: "
                "install debian-archive-keyring, or a container engine that can pull images",
            )
            _slim(root, keep_sources=not mirror)
            self._run("umount", container)
            self._run("config", "--cmd", "/bin/bash", "--env", f"PATH={PATH}", container)
            self._run("commit", "--format", "oci", "--disable-compression", container, BASE)
        finally:
            self._run("rm", container, check=False)
        if mirror:
            self._sources.write_text(sources_text(sources))
            self._sources.chmod(0o644)


def _slim(root: Path, *, keep_sources: bool) -> None:
    """Empty what a base image does not carry: caches, logs, documentation, and the address of the mirror used."""
    if not (root / "usr/bin/dpkg").is_file():
        raise SetupError(f"debootstrap left no system in {root}")
    for name in EMPTIED:
        for entry in (root / name).iterdir() if (root / name).is_dir() else ():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for name in REMOVED:
        if not (keep_sources and name == "etc/apt/sources.list"):
            (root / name).unlink(missing_ok=True)
