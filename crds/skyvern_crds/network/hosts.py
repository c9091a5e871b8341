"""Rules that name hosts, such as ``*.example.com`` and ``10.0.0.0/8``, each with a port or without. Pure."""

import re
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from skyvern_crds.network.addresses import Address, Network, is_within

REMEDY: Final = (
    "give a host such as example.com, *.example.com, 10.1.2.3, 10.0.0.0/8 or fd00::/8, or one with a port such as "
    "example.com:8443, 10.0.0.0/8:443 or [fd00::/8]:443"
)
TASK_HOST_PATTERN: Final = (
    r"^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?"
    r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$"
)
"""Names and IPv4 addresses with a port or without: what a task may name."""
_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
_WITH_PORT: Final = re.compile(r"(?P<bare>\[[^\]]*\]|[^:]*)(:(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class HostRule:
    """Hosts and ports that a rule names: by their name, or by the network of their addresses."""

    name: str | None = None
    """A host name; with a leading dot, every name that ends with it."""
    network: Network | None = None
    port: int | None = None
    """The only port; None for any."""

    def names(self, host: str, port: int) -> bool:
        """Whether the rule is about the name ``host``, which is in lower case."""
        if self.name is None or self.port not in (None, port):
            return False
        return host.endswith(self.name) if self.name.startswith(".") else host == self.name

    def holds(self, address: Address, port: int) -> bool:
        """Whether the rule's network holds the address, in any of its forms."""
        return self.network is not None and self.port in (None, port) and is_within(address, (self.network,))


def parse_host_rule(text: str) -> HostRule:
    """Read a rule. Raises ValueError, which says what to write."""
    whole = text.strip().lower()
    match = None if whole.count(":") > 1 and not whole.startswith("[") else _WITH_PORT.fullmatch(whole)
    bare, port = (match["bare"].strip("[]"), match["port"]) if match else (whole, None)
    if port is not None and not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} has no usable port: {REMEDY}")
    number = int(port) if port else None
    try:
        return HostRule(network=ip_network(bare), port=number)
    except ValueError as error:
        # "10.0.0.1/8" and "1.2.3" are slips, not names.
        if "/" in bare or ":" in bare or not _NAME.fullmatch(bare) or bare.rstrip(".").rsplit(".", 1)[-1].isdigit():
            raise ValueError(f"{text!r} names no host: {REMEDY}") from error
    return HostRule(name=bare.removeprefix("*").rstrip("."), port=number)


def _checked(text: str) -> str:
    parse_host_rule(text)
    return text


HostText = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_checked)]
"""A rule as it is written."""
