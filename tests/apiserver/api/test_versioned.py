"""Answers with an entity tag: sent once, and compressed for those who ask."""

import gzip
import json

import httpx2
import pytest
from starlette.requests import Request

from skyvern_apiserver.services import Services
from skyvern_apiserver.wire.versioned import (
    MIN_PACKED_BYTES,
    Versioned,
    accepts_gzip,
    is_known,
    tag_of,
    versioned_response,
)
from tests.apiserver.calls import REQUEST, create, phase_of
from tests.apiserver.cluster import Tenants
from tests.waiting import until


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        ("", False),
        ('"b"', False),
        ('W/"a"', True),
        ('"a"', True),
        ('"b", W/"a"', True),
        ("*", True),
        ("a", False),
    ],
)
def test_tag_is_known_in_every_form_of_the_header(header: str | None, known: bool) -> None:
    assert is_known(header, 'W/"a"') is known


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP, deflate", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("identity", False),
        ("x-gzip", False),
    ],
)
def test_gzip_is_sent_to_those_who_ask(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_tag_follows_from_its_parts() -> None:
    assert tag_of("a", 1) == tag_of("a", 1)
    assert len({tag_of("a", 1), tag_of("a", 2), tag_of("a", 1, ""), tag_of("a 1")}) == 4


async def test_known_answer_is_not_made() -> None:
    async def make() -> bytes:
        raise AssertionError("made for a caller who has it")

    request = Request({"type": "http", "headers": [(b"if-none-match", b'W/"a"')]})
    response = await versioned_response(request, Versioned('W/"a"', make))
    assert (response.status_code, response.body, response.headers["etag"]) == (304, b"", 'W/"a"')


@pytest.mark.contract
async def test_poller_gets_304_until_the_task_changes(
    alice: httpx2.AsyncClient, tenants: Tenants, services: Services
) -> None:
    task_id = await create(alice, application="polled")
    paths = [f"/api/v1/tasks/{task_id}", f"/api/v1/tasks/{task_id}/steps", "/api/v1/tasks?application=polled"]
    tags = []
    for path in paths:
        first = await alice.get(path)
        tags.append(first.headers["etag"])
        again = await alice.get(path, headers={"if-none-match": tags[-1]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tags[-1])
    name = task_id.replace("_", "-")
    tenants.status(tenants.a, name, {"phase": "running"})
    await until(lambda: phase_of(services, tenants.a, name) == "running")
    for path, tag in zip(paths, tags, strict=True):
        changed = await alice.get(path, headers={"if-none-match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag
    assert (await alice.get(paths[0])).json()["status"] == "running"


@pytest.mark.contract
async def test_long_answers_are_compressed_for_those_who_ask(bob: httpx2.AsyncClient) -> None:
    task_id = await create(bob, navigation_payload={"text": "x" * MIN_PACKED_BYTES}, application="packed")
    for _ in range(60):
        await create(bob, application="packed")
    for path in (f"/api/v1/tasks/{task_id}", "/api/v1/tasks?application=packed&page_size=100"):
        plain = await bob.get(path, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        async with bob.stream("GET", path, headers={"accept-encoding": "gzip"}) as packed:
            assert packed.headers["content-encoding"] == "gzip"
            raw = b"".join([chunk async for chunk in packed.aiter_raw()])
        assert gzip.decompress(raw) == plain.content
        assert len(raw) < len(plain.content) / 4
        assert "Accept-Encoding" in packed.headers["vary"]
    assert len(json.loads(plain.content)) == 61
    assert json.loads(plain.content)[-1]["request"]["url"] == REQUEST["url"]
