"""The operator's configuration."""

import pytest

from skyvern_operator.config import parse_config
from skyvern_operator.errors import ConfigError


def test_configuration_error_names_each_field() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("images: {browser: b}\nwebhook: {signature: v9}\n", "config.yaml")
    assert "images.runner" in str(caught.value)
    assert "webhook.signature" in str(caught.value)


@pytest.mark.parametrize(
    ("election", "named"),
    [
        ("renewSeconds: 7", r"leaderElection: .*renewSeconds \(7\) must be less than leaseSeconds \(7\)"),
        ("retrySeconds: 5", r"leaderElection: .*retrySeconds \(5\) must be less than renewSeconds \(5\)"),
        ("leaseName: A Lease", r"leaderElection\.leaseName: .*match pattern"),
    ],
)
def test_election_that_could_not_work_is_named(election: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        parse_config(f"images: {{browser: b, runner: r}}\nleaderElection: {{{election}}}\n", "config.yaml")


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "example.com", "10.0.0.0/33", "fd00::/129", ""])
def test_network_that_is_none_is_named_with_the_remedy(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"webhook\.allowedNetworks\.0.*give a network in CIDR form"):
        parse_config(f"images: {{browser: b, runner: r}}\nwebhook: {{allowedNetworks: [{entry!r}]}}\n", "config.yaml")
