"""Command line of the operator."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from skyvern_crds.client import ClusterError
from skyvern_crds.process import own_namespace
from skyvern_crds.tracing.settings import TracingSettings, read_tracing
from skyvern_operator.config import DEFAULT_PATH, load_config
from skyvern_operator.errors import ConfigError, OperatorError
from skyvern_operator.main import DEFAULT_PORT, Settings, run
from skyvern_operator.process.logs import configure_logs

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``skyvern-operator``. Exits with 0 when a signal stopped it, 1 when it failed, 2 for wrong settings."""
    options = parser(os.environ).parse_args(arguments)
    configure_logs(options.log_level)
    if options.kubeconfig:
        os.environ["KUBECONFIG"] = options.kubeconfig  # the only place that kopf reads
    try:
        settings = Settings(
            config=load_config(options.config),
            namespaces=parse_namespaces(options.namespaces, options.release_namespace),
            release_namespace=options.release_namespace,
            kubeconfig=options.kubeconfig,
            pod_uid=options.pod_uid,
            host=options.host,
            port=options.port,
            tracing=_tracing(os.environ),
        )
        asyncio.run(run(settings))
    except ConfigError as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says it all
        sys.exit(2)
    except (OperatorError, ClusterError, OSError) as error:
        logger.error("%s", error)  # noqa: TRY400
        sys.exit(1)


def _tracing(environment: Mapping[str, str]) -> TracingSettings | None:
    try:
        return read_tracing(environment)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def parse_namespaces(text: str, release_namespace: str) -> list[str] | None:
    """Names from a comma list. ``*`` means all namespaces (None); an empty list means the release's own."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if "*" in names:
        return None
    return names or [release_namespace]


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The command line; ``environment`` gives the defaults."""
    result = argparse.ArgumentParser(prog="skyvern-operator", description="Runs SkyvernTasks: one task, one pod.")
    result.add_argument(
        "--config",
        type=Path,
        default=Path(environment.get("SKYVERN_CONFIG", DEFAULT_PATH)),
        help="configuration file (SKYVERN_CONFIG)",
    )
    result.add_argument(
        "--namespaces",
        default=environment.get("SKYVERN_NAMESPACES", ""),
        help="task namespaces, a comma list, or * for all; default: the release namespace (SKYVERN_NAMESPACES)",
    )
    result.add_argument(
        "--release-namespace",
        default=environment.get("SKYVERN_RELEASE_NAMESPACE") or own_namespace() or "default",
        help="namespace of the API-key Secrets; default: the pod's own (SKYVERN_RELEASE_NAMESPACE)",
    )
    result.add_argument(
        "--pod-uid",
        default=environment.get("SKYVERN_POD_UID"),
        help="uid of the operator's pod, for its name in the Lease; default: a random one (SKYVERN_POD_UID)",
    )
    result.add_argument("--kubeconfig", help="cluster to use; default: KUBECONFIG, else the pod's service account")
    result.add_argument("--host", default="0.0.0.0", help="address of the health endpoint")  # noqa: S104
    result.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the health endpoint")
    result.add_argument(
        "--log-level",
        default=environment.get("SKYVERN_LOG_LEVEL", "info"),
        choices=("debug", "info", "warning", "error"),
        help="least level that is logged (SKYVERN_LOG_LEVEL)",
    )
    return result


if __name__ == "__main__":
    main()
