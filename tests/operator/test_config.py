"""The operator's configuration."""

import pytest

from skyvern_operator.config import parse_config
from skyvern_operator.errors import ConfigError


def test_configuration_error_names_each_field() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("images: {browser: b}\nwebhook: {signature: v9}\n", "config.yaml")
    assert "images.runner" in str(caught.value)
    assert "webhook.signature" in str(caught.value)
