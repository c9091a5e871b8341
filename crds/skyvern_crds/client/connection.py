"""Addresses, TLS and credentials: the configuration loading and ApiClient of the kubernetes package, kept fresh.

The kubernetes package takes about half a second and 20 MiB to import, so it is imported on the first connection.
Only its configuration loaders and its HTTP layer are used: the generated models would double that.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from skyvern_crds.client.errors import ConfigurationError

if TYPE_CHECKING:
    from kubernetes.aio.client.api_client import ApiClient
    from kubernetes.aio.client.configuration import Configuration

SERVICE_ACCOUNT_TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105
SERVICE_ACCOUNT_CA: Final = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
REFRESH_SECONDS: Final = 60.0
"""How often credentials and certificates are looked at again. Tokens of pods are rotated minutes before they end."""
MAX_CALLS: Final = 100
"""Connections of calls; a call beyond them waits for one."""
LOAD_TIMEOUT_SECONDS: Final = 30.0
"""Longest time that an exec plugin or an identity provider may take."""

Load = Callable[["Configuration"], Awaitable[None]]


def kubeconfig_loader(path: str, context: str | None) -> Load:
    """Load a kubeconfig (client certificate, token, token file, exec plugin, OIDC), then refresh what expires."""
    if not any(Path(each).expanduser().is_file() for each in path.split(os.pathsep)):
        raise ConfigurationError(0, "NoKubeconfig", f"there is no kubeconfig at {path}")
    state: list[Any] = []

    async def load(configuration: "Configuration") -> None:
        from kubernetes.aio.config.kube_config import load_kube_config  # noqa: PLC0415

        if state:
            await state[0].load_and_set(configuration)
        else:
            state.append(await load_kube_config(path, context, configuration))  # type: ignore[no-untyped-call]

    return load


def in_cluster_loader(
    environ: Mapping[str, str], token: str = SERVICE_ACCOUNT_TOKEN, ca: str = SERVICE_ACCOUNT_CA
) -> Load:
    """Load the service account of the pod. The kubelet renews the token's file, so it is read at each refresh."""

    async def load(configuration: "Configuration") -> None:
        from kubernetes.aio.config.incluster_config import InClusterConfigLoader  # noqa: PLC0415

        loader = InClusterConfigLoader(token, ca, try_refresh_token=False, environ=environ)  # type: ignore[no-untyped-call]
        loader.load_and_set(configuration)  # type: ignore[no-untyped-call]

    return load


def find_loader(kubeconfig: str | None, context: str | None) -> Load:
    """The given kubeconfig, else the variable KUBECONFIG, else the pod's service account, else ~/.kube/config."""
    path = kubeconfig or os.environ.get("KUBECONFIG")
    if path:
        return kubeconfig_loader(path, context)
    if os.environ.get("KUBERNETES_SERVICE_HOST") and Path(SERVICE_ACCOUNT_TOKEN).exists():
        return in_cluster_loader(os.environ)
    default = Path("~/.kube/config").expanduser()
    if default.exists():
        return kubeconfig_loader(str(default), context)
    raise ConfigurationError(
        0, "NoCredentials", f"no cluster to talk to: set KUBECONFIG, create {default}, or run in a pod"
    )


@dataclass(frozen=True, slots=True)
class Sessions:
    """The connections to one API server, in two pools that do not wait for each other."""

    calls: "ApiClient"
    following: "ApiClient"
    """For lists and watches, without a limit: each follower needs one for as long as it runs."""

    async def close(self) -> None:
        """Close every connection."""
        for api in (self.calls, self.following):
            await api.close()  # type: ignore[no-untyped-call]


class Connection:
    """Sessions whose token and certificates follow their files."""

    def __init__(self, load: Load, refresh_seconds: float = REFRESH_SECONDS) -> None:
        self._load = load
        self._refresh_seconds = refresh_seconds
        self._lock = asyncio.Lock()
        self._loaded_at = float("-inf")
        self._tls: object = None
        self._sessions: Sessions | None = None
        self._configuration: Configuration | None = None
        self._retired: list[Sessions] = []

    async def sessions(self) -> tuple[Sessions, dict[str, str]]:
        """The sessions and the headers that authenticate a request, refreshed when they are due."""
        if self._sessions is None or time.monotonic() - self._loaded_at >= self._refresh_seconds:
            await self.refresh(self._loaded_at)
        assert self._sessions is not None  # noqa: S101 - refresh sets it or raises
        assert self._configuration is not None  # noqa: S101
        token = await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return self._sessions, {"authorization": token} if token else {}

    @property
    def loaded_at(self) -> float:
        """Monotonic time of the last refresh; give it to :meth:`refresh` to have one newer than what failed."""
        return self._loaded_at

    async def refresh(self, seen: float) -> None:
        """Load credentials again, unless that has been done since ``seen``."""
        async with self._lock:
            if self._loaded_at > seen:
                return
            from kubernetes.aio.client.configuration import Configuration  # noqa: PLC0415
            from kubernetes.aio.config.config_exception import ConfigException  # noqa: PLC0415

            configuration = self._configuration or Configuration()
            # RFC 5280 to the letter, Python 3.13's default, refuses the authorities of many clusters (no key usage, no
            # key identifier); signatures, names and dates are checked all the same.
            configuration.disable_strict_ssl_verification = True
            try:
                async with asyncio.timeout(LOAD_TIMEOUT_SECONDS):
                    await self._load(configuration)
            except TimeoutError as error:
                raise ConfigurationError(0, "Timeout", "credentials did not load within 30 s") from error
            except (ConfigException, OSError, ValueError) as error:
                raise ConfigurationError(0, "BadConfiguration", f"the cluster's configuration: {error}") from error
            self._loaded_at, self._configuration = time.monotonic(), configuration
            await self._renew_sessions(configuration)

    async def _renew_sessions(self, configuration: "Configuration") -> None:
        """Open new sessions when the CA or the client certificate has changed.

        A kubelet writes the CA again with each new token, so its content counts, and not its time. The former sessions
        are closed a refresh later, when their requests are done; their watches fall silent and are resumed.
        """
        for former in self._retired:
            await former.close()
        self._retired.clear()
        tls = tuple(
            _file_digest(path) for path in (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
        )
        if self._sessions is not None and tls == self._tls:
            return
        if self._sessions is not None:
            self._retired.append(self._sessions)
        self._sessions, self._tls = _open(configuration), tls

    async def close(self) -> None:
        """Close every connection."""
        for sessions in [*self._retired, *([self._sessions] if self._sessions else [])]:
            await sessions.close()
        self._retired.clear()
        self._sessions = None


def _open(configuration: "Configuration") -> Sessions:
    from kubernetes.aio.client.api_client import ApiClient  # noqa: PLC0415

    # For each request, aiohttp would ask two threads in turn for a password in ~/.netrc, which is nobody's intent, and
    # for the proxy in the environment, which is the same each time.
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.proxy = configuration.proxy or environment_proxy(configuration.host)
    configuration.connection_pool_maxsize = 0  # no limit
    following = ApiClient(configuration)
    configuration.connection_pool_maxsize = MAX_CALLS
    return Sessions(ApiClient(configuration), following)


def environment_proxy(url: str) -> str | None:
    """The proxy that HTTPS_PROXY (HTTP_PROXY for http), NO_PROXY and their lower-case forms name for a URL."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _file_digest(path: str | None) -> bytes | None:
    """What a file holds; None for one that cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).digest() if path else None
    except OSError:
        return None
