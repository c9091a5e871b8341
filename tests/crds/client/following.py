"""A running reflector with all that it reports, and tasks for it to follow."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from skyvern_crds.client import (
    SKYVERNTASKS,
    Change,
    ClusterClient,
    JsonObject,
    Reflector,
)
from skyvern_crds.vocabulary import API_VERSION, KIND

LABEL = "tests/run"


@dataclass(frozen=True)
class Record:
    """What the tests keep of an object."""

    name: str
    uid: str
    title: str | None

    @staticmethod
    def of(obj: JsonObject) -> "Record":
        return Record(obj["metadata"]["name"], obj["metadata"]["uid"], obj["spec"].get("title"))


@dataclass
class Followed:
    """A running reflector and all that it has reported."""

    reflector: Reflector[Record]
    changes: list[Change[Record]] = field(default_factory=list)

    def reported(self) -> list[tuple[str, str]]:
        return [(str(change.type), change.name) for change in self.changes]

    def names(self) -> list[str]:
        return sorted(record.name for record in self.reflector.values())


@asynccontextmanager
async def following(
    client: ClusterClient, namespaces: Sequence[str] | None, label_selector: str = "", **options: Any
) -> AsyncIterator[Followed]:
    changes: list[Change[Record]] = []
    options = {"longest_pause": 0.2} | options
    reflector = Reflector(client, SKYVERNTASKS, namespaces, label_selector, Record.of, changes.append, **options)
    running = asyncio.create_task(reflector.run())
    try:
        await asyncio.wait_for(reflector.synced.wait(), 10)
        yield Followed(reflector, changes)
        assert running.done() == (namespaces == [])
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def create(client: ClusterClient, namespace: str, name: str, **labels: str) -> JsonObject:
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "labels": labels},
        "spec": {"url": "https://example.com"},
    }
    return await client.create(SKYVERNTASKS, namespace, body)


async def suspend(client: ClusterClient, namespace: str, name: str) -> JsonObject:
    return await client.merge_patch(SKYVERNTASKS, namespace, name, {"spec": {"suspend": True}})


def version(obj: JsonObject) -> str:
    return str(obj["metadata"]["resourceVersion"])
