"""Where the browser of a task may go."""

from ipaddress import ip_address

import pytest
from pydantic import ValidationError

from skyvern_crds.network.web_access import WebAccess, WebPolicy

PUBLIC = "93.184.216.34"


def refusal(host: str, *addresses: str, port: int = 443, **access: list[str] | None) -> str | None:
    policy = WebPolicy(WebAccess.model_validate(access))
    return policy.judge(host, port, [ip_address(each) for each in addresses]).refusal


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("169.254.169.254", "link-local"),
        ("168.63.129.16", "link-local"),
        ("fd00:ec2::254", "link-local"),
        ("fe80::1", "link-local"),
        ("127.0.0.1", "loopback"),
        ("0.0.0.0", "loopback"),
        ("::", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.96.0.1", "private"),
        ("100.64.0.1", "private"),
        ("2002:a00:1::", "private"),
        ("240.0.0.1", "reserved"),
        ("2001:db8::1", "reserved"),
    ],
)
def test_name_with_an_address_that_is_not_public_is_refused(address: str, kind: str) -> None:
    assert refusal("innocent.example", address) == f"the address of innocent.example:443 is {kind}"


def test_public_host_is_open() -> None:
    assert refusal("example.com", PUBLIC, "2606:4700::1111") is None


def test_only_the_public_ones_of_mixed_addresses_are_used() -> None:
    judgment = WebPolicy(WebAccess()).judge("mixed.example", 443, [ip_address("10.0.0.1"), ip_address(PUBLIC)])
    assert (judgment.addresses, judgment.refusal) == ((ip_address(PUBLIC),), None)


@pytest.mark.parametrize(
    ("rule", "host", "address", "port", "opened"),
    [
        ("10.0.0.0/8", "any.svc", "10.0.0.1", 443, True),
        ("10.0.0.0/8", "any.svc", "192.168.0.1", 443, False),
        ("db.svc:443", "db.svc", "10.0.0.1", 443, True),
        ("db.svc:443", "db.svc", "10.0.0.1", 80, False),
        ("db.svc", "other.svc", "10.0.0.1", 443, False),
        ("db.svc", "db.svc", "169.254.169.254", 443, False),
        ("db.svc", "db.svc", "fd00:ec2::254", 443, False),
        ("db.svc", "db.svc", "127.0.0.1", 443, False),
        ("localhost", "localhost", "127.0.0.1", 443, False),
        ("127.0.0.1", "localhost", "127.0.0.1", 443, True),
        ("169.254.169.254", "metadata", "169.254.169.254", 443, True),
    ],
)
def test_private_host_is_opened_exactly(rule: str, host: str, address: str, port: int, opened: bool) -> None:
    assert (refusal(host, address, port=port, allowPrivateHosts=[rule]) is None) is opened


@pytest.mark.parametrize(
    ("access", "host", "said"),
    [
        ({"allow": ["*.example.com"]}, "www.example.com", None),
        ({"allow": ["*.example.com"]}, "evil.org", "is not among the hosts that the configuration allows"),
        ({"allow": []}, "example.com", "is not among the hosts that the configuration allows"),
        ({"deny": ["evil.org"]}, "EVIL.org.", "is denied by the configuration"),
        ({"allow": ["*.example.com"], "deny": ["bad.example.com"]}, "bad.example.com", "is denied"),
    ],
)
def test_lists_are_judged_before_a_name_is_looked_up(access: dict[str, list[str]], host: str, said: str | None) -> None:
    policy = WebPolicy(WebAccess.model_validate(access))
    for answer in (policy.refusal_of_name(host, 443), policy.judge(host, 443, [ip_address(PUBLIC)]).refusal):
        assert (answer is None) is (said is None)
        assert said is None or said in str(answer)


def test_networks_in_the_lists_are_judged_once_the_address_is_known() -> None:
    policy = WebPolicy(WebAccess(allow=["93.184.0.0/16"], deny=["93.184.216.0/24"]))
    assert policy.refusal_of_name("example.com", 443) is None
    assert policy.judge("example.com", 443, [ip_address("93.184.1.1")]).refusal is None
    for address, said in ((PUBLIC, "is denied"), ("8.8.8.8", "is not among")):
        assert said in str(policy.judge("example.com", 443, [ip_address(address)]).refusal)


def test_task_narrows_what_the_configuration_allows_and_opens_nothing() -> None:
    policy = WebPolicy(WebAccess(allow=["*.example.com"]), ["www.example.com", "evil.org", "10.0.0.1"])
    said = {
        host: policy.judge(host, 443, [ip_address(address)]).refusal
        for host, address in (("www.example.com", PUBLIC), ("a.example.com", PUBLIC), ("evil.org", PUBLIC))
    }
    assert said == {
        "www.example.com": None,
        "a.example.com": "a.example.com:443 is not among the hosts that the task allows",
        "evil.org": "evil.org:443 is not among the hosts that the configuration allows",
    }
    assert "is private" in str(policy.judge("10.0.0.1", 443, [ip_address("10.0.0.1")]).refusal)


def test_denied_network_wins_over_an_opened_one() -> None:
    said = refusal("db.svc", "10.0.0.1", deny=["10.0.0.0/16"], allowPrivateHosts=["10.0.0.0/8"])
    assert said == "db.svc:443 is denied by the configuration"


@pytest.mark.parametrize("access", [{"deny": ["https://x"]}, {"allow": "example.com"}, {"denied": []}])
def test_wrong_settings_are_refused_and_none_is_dropped(access: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WebAccess.model_validate(access)
