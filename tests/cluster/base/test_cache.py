"""The cache: complete or absent, one builder at a time."""

from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.cluster import SetupError, artifact, cache_dir, digest_of
from tests.cluster.base.cache import locked
from tests.cluster.base.shell import wait_until


def test_cache_is_where_the_environment_says() -> None:
    assert cache_dir({"SKYVERN_CACHE_DIR": "/own", "XDG_CACHE_HOME": "/xdg"}) == Path("/own")
    assert cache_dir({"XDG_CACHE_HOME": "/xdg", "HOME": "/home"}) == Path("/xdg/skyvern-operator")
    assert cache_dir({"HOME": "/home"}) == Path("/home/.cache/skyvern-operator")


def test_digest_changes_with_content_and_words(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    first = digest_of([file], "word")
    assert first != digest_of([file], "other")
    file.write_text("two")
    assert first != digest_of([file], "word")
    assert len(first) == 12


def test_artifact_is_built_once(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(target: Path) -> None:
        built.append(target)
        (target / "file").write_text("content")

    first = artifact(tmp_path, "kind/one", build)
    assert artifact(tmp_path, "kind/one", build) == first
    assert len(built) == 1
    assert (first / "file").read_text() == "content"


def test_interrupted_build_is_cleared_and_repeated(tmp_path: Path) -> None:
    leftover = tmp_path / "kind/.one.abc"
    leftover.mkdir(parents=True)

    def fail(target: Path) -> None:
        (target / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        artifact(tmp_path, "kind/one", fail)
    target = artifact(tmp_path, "kind/one", lambda folder: None)
    assert list(target.iterdir()) == []
    assert list((tmp_path / "kind").iterdir()) == [target]


def _hold_lock(cache: str, held: str) -> None:
    with locked(Path(cache), "thing", timeout=5):
        Path(held).touch()
        wait_until(lambda: not Path(held).exists(), timeout=30, what="the end of the test")


def test_lock_held_elsewhere_is_named_after_the_deadline(tmp_path: Path) -> None:
    held = tmp_path / "held"
    holder = get_context("spawn").Process(target=_hold_lock, args=(str(tmp_path), str(held)))
    holder.start()
    try:
        wait_until(held.exists, timeout=20, what="the lock held")
        with (
            pytest.raises(SetupError, match="another process has been busy with 'thing'"),
            locked(tmp_path, "thing", timeout=0.2),
        ):
            pass
    finally:
        held.unlink()
        holder.join(20)
