"""Requests to receivers: the address that is checked is the one that is connected to."""

import asyncio
from collections.abc import Sequence

import pytest

from skyvern_operator.config import Webhook
from skyvern_operator.errors import WebhookAddressError
from skyvern_operator.execution.webhook.lookups import Lookups
from skyvern_operator.execution.webhook.post import Post
from tests.operator.receiver import Receiver

LOOPBACK = Webhook(allowed_networks=["127.0.0.0/8"], timeout_seconds=30)
NOTHING = Webhook(timeout_seconds=30)


class Names:
    """A resolver whose answers are given in turn."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)

    def __call__(self, host: str) -> Sequence[str]:
        return self.answers.pop(0)


def named(receiver: Receiver, name: str) -> str:
    """The receiver's URL with a name in place of its address."""
    return receiver.url.replace("127.0.0.1", name)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "127.1", "2130706433", "0x7f.1"]
)
async def test_loopback_is_refused_in_every_spelling(receiver: Receiver, host: str) -> None:
    with pytest.raises(WebhookAddressError, match=r"is not allowed: .* webhook\.allowedNetworks"):
        await Post(NOTHING, Lookups()).send(named(receiver, host), b"{}", {}, namespace="jobs")
    assert receiver.deliveries == []


async def test_allowed_network_is_called(receiver: Receiver) -> None:
    answer = await Post(LOOPBACK, Lookups()).send(receiver.url, b"{}", {"X-A": "b"}, namespace="jobs")
    assert answer.accepted
    [delivery] = receiver.deliveries
    assert (delivery.body, delivery.headers["x-a"]) == (b"{}", "b")


async def test_name_is_looked_up_once_and_its_allowed_address_alone_is_called(receiver: Receiver) -> None:
    names = Names(["169.254.169.254", "127.0.0.1"])
    answer = await Post(LOOPBACK, Lookups(names)).send(named(receiver, "hook.test"), b"{}", {}, namespace="jobs")
    assert answer.accepted
    assert names.answers == []
    assert receiver.deliveries[0].headers["host"].startswith("hook.test:")


async def test_name_that_comes_to_mean_a_refused_address_is_checked_again(receiver: Receiver) -> None:
    post = Post(LOOPBACK, Lookups(Names(["127.0.0.1"], ["10.0.0.1"])))
    url = named(receiver, "hook.test")
    assert (await post.send(url, b"{}", {}, namespace="jobs")).accepted
    with pytest.raises(WebhookAddressError, match=r"address of hook\.test is not allowed"):
        await post.send(url, b"{}", {}, namespace="jobs")


async def test_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [302]
    answer = await Post(LOOPBACK, Lookups()).send(receiver.url, b"{}", {}, namespace="jobs")
    assert (answer.status, answer.error) == (302, "the receiver answered 302; redirects are not followed")
    assert len(receiver.deliveries) == 1


async def serve(answer: bytes, then: bytes = b"") -> tuple[asyncio.Server, str, asyncio.Event]:
    """A server that sends ``answer`` and then ``then`` for ever; set once its peer has closed the connection."""
    closed = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            while then:
                writer.write(then)
                await writer.drain()
        except ConnectionError:
            closed.set()
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", closed


async def test_endless_body_is_not_read() -> None:
    server, url, closed = await serve(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536)
    async with server:
        assert (await Post(LOOPBACK, Lookups()).send(url, b"{}", {}, namespace="jobs")).accepted
        await asyncio.wait_for(closed.wait(), 60)


@pytest.mark.parametrize(
    "headers",
    [b"X: " + b"a" * 100_000 + b"\r\n", b"".join(b"X-%d: a\r\n" % number for number in range(1000))],
    ids=["long", "many"],
)
async def test_headers_of_an_answer_are_bounded(headers: bytes) -> None:
    server, url, _ = await serve(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n")
    async with server:
        answer = await Post(LOOPBACK, Lookups()).send(url, b"{}", {}, namespace="jobs")
    assert not answer.accepted
    assert answer.status is None


async def test_receiver_that_does_not_answer_is_left_after_the_timeout() -> None:
    server, url, closed = await serve(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n")
    async with server:
        settings = LOOPBACK.model_copy(update={"timeout_seconds": 0.5})
        answer = await Post(settings, Lookups()).send(url, b"{}", {}, namespace="jobs")
        assert answer.error == "no answer within 0.5 s"
        await asyncio.wait_for(closed.wait(), 60)
