"""Rules that name hosts."""

from ipaddress import ip_address

import pytest

from skyvern_crds.network.hosts import parse_host_rule


@pytest.mark.parametrize(
    ("rule", "host", "port", "named"),
    [
        ("example.com", "example.com", 443, True),
        ("Example.COM.", "example.com", 80, True),
        ("example.com", "www.example.com", 443, False),
        ("example.com", "example.com.evil.org", 443, False),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "badexample.com", 443, False),
        ("example.com:8443", "example.com", 8443, True),
        ("example.com:8443", "example.com", 443, False),
        ("site", "site", 80, True),
        ("10.0.0.0/8", "10.0.0.1", 80, False),
    ],
)
def test_name_is_meant_by_its_whole_labels(rule: str, host: str, port: int, named: bool) -> None:
    assert parse_host_rule(rule).names(host, port) is named


@pytest.mark.parametrize(
    ("rule", "address", "port", "held"),
    [
        ("10.0.0.0/8", "10.9.8.7", 80, True),
        ("10.0.0.0/8", "11.0.0.1", 80, False),
        ("10.0.0.0/8:443", "10.9.8.7", 443, True),
        ("10.0.0.0/8:443", "10.9.8.7", 80, False),
        ("10.1.2.3", "10.1.2.3", 1, True),
        ("10.1.2.3:80", "10.1.2.4", 80, False),
        ("10.0.0.0/8", "::ffff:10.9.8.7", 80, True),
        ("10.0.0.0/8", "64:ff9b::a09:807", 80, True),
        ("::1", "::1", 80, True),
        ("[::1]:80", "::1", 81, False),
        ("[fd00::/8]:443", "fd00::9", 443, True),
        ("example.com", "10.0.0.1", 80, False),
    ],
)
def test_network_holds_its_addresses_in_every_form(rule: str, address: str, port: int, held: bool) -> None:
    assert parse_host_rule(rule).holds(ip_address(address), port) is held


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "*", "*.", "https://example.com", "example.com/path", "a b", "example.com:0", "example.com:99999"),
        *(
            "-a.b",
            "10.0.0.1/8",
            "10.0.0",
            "1.2.3.4.5",
            "fd00::/8:443",
            "[::1",
            "*example.com",
            "a.*.com",
            "u@a.com",
        ),
    ],
)
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="give a host such as"):
        parse_host_rule(text)
