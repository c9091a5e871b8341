"""Looks up names of receivers, so that names which never resolve delay only the namespace that calls them."""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from skyvern_crds.network.addresses import Address, literal

LOOKUPS: Final = 64
LOOKUPS_PER_NAMESPACE: Final = 4

Lookup = Callable[[str], Sequence[str]]


def system_lookup(host: str) -> Sequence[str]:
    """The addresses of a name, from the machine's resolver; it may take as long as that likes. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass
class _Share:
    """What one namespace has of the lookups."""

    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LOOKUPS_PER_NAMESPACE))
    users: int = 0


class Lookups:
    """Runs each lookup in a thread of its own, few at once for one namespace.

    A thread that waits for a resolver cannot be stopped, so it counts until it ends, even after its try has timed out.
    The threads do not hold up the end of the process, as those of an executor would.
    """

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._all = asyncio.Semaphore(LOOKUPS)
        self._shares: dict[str, _Share] = {}

    async def addresses(self, host: str, namespace: str) -> list[Address]:
        """The addresses of a host, for a task of this namespace. Raises OSError."""
        if (address := literal(host)) is not None:
            return [address]
        share = self._shares.setdefault(namespace, _Share())
        share.users += 1
        try:
            await share.free.acquire()
            try:
                await self._all.acquire()
            except asyncio.CancelledError:
                share.free.release()
                raise
        except asyncio.CancelledError:
            self._leave(namespace, share)
            raise
        answer: asyncio.Future[list[Address]] = asyncio.get_running_loop().create_future()
        try:
            self._start(host, answer, lambda: self._give_back(namespace, share))
        except RuntimeError as error:  # no more threads
            self._give_back(namespace, share)
            raise OSError(f"{host} cannot be looked up: {error}") from error
        return await answer

    def _start(self, host: str, answer: asyncio.Future[list[Address]], ended: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()

        def settle(found: list[Address], error: Exception | None) -> None:
            ended()
            if answer.done():  # the try was given up
                return
            if error is None:
                answer.set_result(found)
            else:
                answer.set_exception(error)

        def work() -> None:
            found: list[Address] = []
            error: Exception | None = None
            try:
                found = [ip_address(text) for text in self._lookup(host)]
            except Exception as raised:  # noqa: BLE001 - handed to whoever waits
                error = raised
            try:
                loop.call_soon_threadsafe(settle, found, error)
            except RuntimeError:  # the loop is closed: the process ends
                return

        threading.Thread(target=work, name="webhook-lookup", daemon=True).start()

    def _give_back(self, namespace: str, share: _Share) -> None:
        self._all.release()
        share.free.release()
        self._leave(namespace, share)

    def _leave(self, namespace: str, share: _Share) -> None:
        share.users -= 1
        if share.users == 0:
            del self._shares[namespace]
