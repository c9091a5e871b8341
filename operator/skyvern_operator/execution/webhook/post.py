"""One request to a receiver, at an address that was checked and nowhere else."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from skyvern_crds.network.addresses import Address, is_allowed
from skyvern_operator.config import Webhook
from skyvern_operator.errors import WebhookAddressError
from skyvern_operator.execution.webhook.lookups import Lookups
from skyvern_operator.execution.webhook.rules import Answer, check_address, judge

USER_AGENT: Final = "skyvern-operator"
MAX_HEADERS: Final = 64
MAX_HEADER_BYTES: Final = 4096
READ_AHEAD_BYTES: Final = 4096
"""About what is taken of an answer's body, which nobody looks at, before the connection is closed."""


class _Pinned(AbstractResolver):
    """Answers with the addresses that were checked, whatever the name means by now."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """There is nothing to close."""


class Post:
    """Makes requests to receivers."""

    def __init__(self, settings: Webhook, lookups: Lookups) -> None:
        self._settings = settings
        self._lookups = lookups

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], *, namespace: str) -> Answer:
        """Make one request for a task of this namespace. Raises WebhookAddressError when it must not be made."""
        check_address(url, self._settings)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await self._send(URL(url), body, headers, namespace)
        except TimeoutError:
            return Answer(error=f"no answer within {self._settings.timeout_seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # An aiohttp error's text may hold the receiver's address with its tokens.
            told = type(error).__name__ if isinstance(error, aiohttp.ClientResponseError) else str(error)
            return Answer(error=f"no answer: {told or type(error).__name__}")

    async def _send(self, url: URL, body: bytes, headers: Mapping[str, str], namespace: str) -> Answer:
        addresses = await self._allowed(url.raw_host or "", namespace)
        # A connection of its own: what is kept open for one task could be used for another without a check.
        connector = aiohttp.TCPConnector(resolver=_Pinned(addresses), use_dns_cache=False, force_close=True)
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT},
                auto_decompress=False,
                read_bufsize=READ_AHEAD_BYTES,
                max_headers=MAX_HEADERS,
                max_field_size=MAX_HEADER_BYTES,
                max_line_size=MAX_HEADER_BYTES,
            ) as session,
            # A redirect could lead anywhere, past the checks.
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            return judge(response.status, response.headers.get("Retry-After"), datetime.now(UTC))

    async def _allowed(self, host: str, namespace: str) -> list[Address]:
        found = await self._lookups.addresses(host, namespace)
        allowed = [address for address in found if is_allowed(address, self._settings.allowed_networks)]
        if not allowed:
            raise WebhookAddressError(
                f"the address of {host} is not allowed: it is not a public one, and webhook.allowedNetworks of the "
                "configuration does not hold it"
            )
        return allowed
