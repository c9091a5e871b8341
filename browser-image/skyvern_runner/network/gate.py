"""Decides which addresses may be connected to for a host, and remembers what was refused or failed."""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from skyvern_crds.network.addresses import Address, is_loopback_host, kind_of, literal
from skyvern_crds.network.web_access import WebPolicy
from skyvern_runner.errors import HostRefusedError

KEPT_FAILURES: Final = 256
CACHE_SECONDS: Final = 30.0
"""How long a name's addresses are used again. They are judged each time, so a name that changes gains nothing."""
CACHED_NAMES: Final = 1024
LOCALHOST: Final = (ip_address("127.0.0.1"), ip_address("::1"))

Lookup = Callable[[str], Sequence[Address]]


@dataclass(frozen=True)
class Failure:
    """A connection that was not made."""

    host: str
    port: int
    code: str
    """The cause as the browser would name it, such as ERR_CONNECTION_REFUSED."""
    refusal: str | None = None
    """Why the policy refused it."""


def system_lookup(host: str) -> Sequence[Address]:
    """The addresses of a name, from the machine's resolver. Raises OSError."""
    try:
        name = host.encode("ascii" if host.isascii() else "idna")
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is not a name") from error
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(str(place[0])) for *_, place in found))


class Gate:
    """The policy of one browser session, with what it refused. For any thread."""

    def __init__(self, policy: WebPolicy, lookup: Lookup = system_lookup) -> None:
        self._policy = policy
        self._lookup = lookup
        self._known: dict[str, tuple[float, Sequence[Address]]] = {}
        self._closed: frozenset[int] = frozenset()
        self._lock = threading.Lock()
        self._failures: deque[Failure] = deque(maxlen=KEPT_FAILURES)
        self._count = 0

    def close_ports(self, ports: Iterable[int]) -> None:
        """Refuse these ports of the loopback whatever the settings say: what listens there controls the browser."""
        self._closed |= frozenset(ports)

    def known(self, host: str, port: int) -> tuple[Address, ...] | None:
        """The addresses for a connection if no lookup is needed, else None. Raises HostRefusedError."""
        refusal = self._policy.refusal_of_name(host, port)
        if refusal:
            raise HostRefusedError(refusal)
        found = self._remembered(host)
        return None if found is None else self._judged(host, port, found)

    def addresses(self, host: str, port: int) -> tuple[Address, ...]:
        """The addresses for a connection; a lookup may take long. Raises HostRefusedError, OSError."""
        allowed = self.known(host, port)
        if allowed is not None:
            return allowed
        found = self._lookup(host)
        if len(self._known) >= CACHED_NAMES:
            self._known.clear()
        self._known[host] = (time.monotonic() + CACHE_SECONDS, found)
        return self._judged(host, port, found)

    def note(self, failure: Failure) -> None:
        """Remember a connection that was not made."""
        with self._lock:
            self._failures.append(failure)
            self._count += 1

    @property
    def count(self) -> int:
        """How many failures there were so far: a mark for :meth:`since`."""
        return self._count

    def since(self, mark: int) -> Sequence[Failure]:
        """The failures after a mark, the oldest first."""
        with self._lock:
            fresh = min(self._count - mark, len(self._failures))
            return list(self._failures)[len(self._failures) - fresh :]

    def _remembered(self, host: str) -> Sequence[Address] | None:
        address = literal(host.strip("[]"))
        if address is not None:
            return (address,)
        if is_loopback_host(host.lower().rstrip(".")):
            return LOCALHOST
        until, found = self._known.get(host, (0.0, ()))
        return found if time.monotonic() < until else None

    def _judged(self, host: str, port: int, found: Sequence[Address]) -> tuple[Address, ...]:
        if port in self._closed and any(kind_of(address) == "loopback" for address in found):
            raise HostRefusedError(f"{host}:{port} is part of the browser's own controls")
        judgment = self._policy.judge(host, port, found)
        if judgment.refusal:
            raise HostRefusedError(judgment.refusal)
        return judgment.addresses
