"""Addresses, TLS and credentials: the configuration loading and ApiClient of the kubernetes package, kept fresh.

The kubernetes package takes about half a second and 20 MiB to import, so it is imported on the first connection.
Only its configuration loaders and its HTTP layer are used: the generated models would double that.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from skyvern_crds.client.errors import ConfigurationError

if TYPE_CHECKING:
    from kubernetes.aio.client.api_client import ApiClient
    from kubernetes.aio.client.configuration import Configuration

SERVICE_ACCOUNT_TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105
REFRESH_SECONDS: Final = 60.0
"""How often credentials and certificates are looked at again. Tokens of pods are rotated minutes before they end."""
LOAD_TIMEOUT_SECONDS: Final = 30.0
"""Longest time that an exec plugin or an identity provider may take."""

Load = Callable[["Configuration"], Awaitable[None]]


def kubeconfig_loader(path: str, context: str | None) -> Load:
    """Load a kubeconfig (client certificate, token, token file, exec plugin, OIDC), then refresh what expires."""
    state: list[Any] = []

    async def load(configuration: "Configuration") -> None:
        from kubernetes.aio.config.kube_config import load_kube_config  # noqa: PLC0415

        if state:
            await state[0].load_and_set(configuration)
        else:
            state.append(await load_kube_config(path, context, configuration))  # type: ignore[no-untyped-call]

    return load


async def _load_in_cluster(configuration: "Configuration") -> None:
    from kubernetes.aio.config.incluster_config import load_incluster_config  # noqa: PLC0415

    load_incluster_config(configuration, try_refresh_token=False)  # type: ignore[no-untyped-call]


def find_loader(kubeconfig: str | None, context: str | None) -> Load:
    """The given kubeconfig, else the variable KUBECONFIG, else the pod's service account, else ~/.kube/config."""
    path = kubeconfig or os.environ.get("KUBECONFIG")
    if path:
        return kubeconfig_loader(path, context)
    if os.environ.get("KUBERNETES_SERVICE_HOST") and Path(SERVICE_ACCOUNT_TOKEN).exists():
        return _load_in_cluster
    default = Path("~/.kube/config").expanduser()
    if default.exists():
        return kubeconfig_loader(str(default), context)
    raise ConfigurationError(
        0, "NoCredentials", f"no cluster to talk to: set KUBECONFIG, create {default}, or run in a pod"
    )


class Connection:
    """One ApiClient whose token and certificates follow their files."""

    def __init__(self, load: Load, refresh_seconds: float = REFRESH_SECONDS) -> None:
        self._load = load
        self._refresh_seconds = refresh_seconds
        self._lock = asyncio.Lock()
        self._loaded_at = float("-inf")
        self._tls: object = None
        self._api: ApiClient | None = None
        self._configuration: Configuration | None = None
        self._retired: list[ApiClient] = []

    async def api(self) -> "tuple[ApiClient, dict[str, str]]":
        """The ApiClient and the headers that authenticate a request, refreshed when they are due."""
        if self._api is None or time.monotonic() - self._loaded_at >= self._refresh_seconds:
            await self.refresh(self._loaded_at)
        assert self._api is not None  # noqa: S101 - refresh sets it or raises
        assert self._configuration is not None  # noqa: S101
        token = await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        return self._api, {"authorization": token} if token else {}

    @property
    def loaded_at(self) -> float:
        """Monotonic time of the last refresh; give it to :meth:`refresh` to have one newer than what failed."""
        return self._loaded_at

    async def refresh(self, seen: float) -> None:
        """Load credentials again, unless that has been done since ``seen``."""
        async with self._lock:
            if self._loaded_at > seen:
                return
            if self._configuration is None:
                self._configuration = _new_configuration()
            try:
                async with asyncio.timeout(LOAD_TIMEOUT_SECONDS):
                    await self._load(self._configuration)
            except TimeoutError as error:
                raise ConfigurationError(0, "Timeout", "credentials did not load within 30 s") from error
            except Exception as error:
                if not _is_configuration_error(error):
                    raise
                raise ConfigurationError(0, "BadConfiguration", f"the cluster's configuration: {error}") from error
            self._loaded_at = time.monotonic()
            await self._renew_api(self._configuration)

    async def _renew_api(self, configuration: "Configuration") -> None:
        """Open a new ApiClient when the CA or the client certificate has changed.

        The former one is closed a refresh later, when its requests are done; its watches end and are resumed.
        """
        for former in self._retired:
            await former.close()  # type: ignore[no-untyped-call]
        self._retired.clear()
        tls = tuple(
            _file_version(path) for path in (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
        )
        if self._api is not None and tls == self._tls:
            return
        from kubernetes.aio.client.api_client import ApiClient  # noqa: PLC0415

        if self._api is not None:
            self._retired.append(self._api)
        self._api, self._tls = ApiClient(configuration), tls

    async def close(self) -> None:
        """Close every connection."""
        for api in [*self._retired, *([self._api] if self._api else [])]:
            await api.close()  # type: ignore[no-untyped-call]
        self._retired.clear()
        self._api = None


def _new_configuration() -> "Configuration":
    from kubernetes.aio.client.configuration import Configuration  # noqa: PLC0415

    return Configuration()


def _is_configuration_error(error: Exception) -> bool:
    from kubernetes.aio.config.config_exception import ConfigException  # noqa: PLC0415

    return isinstance(error, (ConfigException, OSError, ValueError))


def _file_version(path: str | None) -> tuple[str, int, int] | None:
    if not path:
        return None
    try:
        stat = os.stat(path)
    except OSError:
        return (path, 0, 0)
    return (path, stat.st_mtime_ns, stat.st_size)
