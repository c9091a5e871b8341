"""Settings of the facade, read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from skyvern_apiserver.errors import SettingsError
from skyvern_crds.rest.artifacts import DEFAULT_TTL_SECONDS
from skyvern_crds.runner_contract import SERVICE_ACCOUNT_DIR

ALL_NAMESPACES: Final = "*"
STORE_SCHEMES: Final = ("file", "memory", "s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss")
MIN_SIGNING_KEY_BYTES: Final = 16


@dataclass(frozen=True)
class Settings:
    """What the process is told at its start."""

    namespaces: tuple[str, ...] | None
    """Namespaces that tasks may be in; None means all (``SKYVERN_NAMESPACES``, comma list or ``*``)."""
    keys_namespace: str
    """Namespace of the API-key Secrets (``SKYVERN_KEYS_NAMESPACE``)."""
    public_url: str
    """Base URL by which callers reach the facade, for links (``SKYVERN_PUBLIC_URL``)."""
    signing_key: bytes
    """Signs links to artifacts (content of ``SKYVERN_SIGNING_KEY_FILE``)."""
    store_url: str = "file:///var/lib/skyvern/artifacts"
    """Where artifacts are kept: file, s3, gs or az URL (``SKYVERN_ARTIFACTS_URL``)."""
    task_service_account: str = "skyvern-task"
    """Service account of the task pods, which may upload (``SKYVERN_TASK_SERVICE_ACCOUNT``)."""
    link_ttl_seconds: int = DEFAULT_TTL_SECONDS
    """Life of links to artifacts (``SKYVERN_LINK_TTL_SECONDS``)."""
    allowed_origins: tuple[str, ...] = ("*",)
    """Origins that browsers may call from (``SKYVERN_ALLOWED_ORIGINS``, comma list; empty for none)."""
    host: str = "0.0.0.0"  # noqa: S104  # a pod serves on its address
    """Address to listen on (``SKYVERN_HOST``)."""
    port: int = 8080
    """Port of the API (``SKYVERN_PORT``)."""
    internal_port: int = 8081
    """Port of uploads, health and metrics (``SKYVERN_INTERNAL_PORT``)."""
    drain_seconds: int = 3
    """Seconds from SIGTERM to closing the ports, in which routing forgets the pod (``SKYVERN_DRAIN_SECONDS``)."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR (``SKYVERN_LOG_LEVEL``)."""

    def serves(self, namespace: str) -> bool:
        """Whether tasks of ``namespace`` are within reach."""
        return self.namespaces is None or namespace in self.namespaces


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the environment. Raises SettingsError."""
    keys_namespace = environ.get("SKYVERN_KEYS_NAMESPACE", "").strip() or _own_namespace()
    return Settings(
        namespaces=_namespaces(environ.get("SKYVERN_NAMESPACES", "").strip() or keys_namespace),
        keys_namespace=keys_namespace,
        public_url=_public_url(environ.get("SKYVERN_PUBLIC_URL", "").strip()),
        signing_key=_signing_key(environ.get("SKYVERN_SIGNING_KEY_FILE", "/etc/skyvern/signing/signing-key")),
        store_url=_store_url(environ.get("SKYVERN_ARTIFACTS_URL", "").strip() or Settings.store_url),
        task_service_account=environ.get("SKYVERN_TASK_SERVICE_ACCOUNT", "").strip() or Settings.task_service_account,
        link_ttl_seconds=_integer(environ, "SKYVERN_LINK_TTL_SECONDS", Settings.link_ttl_seconds, 60, 30 * 86400),
        allowed_origins=_list(environ.get("SKYVERN_ALLOWED_ORIGINS", "*")),
        host=environ.get("SKYVERN_HOST", "").strip() or Settings.host,
        port=_integer(environ, "SKYVERN_PORT", Settings.port, 1, 65535),
        internal_port=_integer(environ, "SKYVERN_INTERNAL_PORT", Settings.internal_port, 1, 65535),
        drain_seconds=_integer(environ, "SKYVERN_DRAIN_SECONDS", Settings.drain_seconds, 0, 300),
        log_level=_one_of(environ, "SKYVERN_LOG_LEVEL", Settings.log_level, ("DEBUG", "INFO", "WARNING", "ERROR")),
    )


def _own_namespace() -> str:
    try:
        return Path(SERVICE_ACCOUNT_DIR, "namespace").read_text().strip()
    except OSError:
        raise SettingsError(
            "SKYVERN_KEYS_NAMESPACE is not set: outside a pod, name the namespace of the API-key Secrets"
        ) from None


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _namespaces(text: str) -> tuple[str, ...] | None:
    names = _list(text)
    return None if ALL_NAMESPACES in names else names


def _public_url(text: str) -> str:
    if not text:
        raise SettingsError(
            "SKYVERN_PUBLIC_URL is not set: give the URL by which callers reach this service, such as https://tasks.example.com"
        )
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"SKYVERN_PUBLIC_URL is {text!r}: give an http or https URL without query or fragment")
    return text.rstrip("/")


def _signing_key(path: str) -> bytes:
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"SKYVERN_SIGNING_KEY_FILE {path!r} cannot be read ({error.strerror}): mount the signing Secret there"
        ) from None
    if len(key) < MIN_SIGNING_KEY_BYTES:
        raise SettingsError(
            f"SKYVERN_SIGNING_KEY_FILE {path!r} holds {len(key)} bytes: "
            f"put at least {MIN_SIGNING_KEY_BYTES} random ones in it"
        )
    return key


def _store_url(text: str) -> str:
    scheme = urlsplit(text).scheme
    if scheme not in STORE_SCHEMES:
        raise SettingsError(
            f"SKYVERN_ARTIFACTS_URL is {text!r}: give a URL of an object store, such as "
            "file:///var/lib/skyvern/artifacts or s3://bucket/prefix"
        )
    return text


def _integer(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high:
        return int(text)
    raise SettingsError(f"{name} is {text!r}: give a number from {low} to {high}")


def _one_of(environ: Mapping[str, str], name: str, default: str, values: tuple[str, ...]) -> str:
    text = environ.get(name, "").strip().upper() or default
    if text not in values:
        raise SettingsError(f"{name} is {text!r}: give one of {', '.join(values)}")
    return text
