"""The way to the network, as the browser speaks to it."""

import socket
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import pytest

from skyvern_crds.network.addresses import Address
from skyvern_crds.network.web_access import WebAccess, WebPolicy
from skyvern_runner.network.gate import Gate
from skyvern_runner.network.socks import REFUSED, SocksServer, read_request

SECONDS = 60
GREETING = bytes((5, 1, 0))


def policy(**access: list[str]) -> WebPolicy:
    return WebPolicy(WebAccess.model_validate(access))


class Rebinding:
    """A name that is the allowed address when it is looked up first, and another one from then on."""

    def __init__(self, first: str, then: str) -> None:
        self.first, self.then, self.asked = first, then, 0

    def __call__(self, host: str) -> Sequence[Address]:
        self.asked += 1
        return (ip_address(self.first if self.asked == 1 else self.then),)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(SECONDS)
        yield listening


@pytest.fixture
def way(server: socket.socket) -> Iterator[SocksServer]:
    access = WebAccess(allow_private_hosts=[f"127.0.0.1:{server.getsockname()[1]}"])
    running = SocksServer(Gate(WebPolicy(access), Rebinding("127.0.0.1", "127.0.0.2")))
    yield running
    running.close()


def wanted(host: str, port: int) -> bytes:
    return bytes((5, 1, 0, 3, len(host))) + host.encode() + port.to_bytes(2, "big")


def ask(way: SocksServer, host: str, port: int) -> tuple[socket.socket, int]:
    """Ask for a connection. Returns it with the server's reply: 0 for connected."""
    client = socket.create_connection(("127.0.0.1", way.port), SECONDS)
    client.sendall(GREETING)
    assert client.recv(2) == bytes((5, 0))
    client.sendall(wanted(host, port))
    return client, client.recv(10)[1]


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def test_bytes_go_both_ways_until_either_side_ends(way: SocksServer, server: socket.socket) -> None:
    client, reply = ask(way, "127.0.0.1", port_of(server))
    assert reply == 0
    with client, server.accept()[0] as peer:
        client.sendall(b"question")
        assert peer.recv(64) == b"question"
        whole = b"answer" * 500_000
        peer.sendall(whole[:1000])
        assert client.recv(4) == b"answ"
        peer.close()
        rest = b"".join(iter(lambda: client.recv(65536), b""))
        assert rest == whole[4:1000]


def test_slow_reader_holds_the_sender_and_loses_nothing(way: SocksServer, server: socket.socket) -> None:
    client, _ = ask(way, "127.0.0.1", port_of(server))
    with client, server.accept()[0] as peer:
        peer.setblocking(False)
        sent = 0
        try:
            while sent < 200_000_000:
                sent += peer.send(b"x" * 65536)
        except BlockingIOError:
            pass
        assert sent < 200_000_000
        peer.setblocking(True)
        received = 0
        while received < sent:
            received += len(client.recv(1 << 20))
        assert received == sent


def test_name_keeps_the_address_that_was_judged_and_a_new_one_is_judged_again(
    way: SocksServer, server: socket.socket
) -> None:
    client, reply = ask(way, "rebinding.example", port_of(server))
    assert reply == 0
    client.close()
    fresh = Gate(policy(), Rebinding("127.0.0.2", "127.0.0.1"))
    other = SocksServer(fresh)
    try:
        client, reply = ask(other, "rebinding.example", port_of(server))
        client.close()
        assert reply == 2
        [failure] = fresh.since(0)
        assert (failure.code, failure.refusal) == (
            REFUSED,
            f"the address of rebinding.example:{port_of(server)} is loopback",
        )
    finally:
        other.close()


def test_failure_to_connect_is_remembered_with_its_cause(server: socket.socket) -> None:
    way = SocksServer(Gate(policy(allow_private_hosts=["127.0.0.1"])))
    port = port_of(server)
    server.close()
    try:
        client, reply = ask(way, "127.0.0.1", port)
        client.close()
        assert reply == 1
        [failure] = way.gate.since(0)
        assert (failure.port, failure.code, failure.refusal) == (port, "ERR_CONNECTION_REFUSED", None)
    finally:
        way.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        bytes((4, 1, 0, 80, 127, 0, 0, 1, 0)),
        bytes((5, 1, 2)),
        GREETING + bytes((5, 2, 0, 1, 127, 0, 0, 1, 0, 80)),
        GREETING + bytes((5, 3, 0, 1, 127, 0, 0, 1, 0, 80)),
        GREETING + bytes((5, 1, 0, 9, 127, 0, 0, 1, 0, 80)),
        GREETING + wanted("127.0.0.1", 80) + b"early",
        GREETING + bytes((5, 1, 0, 3, 2, 0xFF, 0xFE, 0, 80)),
    ],
)
def test_whatever_else_is_said_to_it_ends_the_connection(way: SocksServer, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", way.port), SECONDS) as client:
        client.sendall(sent)
        try:
            answer = b"".join(iter(lambda: client.recv(64), b""))
        except ConnectionResetError:
            answer = b""
    assert answer in (b"", bytes((5, 0)))


@pytest.mark.parametrize(
    ("kind", "raw", "host"),
    [
        (1, bytes((10, 0, 0, 1)), "10.0.0.1"),
        (4, bytes(15) + b"\1", "::1"),
        (3, b"\x0bexample.com", "example.com"),
    ],
)
def test_host_is_read_in_every_form_and_piece_by_piece(kind: int, raw: bytes, host: str) -> None:
    whole = bytes((5, 1, 0, kind)) + raw + (443).to_bytes(2, "big")
    assert [read_request(whole[:end]) for end in range(len(whole))] == [None] * len(whole)
    assert read_request(whole) == (host, 443)
