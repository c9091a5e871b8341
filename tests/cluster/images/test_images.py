"""The images: what goes into them, their size limits, and that they run under a pod's restrictions."""

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

import pytest

from tests.cluster.base.cache import cache_dir
from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.base.shell import wait_until
from tests.cluster.images.base_image import sources_text, suite_sources
from tests.cluster.images.build import ROOT, Image, build_context, build_images, digest_of, input_files, table
from tests.cluster.images.container import RootFilesystem, running
from tests.cluster.images.engines import authorities
from tests.cluster.images.recipe import RECIPES
from tests.cluster.machine.apt import Source, parse_deb822

PYTHON_IMAGES = ("runner", "operator", "apiserver", "scripted")
LARGEST_MB = {"browser": 650, "runner": 300, "operator": 250, "apiserver": 250, "scripted": 250}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the scripted image is built from."""
    for file in input_files(ROOT, RECIPES["scripted"]):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, tmp_path / file)
    return tmp_path


def digest(tree: Path, base: str = "sha256:1", arguments: Sequence[tuple[str, str]] = ()) -> str:
    with build_context(tree, input_files(tree, RECIPES["scripted"]), tree) as context:
        return digest_of(context, base, arguments)


def test_digest_changes_with_contents_names_base_and_arguments(tree: Path) -> None:
    digests = {digest(tree), digest(tree, base="sha256:2"), digest(tree, arguments=[("PROGRAM", "x")])}
    (tree / "tests/site/pages.py").write_text("changed")
    digests.add(digest(tree))
    (tree / "tests/site/pages.py").rename(tree / "tests/site/sheets.py")
    digests.add(digest(tree))
    (tree / "tests/site/sheets.py").chmod(0o755)
    digests.add(digest(tree))
    assert len(digests) == 6


def test_digest_stays_when_only_tests_caches_and_times_change(tree: Path) -> None:
    before = digest(tree)
    (tree / "tests/site/__pycache__").mkdir(exist_ok=True)
    (tree / "tests/site/__pycache__/pages.cpython-311.pyc").write_bytes(b"compiled")
    (tree / "tests/site/test_more.py").write_text("assert True")
    (tree / "tests/model/conftest.py").write_text("changed")
    (tree / "tests/site/pages.py").touch()
    (tree / "README.md").write_text("not an input")
    assert digest(tree) == before


def test_context_holds_the_inputs_and_nothing_else(tree: Path) -> None:
    (tree / "secret.txt").write_text("not an input")
    files = input_files(tree, RECIPES["scripted"])
    with build_context(tree, files, tree) as context:
        assert sorted(path.relative_to(context) for path in context.rglob("*") if path.is_file()) == files
    assert not context.exists()


def test_missing_input_is_named(tree: Path) -> None:
    (tree / "requirements.lock").unlink()
    with pytest.raises(SetupError, match=r"requirements\.lock is missing"):
        input_files(tree, RECIPES["scripted"])


def test_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SetupError, match=r"(?s)no such image: brwoser.*browser, runner, operator"):
        build_images(Progress(lambda _: None), ["brwoser"])


@pytest.mark.parametrize("name", RECIPES)
def test_containerfile_copies_exactly_its_inputs(name: str) -> None:
    values = {"FOLDER": name, **dict(RECIPES[name].arguments)}
    text = Template((ROOT / RECIPES[name].containerfile).read_text()).safe_substitute(values)
    copied = {
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE)
        for source in [word for word in line.split() if not word.startswith("--")][:-1]
    }
    assert {source for source in copied if not source.startswith("browser-image/bin/")} == {
        source for source in RECIPES[name].inputs if source != "browser-image/bin"
    }


def test_python_images_share_their_first_stages() -> None:
    """Word for word: else each would be built and kept separately."""
    texts = [(ROOT / RECIPES[name].containerfile).read_text() for name in PYTHON_IMAGES]
    lines = ["\n".join(line for line in text.splitlines() if not line.startswith("#")) for text in texts]
    shared = {text.partition("FROM builder AS dependencies")[0] for text in lines}
    assert len(shared) == 1
    assert "AS builder" in shared.pop()


def test_no_containerfile_switches_the_sandbox_off() -> None:
    for file in [ROOT / RECIPES["browser"].containerfile, *(ROOT / "browser-image/bin").iterdir()]:
        assert "no-sandbox" not in file.read_text()


def test_sources_of_another_suite_are_read_from_the_machines_own() -> None:
    machine = [
        Source("http://mirror.test/debian/", "bookworm", ("main", "contrib"), "/key"),
        Source("http://mirror.test/debian", "bookworm-updates", ("main",)),
        Source("http://mirror.test/debian", "bookworm-backports", ("main",)),
        Source("http://mirror.test/debian-security", "bookworm-security", ("main",)),
        Source("http://packages.test/cloud", "cloud-bookworm", ("main",)),
        Source("http://packages.test/node", "nodistro", ("main",)),
    ]
    found = suite_sources(machine)
    assert [(source.uri, source.suite) for source in found] == [
        ("http://mirror.test/debian", "trixie"),
        ("http://mirror.test/debian", "trixie-updates"),
        ("http://mirror.test/debian-security", "trixie-security"),
    ]
    assert sources_text(found[:1]) == (
        "Types: deb\nURIs: http://mirror.test/debian\nSuites: trixie\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )


def test_own_certificate_bundle_wins_over_the_systems(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    assert authorities({"SSL_CERT_FILE": str(bundle)}) == bundle
    assert authorities({"SSL_CERT_FILE": str(tmp_path / "missing")}) != tmp_path / "missing"


def test_table_says_size_and_seconds() -> None:
    built = Image("browser", "skyvern-browser:dev-1", Path("x"), "1", size=441_000_000, seconds=20.44)
    lines = table([built, Image("runner", "skyvern-runner:dev-2", Path("y"), "2", size=200_000_000)]).splitlines()
    assert lines[1].split() == ["browser", "441", "MB", "20.4", "s", "skyvern-browser:dev-1"]
    assert lines[2].split() == ["runner", "200", "MB", "cached", "skyvern-runner:dev-2"]


@pytest.mark.node
def test_unchanged_images_are_not_built_again(images: dict[str, Image], progress: Progress) -> None:
    began = time.monotonic()
    again = build_images(progress, ["browser"])["browser"]
    assert (again.reference, again.seconds) == (images["browser"].reference, 0.0)
    assert time.monotonic() - began < 2


@pytest.mark.node
@pytest.mark.parametrize("name", RECIPES)
def test_image_stays_within_its_size_limit(images: dict[str, Image], name: str) -> None:
    assert 50e6 < images[name].size <= LARGEST_MB[name] * 1e6


@pytest.mark.node
@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_python_image_carries_no_tools_and_no_tests(roots: Mapping[str, RootFilesystem], name: str) -> None:
    root = roots[name].path
    folders = ("usr/bin", "usr/local/bin", "opt/skyvern/bin")
    programs = {path.name for folder in folders for path in (root / folder).iterdir()}
    assert not programs & {"pip", "pip3", "uv", "gcc", "cc", "g++", "make", "git", "curl", "wget", "selenium-manager"}
    installed = root / "opt/skyvern"
    assert not [path for name in ("tests", "_tests", "conftest.py") for path in installed.rglob(name)]
    assert not list(installed.rglob("selenium-manager*"))


@pytest.mark.node
@pytest.mark.parametrize("name", RECIPES)
def test_image_does_not_reveal_the_mirror_it_was_built_from(roots: Mapping[str, RootFilesystem], name: str) -> None:
    """The file exists if the base image was built on this machine; a pulled one has Debian's own sources."""
    secret = cache_dir() / "buildah/debian.sources"
    mirrors = {source.uri for source in parse_deb822(secret.read_text())} if secret.exists() else set()
    kept = [path for path in (roots[name].path / "etc/apt").rglob("*") if path.suffix in (".list", ".sources")]
    assert not [path for path in kept if any(mirror in path.read_text() for mirror in mirrors)]


@pytest.mark.node
@pytest.mark.parametrize(
    ("name", "module"),
    [("runner", "skyvern_runner"), ("operator", "skyvern_operator"), ("apiserver", "skyvern_apiserver")],
)
def test_program_starts_without_privileges_or_a_writable_root(
    roots: Mapping[str, RootFilesystem], bundle: Path, name: str, module: str
) -> None:
    code = (
        "import os, sys, importlib.metadata as m;"
        f"import {module}, skyvern_crds, pydantic;"
        f"entry, = [e for e in m.entry_points(group='console_scripts') if e.name == 'skyvern-{name}'];"
        "entry.load();"
        "print(entry.name, entry.value, os.getuid(), os.access('/', os.W_OK), os.access('/tmp', os.W_OK),"
        f"{module}.__spec__.cached and os.path.exists({module}.__spec__.cached))"
    )
    with running(roots[name], bundle, args=["python", "-c", code]) as container:
        assert container.wait(30) == 0, container.log
        assert container.log.split() == [f"skyvern-{name}", f"{module}.__main__:main", "10001", "False", "True", "True"]


@pytest.mark.node
@pytest.mark.parametrize("module", ["tests.model", "tests.site"])
def test_scripted_server_answers(roots: Mapping[str, RootFilesystem], bundle: Path, module: str) -> None:
    with running(roots["scripted"], bundle, args=[*roots["scripted"].entrypoint, module, "--help"]) as container:
        assert container.wait(30) == 0, container.log
        assert f"usage: python -m {module}" in container.log


@pytest.mark.node
@pytest.mark.parametrize("name", PYTHON_IMAGES)
def test_sigterm_ends_a_program_that_is_only_starting(
    roots: Mapping[str, RootFilesystem], bundle: Path, name: str
) -> None:
    """The kubelet sends SIGTERM once; if it were missed, the pod would take its whole grace period to end."""
    init = roots[name].entrypoint[:2]
    with running(roots[name], bundle, args=[*init, "python", "-c", "import time; time.sleep(600)"]) as container:
        wait_until(lambda: len(container.processes()) == 2 if container.pid() else False, timeout=30, what="started")
        container.terminate(5)
