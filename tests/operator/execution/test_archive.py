"""Records of tasks that end at once, and a facade that does not answer."""

import asyncio
from typing import Any

import pytest

from skyvern_crds.rest.archive import record_key
from skyvern_crds.rest.keys import archive_key
from skyvern_operator.errors import ArchiveBusyError
from skyvern_operator.execution.archive import Archive
from tests.operator.facade import Facade
from tests.waiting import until

KEY = b"0123456789abcdef"


def task(name: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "jobs", "name": name, "uid": f"uid-{name}"}}


async def test_facade_that_does_not_answer_holds_up_few_workers() -> None:
    async with Facade(KEY) as facade:
        archive = Archive(facade.url, archive_key(KEY), at_once=2)
        facade.open.clear()
        running = [asyncio.create_task(archive.store(task(name))) for name in ("first", "second")]
        await until(lambda: facade.waiting == 2, what="two requests")
        with pytest.raises(ArchiveBusyError):
            archive.require_up()
        with pytest.raises(ArchiveBusyError):
            await archive.store(task("third"))
        facade.open.set()
        await asyncio.gather(*running)
        await archive.store(task("third"))
        assert set(facade.files) == {record_key("jobs", name, f"uid-{name}") for name in ("first", "second", "third")}
