"""Servers that remember whether anything reached them."""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Listening:
    """A server for each name, at a port of its own on the loopback."""

    ports: dict[str, int] = field(default_factory=dict)
    udp_port: int = 0
    reached: set[str] = field(default_factory=set)
    """Names of the servers that were connected to; ``udp`` for a datagram."""


@contextmanager
def listening(names: Sequence[str]) -> Iterator[Listening]:
    """Listen until the block ends."""
    servers, found, stop = selectors.DefaultSelector(), Listening(), threading.Event()
    for name in names:
        server = socket.create_server(("127.0.0.1", 0))
        found.ports[name] = server.getsockname()[1]
        servers.register(server, selectors.EVENT_READ, name)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    found.udp_port = datagrams.getsockname()[1]
    servers.register(datagrams, selectors.EVENT_READ, "udp")
    thread = threading.Thread(target=_serve, args=(servers, found, stop), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()
        for key in list(servers.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]


def hold(condition: Callable[[], bool], seconds: float) -> None:
    """Return as soon as the condition holds; fail when time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it does not hold after {seconds} s"
        time.sleep(0.02)


def _serve(servers: selectors.BaseSelector, found: Listening, stop: threading.Event) -> None:
    while not stop.is_set():
        for key, _ in servers.select(0.05):
            server = key.fileobj
            assert isinstance(server, socket.socket)
            found.reached.add(key.data)
            if key.data == "udp":
                server.recv(2048)
                continue
            with suppress(OSError), server.accept()[0] as connection:
                connection.settimeout(5)
                connection.recv(65536)
                connection.sendall(ANSWER)
