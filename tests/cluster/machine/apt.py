"""Debian packages: installed where missing, or unpacked from another suite without touching the machine's sources."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.base.cache import artifact
from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import run

LOCK_WAIT = ("-o", "DPkg::Lock::Timeout=600")
SIDE_SUITES = ("-security", "-updates", "-backports", "-proposed-updates")
DEFAULT_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Source:
    """A source of packages: one address with one suite."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


def parse_one_line(text: str) -> list[Source]:
    """The binary sources of a .list file, sources.list(5)."""
    sources = []
    for line in text.splitlines():
        found = re.match(r"\s*deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>\S.*)", line.partition("#")[0])
        if not found:
            continue
        uri, suite, *components = [*found["rest"].split(), "", ""][: max(2, len(found["rest"].split()))]
        options = dict(option.partition("=")[::2] for option in (found["options"] or "").split())
        sources.append(Source(uri, suite, tuple(components), options.get("signed-by", "")))
    return sources


def parse_deb822(text: str) -> list[Source]:
    """The enabled binary sources of a .sources file; an embedded key (Signed-By over several lines) is left out."""
    sources = []
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                fields[key] = f"{fields.get(key, '')}\n{line.strip()}"
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        signed_by = fields.get("signed-by", "")
        sources += [
            Source(uri, suite, tuple(fields.get("components", "").split()), "" if "\n" in signed_by else signed_by)
            for uri in fields.get("uris", "").split()
            for suite in fields.get("suites", "").split()
        ]
    return sources


def machine_sources(apt: Path = Path("/etc/apt")) -> list[Source]:
    """All sources the machine is set up with, in both formats."""
    sources: list[Source] = []
    lists = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))]
    for file in lists:
        if file.is_file():
            sources += parse_one_line(file.read_text())
    for file in sorted((apt / "sources.list.d").glob("*.sources")):
        sources += parse_deb822(file.read_text())
    return sources


def archive(sources: Iterable[Source]) -> Source:
    """The source of the Debian archive proper: main, and neither security nor updates nor backports.

    Raises SetupError where the machine has none.
    """
    for source in sources:
        side = source.suite.endswith(SIDE_SUITES) or "/" in source.suite
        if "main" in source.components and not side and source.uri.rstrip("/").endswith("debian"):
            return source
    raise SetupError(
        "no Debian archive among this machine's package sources",
        "the bare node takes containerd from Debian: use a Debian machine, or a container engine with kind",
    )


def unpacked(cache: Path, progress: Progress, suite: str, packages: tuple[str, ...]) -> Path:
    """Packages of a suite, unpacked into a directory of the cache, from the archive that the machine itself uses.

    apt works with private lists, cache and sources, so the machine's stay as they are; root is not needed.
    """
    source = archive(machine_sources())

    def build(target: Path) -> None:
        with progress.step(f"fetch {', '.join(packages)} from Debian {suite}"):
            view = target / ".apt"
            options = _private_view(view, source, suite)
            run(["apt-get", *options, "update"], timeout=600, remedy="the Debian archive did not answer; run it again")
            run(["apt-get", *options, "download", *packages], timeout=900, cwd=view)
            for package in sorted(view.glob("*.deb")):
                run(["dpkg", "-x", package, target], timeout=120)
            run(["rm", "-r", view], timeout=60)

    return artifact(cache, f"debian-{suite}/{'-'.join(packages)}", build, timeout=1800)


def _private_view(view: Path, source: Source, suite: str) -> list[str]:
    for folder in ("lists/partial", "cache/archives/partial", "empty"):
        (view / folder).mkdir(parents=True)
    keyring = source.signed_by or (DEFAULT_KEYRING if Path(DEFAULT_KEYRING).exists() else "")
    signed = f"[signed-by={keyring}] " if keyring else ""
    (view / "sources.list").write_text(f"deb {signed}{source.uri} {suite} main\n")
    settings = {
        "Dir::Etc::sourcelist": view / "sources.list",
        "Dir::Etc::sourceparts": view / "empty",
        "Dir::Etc::preferencesparts": view / "empty",
        "Dir::State::lists": view / "lists",
        "Dir::Cache": view / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def is_debian(os_release: Path = Path("/etc/os-release")) -> bool:
    """Whether this is Debian, with apt and the Debian archive."""
    try:
        fields = dict(line.partition("=")[::2] for line in os_release.read_text().splitlines())
    except OSError:
        return False
    return fields.get("ID", "").strip('"') == "debian"


def install_missing(wanted: Mapping[str, str], progress: Progress) -> None:
    """Install the packages whose program is missing; `wanted` maps a program (or file) to its package.

    Raises SetupError, with the command to run, without root or on another system than Debian.
    """
    missing = sorted({package for program, package in wanted.items() if not _present(program)})
    if not missing:
        return
    command = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if not is_debian():
        raise SetupError(
            f"missing on this machine: {', '.join(missing)} (names of Debian's packages)",
            "install their equivalents with your system's package manager, then run this again",
        )
    if os.geteuid() != 0:
        raise SetupError(f"missing on this machine: {', '.join(missing)}", f"run as root: {command}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", *LOCK_WAIT, "install", "-y", "-qq", "--no-install-recommends", *missing]
    with progress.step(f"install {', '.join(missing)}"):
        if run(install, timeout=1500, env=quiet, check=False).returncode != 0:
            # Usually the machine's package lists are old or were never fetched. The update also fails when an unrelated
            # source does not answer, which does no harm: the second try decides.
            run(["apt-get", *LOCK_WAIT, "update", "-qq"], timeout=900, env=quiet, check=False)
            run(install, timeout=1500, env=quiet, remedy=f"find out with: {command}")


def _present(program: str) -> bool:
    if program.startswith("/"):
        return Path(program).exists()
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/sbin"]
    return any(os.access(Path(folder) / program, os.X_OK) for folder in folders if folder)
