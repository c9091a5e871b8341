"""A file that is replaced while it is being downloaded: nobody gets parts of two."""

from dataclasses import replace
from pathlib import Path

import pytest

from skyvern_apiserver.errors import UnavailableError
from skyvern_apiserver.storage.artifact_store import ArtifactStore, ReplacedError, StoredFile
from skyvern_apiserver.storage.links import links_now
from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.small_facade import client_of, small_services, small_settings

KEY = "a/t/uid/recording.webm"


class Replacing(ArtifactStore):
    """Replaces a file right after it has been looked up."""

    times = 1

    async def head(self, key: str) -> StoredFile | None:
        found = await super().head(key)
        if self.times:
            self.times -= 1
            await self.put_bytes(key, b"new" * (self.times + 2))
        return found


async def test_replaced_file_is_not_taken_for_the_one_that_was_found(tmp_path: Path) -> None:
    store = ArtifactStore.open(f"file://{tmp_path}")
    await store.put_bytes(KEY, b"older and longer")
    found = await store.head(KEY)
    assert found is not None
    whole = await store.open_range(KEY, found, 0, found.size)
    await store.put_bytes(KEY, b"new")
    assert b"".join([chunk async for chunk in whole]) == b"older and longer"
    with pytest.raises(ReplacedError):
        await store.open_range(KEY, found, 0, found.size)
    await store.delete(KEY)
    with pytest.raises(ReplacedError):
        await store.open_range(KEY, found, 0, found.size)


@pytest.mark.parametrize(("times", "status"), [(1, 200), (2, 200), (3, 503)])
async def test_download_starts_again_with_the_new_file(tmp_path: Path, times: int, status: int) -> None:
    settings = small_settings(tmp_path, "a")
    async with FakeApiServer() as server, small_services(server, tmp_path, settings) as services:
        store = Replacing(services.artifacts._store)
        await store.put_bytes(KEY, b"older and longer")
        store.times = times
        async with client_of(replace(services, artifacts=store)) as client:
            answer = await client.get(links_now(settings).url("a", "t", "uid", "recording.webm"))
    assert answer.status_code == status
    if status == 200:
        assert answer.content == b"newnew"
        assert answer.headers["content-length"] == str(len(answer.content))


async def test_file_larger_than_its_reader_takes_is_not_read(tmp_path: Path) -> None:
    store = ArtifactStore.open(f"file://{tmp_path}")
    await store.put_bytes(KEY, b"12345")
    assert await store.read(KEY, 5) == b"12345"
    assert await store.read("a/t/uid/none", 5) is None
    (tmp_path / "a/t/uid/folder").mkdir()
    with pytest.raises(UnavailableError):
        await store.put_bytes("a/t/uid/folder", b"")
