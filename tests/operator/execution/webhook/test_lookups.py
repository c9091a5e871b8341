"""Lookups of names: threads that a resolver keeps waiting hold up their own namespace only."""

import asyncio
import threading
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from skyvern_operator.execution.webhook.lookups import LOOKUPS_PER_NAMESPACE, Lookups
from tests.waiting import until


class Names:
    """A resolver: names below ``silent.test`` get no answer until ``answer`` is set."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = threading.Event()

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        if host.endswith("silent.test"):
            self.answer.wait(60)
        if host == "unknown.test":
            raise OSError("no such name")
        return ["192.0.2.1", "2001:db8::1"]


async def test_name_has_its_addresses() -> None:
    assert await Lookups(Names()).addresses("a.test", "jobs") == [ip_address("192.0.2.1"), ip_address("2001:db8::1")]


async def test_error_of_the_resolver_is_told() -> None:
    with pytest.raises(OSError, match="no such name"):
        await Lookups(Names()).addresses("unknown.test", "jobs")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_address_is_not_looked_up(host: str) -> None:
    names = Names()
    assert await Lookups(names).addresses(host, "jobs") == [ip_address(host)]
    assert names.asked == []


async def test_names_that_never_resolve_hold_up_their_own_namespace_alone() -> None:
    names = Names()
    lookups = Lookups(names)
    given_up = [asyncio.create_task(lookups.addresses(f"{n}.silent.test", "noisy")) for n in range(50)]
    await until(lambda: len(names.asked) == LOOKUPS_PER_NAMESPACE)
    for task in given_up[:-1]:
        task.cancel()
    await asyncio.gather(*given_up[:-1], return_exceptions=True)
    assert await lookups.addresses("a.test", "quiet")
    # The tries were given up, the threads were not: they count until the resolver lets them go.
    assert len(names.asked) == LOOKUPS_PER_NAMESPACE + 1
    names.answer.set()
    assert await given_up[-1]
    assert await lookups.addresses("a.test", "noisy")
