"""Settings, read from the environment."""

from pathlib import Path

import pytest

from skyvern_apiserver.errors import SettingsError
from skyvern_apiserver.process.settings import Settings, load_settings
from skyvern_crds.rest.keys import archive_key, artifact_link_key


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "key").write_text("0123456789abcdef\n")
    return {
        "SKYVERN_KEYS_NAMESPACE": "skyvern",
        "SKYVERN_PUBLIC_URL": "https://tasks.example.com/",
        "SKYVERN_SIGNING_KEY_FILE": str(tmp_path / "key"),
    }


def test_defaults_are_those_of_a_pod(environment: dict[str, str]) -> None:
    settings = load_settings(environment)
    key = b"0123456789abcdef"
    expected = Settings(("skyvern",), "skyvern", "https://tasks.example.com", artifact_link_key(key), archive_key(key))
    assert settings == expected
    assert (settings.port, settings.internal_port) == (8080, 8081)
    assert settings.link_ttl_seconds == 7 * 24 * 3600


def test_namespaces_are_a_list_or_all(environment: dict[str, str]) -> None:
    assert load_settings(environment | {"SKYVERN_NAMESPACES": "a, b,"}).namespaces == ("a", "b")
    everywhere = load_settings(environment | {"SKYVERN_NAMESPACES": "*"})
    assert everywhere.namespaces is None
    assert everywhere.serves("anything")


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("SKYVERN_PUBLIC_URL", "", "give the URL"),
        ("SKYVERN_PUBLIC_URL", "tasks.example.com", "give an http or https URL"),
        ("SKYVERN_PUBLIC_URL", "https://tasks.example.com:port", "give an http or https URL"),
        ("SKYVERN_PUBLIC_URL", "https://tasks.example.com/?x=1", "give an http or https URL"),
        ("SKYVERN_SIGNING_KEY_FILE", "/no/such/file", "mount the Secret with the signing key there"),
        ("SKYVERN_ARTIFACTS_URL", "/var/lib", "give a URL of an object store"),
        ("SKYVERN_PORT", "http", "give a number from 1 to 65535"),
        ("SKYVERN_CREATES_PER_SECOND", "-1", "give a number from 0 (no limit) to 1000000"),
        ("SKYVERN_PORT", "0", "give a number from 1 to 65535"),
        ("SKYVERN_ARTIFACT_LINK_TTL_SECONDS", "5", "give a number from 60"),
        ("SKYVERN_LOG_LEVEL", "loud", "give one of DEBUG"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "otel:4318", "give the address of a collector"),
    ],
)
def test_invalid_setting_names_the_variable_and_the_remedy(
    environment: dict[str, str], name: str, value: str, remedy: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings(environment | {name: value})
    assert name in str(refusal.value)
    assert remedy in str(refusal.value)


def test_short_signing_key_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short")
    with pytest.raises(SettingsError, match="at least 16 are needed"):
        load_settings(environment)


def test_keys_namespace_is_required_outside_a_pod(environment: dict[str, str]) -> None:
    del environment["SKYVERN_KEYS_NAMESPACE"]
    with pytest.raises(SettingsError, match="SKYVERN_KEYS_NAMESPACE"):
        load_settings(environment)
