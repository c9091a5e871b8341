"""Which addresses the gate gives, and what it remembers."""

from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from skyvern_crds.network.addresses import Address
from skyvern_crds.network.web_access import WebAccess, WebPolicy
from skyvern_runner.errors import HostRefusedError
from skyvern_runner.network.gate import KEPT_FAILURES, Failure, Gate, system_lookup

PUBLIC = ip_address("93.184.216.34")


def policy(**access: list[str]) -> WebPolicy:
    return WebPolicy(WebAccess.model_validate(access))


class Names:
    """A resolver whose names change."""

    def __init__(self, *answers: str) -> None:
        self.answers = [(ip_address(answer),) for answer in answers]
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        return self.answers.pop(0)


def test_name_is_looked_up_once_and_judged_each_time() -> None:
    names = Names(str(PUBLIC))
    gate = Gate(policy(), names)
    assert gate.known("example.com", 80) is None
    assert gate.addresses("example.com", 80) == (PUBLIC,)
    assert gate.known("example.com", 443) == (PUBLIC,)
    assert names.asked == ["example.com"]


def test_address_of_a_url_is_not_looked_up() -> None:
    gate = Gate(policy(), Names())
    assert gate.known("93.184.216.34", 80) == (PUBLIC,)
    for host in ("127.0.0.1", "::1", "localhost", "a.localhost", "LOCALHOST."):
        with pytest.raises(HostRefusedError, match="is loopback"):
            gate.known(host, 80)


def test_name_that_the_lists_refuse_is_not_looked_up() -> None:
    names = Names()
    with pytest.raises(HostRefusedError, match="not among"):
        Gate(policy(allow=["example.com"]), names).addresses("secret.evil.example", 80)
    assert names.asked == []


def test_closed_port_is_refused_on_the_loopback_only() -> None:
    gate = Gate(policy(allow_private_hosts=["127.0.0.0/8"]), Names("127.8.8.8"))
    gate.close_ports([9515])
    for host in ("127.0.0.1", "named.example"):
        with pytest.raises(HostRefusedError, match="part of the browser's own controls"):
            gate.addresses(host, 9515)
    assert gate.addresses("127.0.0.1", 9516)
    assert gate.addresses(str(PUBLIC), 9515) == (PUBLIC,)


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "bücher..example", "no such host"])
def test_name_that_is_none_is_an_error_of_the_lookup(host: str) -> None:
    with pytest.raises(OSError):
        system_lookup(host)


def test_failures_since_a_mark_are_told_in_order_and_bounded() -> None:
    gate = Gate(policy())
    gate.note(Failure("a", 1, "ERR_A"))
    mark = gate.count
    assert gate.since(mark) == []
    for number in range(KEPT_FAILURES + 5):
        gate.note(Failure("b", number, "ERR_B"))
    fresh = gate.since(mark)
    assert len(fresh) == KEPT_FAILURES
    assert fresh[-1].port == KEPT_FAILURES + 4
