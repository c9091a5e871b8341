"""A SOCKS5 server on the loopback through which the browser makes all its connections.

Chromium leaves looking names up to it, so the address that was judged is the one that is connected to. What goes
through a connection is not looked at: TLS stays between page and server. It needs no password, since it gives nobody
more than the policy gives every page. RFC 1928.
"""

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final, cast

from skyvern_crds.network.addresses import Address
from skyvern_runner.errors import HostRefusedError
from skyvern_runner.network.gate import Failure, Gate

REFUSED: Final = "ERR_BLOCKED_BY_POLICY"
CONNECT_SECONDS: Final = 20.0
"""Time for a connection to the last of a host's addresses."""
NEXT_SECONDS: Final = 3.0
"""Time for one that has others after it."""
LOOKUPS: Final = 32
"""Most lookups at once."""
_VERSION: Final = 5
_GREETED: Final = bytes((_VERSION, 0))
_NOTHING: Final = bytes((1, 0, 0, 0, 0, 0, 0))
_DONE, _FAILED, _NOT_ALLOWED = (bytes((_VERSION, reply, 0)) + _NOTHING for reply in (0, 1, 2))
_CODES: Final = {
    errno.ECONNREFUSED: "ERR_CONNECTION_REFUSED",
    errno.ECONNRESET: "ERR_CONNECTION_RESET",
    errno.ETIMEDOUT: "ERR_CONNECTION_TIMED_OUT",
    errno.EHOSTUNREACH: "ERR_ADDRESS_UNREACHABLE",
    errno.ENETUNREACH: "ERR_ADDRESS_UNREACHABLE",
    errno.EADDRNOTAVAIL: "ERR_ADDRESS_UNREACHABLE",
}


Addresses = tuple[Address, ...]


class SocksServer:
    """The server, in a thread of its own."""

    def __init__(self, gate: Gate) -> None:
        """Start it. Raises OSError."""
        self.gate = gate
        self.loop = asyncio.new_event_loop()
        self.transports: set[asyncio.Transport] = set()
        """Those of the browser's connections."""
        self.lookups = asyncio.Semaphore(LOOKUPS)
        self._thread = threading.Thread(target=self.loop.run_forever, name="socks", daemon=True)
        self._thread.start()
        starting = self.loop.create_server(lambda: _Client(self), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(starting, self.loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop it, and end its connections."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end(), self.loop).result()
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()

    async def _end(self) -> None:
        self._server.close()
        for transport in tuple(self.transports):
            transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _End(asyncio.Protocol):
    """One side of a connection; what it receives goes to the other side, and it waits when that side is slow."""

    transport: asyncio.Transport
    other: "_End | None" = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            self.other.transport.close()  # once what was written is sent


class _Client(_End):
    """The browser's side: it says which host it wants, and then what goes there."""

    def __init__(self, server: SocksServer) -> None:
        self._server = server
        self._received = b""
        self._greeted = False
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server.transports.add(self.transport)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.transport.write(data)
            return
        self._received += data
        if self._connecting is not None:  # it has to wait for the answer
            self.transport.abort()
            return
        try:
            self._read()
        except ValueError:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.transports.discard(self.transport)
        if self._connecting is not None:
            self._connecting.cancel()
        super().connection_lost(exc)

    def _read(self) -> None:
        if not self._greeted:
            rest = after_greeting(self._received)
            if rest is None:
                return
            self._greeted, self._received = True, rest
            self.transport.write(_GREETED)
        wanted = read_request(self._received)
        if wanted is not None:
            self._received = b""
            self._connecting = self._server.loop.create_task(self._connect(*wanted))

    async def _connect(self, host: str, port: int) -> None:
        gate = self._server.gate
        try:
            addresses = await self._addresses(host, port)
            self.other = await self._connected(addresses, port)
        except HostRefusedError as error:
            gate.note(Failure(host, port, REFUSED, str(error)))
            self._give_up(_NOT_ALLOWED)
        except OSError as error:
            gate.note(Failure(host, port, code_of(error)))
            self._give_up(_FAILED)
        else:
            self.transport.write(_DONE)
            self.other.transport.resume_reading()

    async def _addresses(self, host: str, port: int) -> Addresses:
        gate = self._server.gate
        known = gate.known(host, port)
        if known is not None:
            return known
        async with self._server.lookups:
            return await in_thread(lambda: gate.addresses(host, port))

    async def _connected(self, addresses: Addresses, port: int) -> _End:
        last: OSError = OSError("the name has no address")
        for number, address in enumerate(addresses, start=1):
            try:
                async with asyncio.timeout(CONNECT_SECONDS if number == len(addresses) else NEXT_SECONDS):
                    _, end = await self._server.loop.create_connection(lambda: _Upstream(self), str(address), port)
                return end
            except OSError as error:
                last = error
        raise last

    def _give_up(self, reply: bytes) -> None:
        self.transport.write(reply)
        self.transport.close()


class _Upstream(_End):
    """The side of the host."""

    def __init__(self, client: _Client) -> None:
        self.other = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()  # until the browser knows that there is a connection


def after_greeting(received: bytes) -> bytes | None:
    """What follows the client's greeting; None when it is not whole yet. Raises ValueError."""
    if not received:
        return None
    if received[0] != _VERSION:
        raise ValueError("not SOCKS5")
    if len(received) < 2 or len(received) < 2 + received[1]:
        return None
    if 0 not in received[2 : 2 + received[1]]:
        raise ValueError("the client wants to authenticate")
    return received[2 + received[1] :]


def read_request(received: bytes) -> tuple[str, int] | None:
    """Host and port that the client wants; None when its request is not whole yet. Raises ValueError."""
    if len(received) < 5:
        return None
    version, command, _, kind, length = received[:5]
    if version != _VERSION or command != 1:
        raise ValueError("not a request for a connection")
    begin, size = {1: (4, 4), 3: (5, length), 4: (4, 16)}.get(kind, (0, 0))
    if not size:
        raise ValueError("no host")
    if len(received) < begin + size + 2:
        return None
    if len(received) > begin + size + 2:
        raise ValueError("data before the answer")
    raw, port = received[begin : begin + size], int.from_bytes(received[begin + size :])
    host = {1: lambda: str(IPv4Address(raw)), 4: lambda: str(IPv6Address(raw)), 3: lambda: raw.decode("ascii")}[kind]()
    return host, port


def code_of(error: OSError) -> str:
    """The browser's name for the error of a connection."""
    if isinstance(error, socket.gaierror):
        return "ERR_NAME_NOT_RESOLVED"
    if isinstance(error, TimeoutError):
        return "ERR_CONNECTION_TIMED_OUT"
    return _CODES.get(error.errno or 0, "ERR_CONNECTION_FAILED")


async def in_thread(look_up: Callable[[], Addresses]) -> Addresses:
    """Run a lookup in a thread that does not hold up the end of the process, as those of an executor would."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Addresses] = loop.create_future()

    def settle(found: Addresses, error: Exception | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)

    def run() -> None:
        found: Addresses = ()
        failed = None
        try:
            found = look_up()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            failed = error
        try:
            loop.call_soon_threadsafe(settle, found, failed)
        except RuntimeError:  # the loop is closed: the session ends
            return

    threading.Thread(target=run, name="lookup", daemon=True).start()
    return await answer
