"""The programs that build images: docker where it answers, else buildah."""

import hashlib
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import answers, run
from tests.cluster.images.base_image import BASE, BaseImage
from tests.cluster.images.recipe import Recipe
from tests.cluster.machine.host_tools import ensure_image_tools

BUILD_S = 1800.0
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


class Engine(Protocol):
    """Builds images from Containerfiles and writes them as archives."""

    def base(self, progress: Progress) -> str:
        """The id of the image that all others start from; fetched where it is missing."""

    def build(self, context: Path, recipe: Recipe, reference: str) -> None:
        """Build an image from a directory that holds everything it copies. Raises SetupError."""

    def save(self, reference: str, archive: Path) -> int:
        """Write the image as an archive that `ctr images import` and kind read; its uncompressed size in bytes."""

    def forget(self, repository: str, keep: str) -> None:
        """Remove a repository's images but for the reference `keep`; layers that others share stay."""


def choose_engine(cache: Path, progress: Progress) -> Engine:
    """Docker where its engine answers, else buildah, which is installed where it is missing.

    Raises SetupError when there is neither, and the user may not install one.
    """
    if answers(["docker", "info"]):
        return Docker()
    if os.geteuid() != 0:
        raise SetupError(
            "images can be built by docker, which does not answer, or by buildah, which needs root here",
            "start docker, or run this as root",
        )
    ensure_image_tools(progress)
    return Buildah(cache / "buildah")


def authorities(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The certificate authorities that this machine trusts, for builds behind a proxy with a private authority."""
    for path in (Path(environ.get("SSL_CERT_FILE") or SYSTEM_AUTHORITIES), SYSTEM_AUTHORITIES):
        if path.is_file():
            return path
    return None


def _arguments(recipe: Recipe) -> list[str]:
    return [f"--build-arg={name}={value}" for name, value in recipe.arguments]


def _secrets(**files: Path | None) -> list[str]:
    """Build secrets: a build may mount them, and they leave no trace in its image."""
    return [f"--secret=id={name.replace('_', '-')},src={file}" for name, file in files.items() if file]


class Docker:
    """The docker client and its engine, with BuildKit."""

    def base(self, progress: Progress) -> str:
        """See Engine. An image that exists is used as it is."""
        inspect = ["docker", "image", "inspect", "--format", "{{.Id}}", BASE]
        if run(inspect, timeout=60, check=False).returncode != 0:
            with progress.step(f"pull {BASE}"):
                run(["docker", "pull", "--quiet", BASE], timeout=600, remedy="the image registry could not be reached")
        return run(inspect, timeout=60).stdout.strip()

    def build(self, context: Path, recipe: Recipe, reference: str) -> None:
        """See Engine."""
        command = ["docker", "build", "--quiet", *_secrets(ca_certificates=authorities()), "--tag", reference]
        run(
            [*command, *_arguments(recipe), "--file", context / recipe.containerfile, context],
            timeout=BUILD_S,
            env={"DOCKER_BUILDKIT": "1"},
            remedy="run it again when the network is back; what was built is kept",
        )

    def save(self, reference: str, archive: Path) -> int:
        """See Engine."""
        run(["docker", "save", "--output", archive, reference], timeout=600)
        return int(run(["docker", "image", "inspect", "--format", "{{.Size}}", reference], timeout=60).stdout)

    def forget(self, repository: str, keep: str) -> None:
        """See Engine."""
        listed = run(["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", repository], timeout=60).stdout
        for reference in listed.split():
            if reference.rpartition(":")[2] != keep.rpartition(":")[2]:
                run(["docker", "rmi", reference], timeout=120, check=False)


class Buildah:
    """buildah as root, with a private store, so that no other images are seen or changed.

    Builds run in a chroot, which needs neither control groups nor a separate network.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("tmp", "storage"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        # Records of what is mounted must not survive a reboot.
        runroot = Path("/run") / f"skyvern-buildah-{hashlib.sha256(str(folder).encode()).hexdigest()[:6]}"
        self._command = (
            "buildah", "--root", str(folder / "storage"), "--runroot", str(runroot), *self._driver(folder / "driver"),
        )  # fmt: skip
        self._base = BaseImage(self._command, folder)

    @staticmethod
    def _driver(record: Path) -> tuple[str, ...]:
        """overlay where kernel and file system support it, else vfs, which copies; tried once for a store."""
        overlay = ("--storage-driver", "overlay", "--storage-opt", "overlay.skip_mount_home=true")
        if not record.is_file():
            trial = record.parent / "tmp" / "trial"
            command = [
                "buildah",
                "--root",
                str(trial / "root"),
                "--runroot",
                str(trial / "run"),
                *overlay,
                "from",
                "scratch",
            ]
            works = run(command, timeout=60, check=False).returncode == 0
            run(["rm", "-rf", trial], timeout=60)
            record.write_text("overlay" if works else "vfs")
        return overlay if record.read_text() == "overlay" else ("--storage-driver", "vfs")

    def base(self, progress: Progress) -> str:
        """See Engine."""
        return self._base.ensure(progress)

    def build(self, context: Path, recipe: Recipe, reference: str) -> None:
        """See Engine."""
        secrets = _secrets(ca_certificates=authorities(), apt_sources=self._base.apt_sources)
        command = ["nice", *self._command, "build", "--isolation", "chroot", "--layers", "--force-rm", "--pull=never"]
        command += ["--format", "oci", *secrets, *_arguments(recipe), "--tag", reference]
        run(
            [*command, "--file", context / recipe.containerfile, context],
            timeout=BUILD_S,
            env={"TMPDIR": str(self._folder / "tmp")},
            remedy="run it again when the network is back; what was built is kept",
        )

    def save(self, reference: str, archive: Path) -> int:
        """See Engine. A Docker archive, into which buildah writes its layers as they are: 3 s instead of 25 s."""
        target = f"docker-archive:{archive}:{reference}"
        run([*self._command, "push", "--quiet", reference, target], timeout=600)
        with tarfile.open(archive) as tar:
            manifest = json.load(_member(tar, "manifest.json"))
            return sum(tar.getmember(layer).size for layer in manifest[0]["Layers"])

    def forget(self, repository: str, keep: str) -> None:
        """See Engine."""
        listing = [*self._command, "images", "--format", "{{.Name}}:{{.Tag}}", "--filter", f"reference={repository}"]
        for reference in run(listing, timeout=60).stdout.split():
            if reference != keep:
                run([*self._command, "rmi", reference], timeout=120, check=False)


def _member(tar: tarfile.TarFile, name: str) -> tarfile.ExFileObject:
    file = tar.extractfile(name)
    if not isinstance(file, tarfile.ExFileObject):
        raise SetupError(f"the image archive has no {name}", "remove the archive and build again")
    return file
