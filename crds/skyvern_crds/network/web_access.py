"""Where the browser of a task may go: the settings, and the judgment of a host with its addresses. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from skyvern_crds import wire
from skyvern_crds.network.addresses import Address, is_public, kind_of, reached_address
from skyvern_crds.network.hosts import HostRule, HostText, parse_host_rule

Hosts = Annotated[list[HostText], Field(max_length=256)]


class WebAccess(BaseModel):
    """Where the browser of a task may go, besides what is never allowed."""

    # A restriction of a newer operator must not be dropped in silence, so unknown fields are refused.
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    allow: Hosts | None = None
    """The only hosts that tasks may open: names (``example.com``, ``*.example.com`` for its subdomains), addresses or
    networks, each with a port or without (``example.com:8443``). Null allows every public host."""
    deny: Hosts = []
    """Hosts that tasks may not open, in the same form; they win over ``allow`` and ``allowPrivateHosts``."""
    allow_private_hosts: Hosts = []
    """Hosts that tasks may open although their addresses are not public, in the same form. A name opens private
    networks only; loopback, link-local, metadata and reserved addresses must be given as addresses."""

    def written(self) -> str:
        """The settings as the runner reads them; nothing for the defaults."""
        settings = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return wire.dumps(settings) if settings else ""


@dataclass(frozen=True)
class Judgment:
    """What a policy says about a host."""

    addresses: tuple[Address, ...] = ()
    """The addresses that may be connected to."""
    refusal: str | None = None
    """Why there are none."""


class WebPolicy:
    """Judges hosts by the settings."""

    def __init__(self, access: WebAccess, task_hosts: Sequence[str] | None = None) -> None:
        """``task_hosts`` are the only hosts of the task, which narrow what the settings allow. Raises ValueError."""
        lists = (("configuration", access.allow), ("task", task_hosts))
        self._allow = tuple((whose, _rules(hosts)) for whose, hosts in lists if hosts is not None)
        self._deny = _rules(access.deny)
        self._private = _rules(access.allow_private_hosts)

    def refusal_of_name(self, host: str, port: int) -> str | None:
        """Why ``host`` may not even be looked up: a lookup tells its name servers, which may belong to a page."""
        name = _normal(host)
        if any(rule.names(name, port) for rule in self._deny):
            return _denied(name, port)
        for whose, rules in self._allow:
            if not any(rule.network or rule.names(name, port) for rule in rules):
                return _not_allowed(name, port, whose)
        return None

    def judge(self, host: str, port: int, addresses: Sequence[Address]) -> Judgment:
        """Judge ``host`` by its name and by the addresses that the name has now."""
        name = _normal(host)
        refusals: list[str] = []
        allowed: list[Address] = []
        for address in addresses:
            refusal = self._refusal(name, port, address)
            if refusal is None:
                allowed.append(address)
            else:
                refusals.append(refusal)
        return Judgment(tuple(allowed), None if allowed or not refusals else refusals[0])

    def _refusal(self, name: str, port: int, address: Address) -> str | None:
        if _applies(self._deny, name, port, address):
            return _denied(name, port)
        if not is_public(reached_address(address)) and not self._opened(name, port, address):
            return f"the address of {name}:{port} is {kind_of(address)}"
        for whose, rules in self._allow:
            if not _applies(rules, name, port, address):
                return _not_allowed(name, port, whose)
        return None

    def _opened(self, name: str, port: int, address: Address) -> bool:
        by_name = kind_of(address) == "private" and any(rule.names(name, port) for rule in self._private)
        return by_name or any(rule.holds(address, port) for rule in self._private)


def _normal(host: str) -> str:
    return host.lower().rstrip(".")


def _denied(name: str, port: int) -> str:
    return f"{name}:{port} is denied by the configuration"


def _not_allowed(name: str, port: int, whose: str) -> str:
    return f"{name}:{port} is not among the hosts that the {whose} allows"


def _rules(texts: Sequence[str]) -> tuple[HostRule, ...]:
    return tuple(parse_host_rule(text) for text in texts)


def _applies(rules: Sequence[HostRule], name: str, port: int, address: Address) -> bool:
    return any(rule.names(name, port) or rule.holds(address, port) for rule in rules)
