"""Kinds of addresses: which belong to the public internet, and which only look as if they did. Pure."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NOT_PUBLIC_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and the pods of some clouds
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, which only looks public
        "169.254.0.0/16",  # link-local: the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
PUBLIC_V6: Final = IPv6Network("2000::/3")
"""Global unicast. All else is loopback, link-local, unique local, multicast or unassigned."""
NOT_PUBLIC_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
PRIVATE: Final = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("fc00::/7"),
)
"""Networks of companies and clusters."""
METADATA: Final = (
    IPv4Network("100.100.100.200/32"),
    IPv4Network("168.63.129.16/32"),
    IPv4Network("192.0.0.192/32"),
    IPv6Network("fd00:ec2::/32"),
    IPv6Network("fd20:ce::/32"),
)
"""Metadata services of clouds that are not on link-local addresses."""
THIS_HOST: Final = IPv4Network("0.0.0.0/8")
"""Connecting to it reaches the loopback."""
NAT64: Final = IPv6Network("64:ff9b::/96")


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether ``address`` is public, or in one of ``networks``."""
    return is_public(reached_address(address)) or is_within(address, networks)


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether ``address``, or the address that it leads to, is in one of ``networks``."""
    return any(each in network for each in (address, reached_address(address)) for network in networks)


def reached_address(address: Address) -> Address:
    """The IPv4 address that an IPv6 address leads to, when it is mapped or translated; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: Address) -> bool:
    """Whether an address that embeds no other belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    return address in PUBLIC_V6 and not any(address in network for network in NOT_PUBLIC_V6)


def kind_of(address: Address) -> str:
    """What ``address`` is, in the words of a refusal: loopback, link-local, private, reserved or public."""
    reached = reached_address(address)
    if is_public(reached):
        return "public"
    if reached.is_loopback or reached.is_unspecified or reached in THIS_HOST:
        return "loopback"
    if reached.is_link_local or is_within(reached, METADATA):
        return "link-local"
    return "private" if is_within(reached, PRIVATE) else "reserved"


def literal(host: str) -> Address | None:
    """The address that a URL's host is, without brackets; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_loopback_host(host: str) -> bool:
    """Whether a URL's host is the loopback, as an address or as ``localhost``."""
    address = literal(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)
