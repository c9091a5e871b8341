"""Settings of the facade, read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from skyvern_apiserver.errors import SettingsError
from skyvern_crds.process import own_namespace, read_key_file
from skyvern_crds.rest.artifacts import DEFAULT_TTL_SECONDS
from skyvern_crds.rest.key_limits import KeyLimits, read_limit
from skyvern_crds.rest.keys import archive_key, artifact_link_key
from skyvern_crds.tracing.settings import TracingSettings, read_tracing
from skyvern_crds.urls import split_http_url

ALL_NAMESPACES: Final = "*"
STORE_SCHEMES: Final = ("file", "memory", "s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss")


@dataclass(frozen=True)
class Settings:
    """The configuration of the process, which does not change while it runs."""

    namespaces: tuple[str, ...] | None
    """Namespaces to serve tasks in; None means all (``SKYVERN_NAMESPACES``, comma list or ``*``)."""
    keys_namespace: str
    """Namespace of the API-key Secrets (``SKYVERN_KEYS_NAMESPACE``)."""
    public_url: str
    """Base URL at which callers reach the facade; links start with it (``SKYVERN_PUBLIC_URL``)."""
    link_key: bytes
    """Signs links to artifacts (derived from the release's key in ``SKYVERN_SIGNING_KEY_FILE``)."""
    archive_key: bytes
    """Signs the operator's requests to store final records (derived likewise)."""
    store_url: str = "file:///var/lib/skyvern/artifacts"
    """Where artifacts are kept: file, s3, gs or az URL (``SKYVERN_ARTIFACTS_URL``)."""
    task_service_account: str = "skyvern-task"
    """Service account of the task pods, which may upload (``SKYVERN_TASK_SERVICE_ACCOUNT``)."""
    link_ttl_seconds: int = DEFAULT_TTL_SECONDS
    """Life of signed links to artifacts (``SKYVERN_ARTIFACT_LINK_TTL_SECONDS``)."""
    allowed_origins: tuple[str, ...] = ("*",)
    """Origins that browsers may call from (``SKYVERN_ALLOWED_ORIGINS``, comma list; empty for none)."""
    limits: KeyLimits = field(default_factory=KeyLimits)
    """What one API key may ask of one pod, unless its Secret says otherwise (``SKYVERN_REQUESTS_PER_SECOND`` and so on:
    the names of its fields)."""
    host: str = "0.0.0.0"  # noqa: S104  # a pod serves on its address
    """Listen address (``SKYVERN_HOST``)."""
    port: int = 8080
    """Port of the API (``SKYVERN_PORT``)."""
    internal_port: int = 8081
    """Port of uploads, health and metrics (``SKYVERN_INTERNAL_PORT``)."""
    drain_seconds: int = 3
    """Seconds between SIGTERM and closing the ports, for routing to notice (``SKYVERN_DRAIN_SECONDS``)."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR (``SKYVERN_LOG_LEVEL``)."""
    tracing: TracingSettings | None = None
    """Where traces go (OpenTelemetry's own variables, such as ``OTEL_EXPORTER_OTLP_ENDPOINT``); None for nowhere."""

    def serves(self, namespace: str) -> bool:
        """Whether tasks of ``namespace`` are served."""
        return self.namespaces is None or namespace in self.namespaces


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the environment. Raises SettingsError."""
    keys_namespace = environ.get("SKYVERN_KEYS_NAMESPACE", "").strip() or _own_namespace()
    public_url = _public_url(environ.get("SKYVERN_PUBLIC_URL", "").strip())
    release_key = _release_key(environ.get("SKYVERN_SIGNING_KEY_FILE", "/etc/skyvern/signing/signing-key"))
    return Settings(
        namespaces=_namespaces(environ.get("SKYVERN_NAMESPACES", "").strip() or keys_namespace),
        keys_namespace=keys_namespace,
        public_url=public_url,
        link_key=artifact_link_key(release_key),
        archive_key=archive_key(release_key),
        store_url=_store_url(environ.get("SKYVERN_ARTIFACTS_URL", "").strip() or Settings.store_url),
        task_service_account=environ.get("SKYVERN_TASK_SERVICE_ACCOUNT", "").strip() or Settings.task_service_account,
        link_ttl_seconds=_integer(
            environ, "SKYVERN_ARTIFACT_LINK_TTL_SECONDS", Settings.link_ttl_seconds, 60, 30 * 86400
        ),
        allowed_origins=_list(environ.get("SKYVERN_ALLOWED_ORIGINS", "*")),
        limits=_limits(environ),
        host=environ.get("SKYVERN_HOST", "").strip() or Settings.host,
        port=_integer(environ, "SKYVERN_PORT", Settings.port, 1, 65535),
        internal_port=_integer(environ, "SKYVERN_INTERNAL_PORT", Settings.internal_port, 1, 65535),
        drain_seconds=_integer(environ, "SKYVERN_DRAIN_SECONDS", Settings.drain_seconds, 0, 300),
        log_level=_one_of(environ, "SKYVERN_LOG_LEVEL", Settings.log_level, ("DEBUG", "INFO", "WARNING", "ERROR")),
        tracing=_tracing(environ),
    )


def _tracing(environ: Mapping[str, str]) -> TracingSettings | None:
    try:
        return read_tracing(environ)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _own_namespace() -> str:
    namespace = own_namespace()
    if namespace is None:
        raise SettingsError(
            "SKYVERN_KEYS_NAMESPACE is not set: outside a pod, name the namespace of the API-key Secrets"
        )
    return namespace


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _namespaces(text: str) -> tuple[str, ...] | None:
    names = _list(text)
    return None if ALL_NAMESPACES in names else names


def _public_url(text: str) -> str:
    if not text:
        raise SettingsError(
            "SKYVERN_PUBLIC_URL is not set: give the URL at which callers reach this service, such as https://tasks.example.com"
        )
    parts = split_http_url(text)
    if parts is None or parts.query or parts.fragment:
        raise SettingsError(f"SKYVERN_PUBLIC_URL is {text!r}: give an http or https URL without query or fragment")
    return text.rstrip("/")


def _release_key(path: str) -> bytes:
    try:
        return read_key_file(Path(path), "SKYVERN_SIGNING_KEY_FILE")
    except ValueError as error:
        raise SettingsError(f"{error}; mount the Secret with the signing key there") from None


def _store_url(text: str) -> str:
    scheme = urlsplit(text).scheme
    if scheme not in STORE_SCHEMES:
        raise SettingsError(
            f"SKYVERN_ARTIFACTS_URL is {text!r}: give a URL of an object store, such as "
            "file:///var/lib/skyvern/artifacts or s3://bucket/prefix"
        )
    return text


def _limits(environ: Mapping[str, str]) -> KeyLimits:
    found = {}
    for each in fields(KeyLimits):
        name = f"SKYVERN_{each.name.upper()}"
        if text := environ.get(name, "").strip():
            try:
                found[each.name] = read_limit(text)
            except ValueError as error:
                raise SettingsError(f"{name} is {text[:32]!r}: {error}") from None
    return KeyLimits(**found)


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
