"""The addresses that webhooks may go to."""

from ipaddress import ip_address, ip_network

import pytest

from skyvern_crds.network.addresses import is_allowed

REFUSED = [
    "127.0.0.1", "127.8.8.8", "::1",  # loopback
    "169.254.169.254", "fe80::1", "fe80::1%eth0",  # link-local
    "10.0.0.1", "172.31.255.255", "192.168.1.1", "fd00:ec2::254", "fc00::1",  # private
    "100.64.0.1", "100.100.100.200",  # carrier-grade NAT
    "0.0.0.0", "0.1.2.3", "::",  # unspecified
    "224.0.0.1", "239.255.255.255", "ff02::1",  # multicast
    "240.0.0.1", "255.255.255.255", "192.0.2.7", "198.18.0.1", "2001:db8::1", "4000::1", "fec0::1",  # reserved
    "::ffff:127.0.0.1", "::ffff:a9fe:a9fe",  # mapped
    "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1",  # NAT64
    "2002:7f00:1::1", "2002:a00:1::",  # 6to4
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "::127.0.0.1",  # IPv4-compatible
    "168.63.129.16",  # a cloud's host
]  # fmt: skip
PUBLIC = [
    "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_allowed(ip_address(address), [])


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), [])


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::1", "fd00::9"])
def test_networks_of_the_configuration_are_allowed_however_they_are_reached(address: str) -> None:
    assert is_allowed(ip_address(address), [ip_network("10.1.0.0/16"), ip_network("fd00::/8")])


@pytest.mark.parametrize("address", ["10.2.0.1", "127.0.0.1", "::ffff:10.2.0.1"])
def test_network_of_the_configuration_allows_nothing_else(address: str) -> None:
    assert not is_allowed(ip_address(address), [ip_network("10.1.0.0/16"), ip_network("fd00::/8")])
