"""Command line: ``skyvern-apiserver`` serves; ``keys`` makes and ends API keys; ``openapi [--check] PATH`` writes or
checks the OpenAPI document.
"""

import argparse
import asyncio
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

from skyvern_apiserver.errors import SettingsError
from skyvern_apiserver.keys.command import add_parser as add_keys_parser
from skyvern_apiserver.keys.command import run as run_keys
from skyvern_apiserver.keys.key_secrets import KeyCommandError
from skyvern_apiserver.process.logs import configure_logging
from skyvern_apiserver.process.settings import load_settings
from skyvern_crds.client import ClusterError


def main() -> None:
    """Run the command and exit with its code."""
    parser = argparse.ArgumentParser(prog="skyvern-apiserver", description="The Tasks API over SkyvernTask objects.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve the API (the default); settings come from SKYVERN_* variables")
    openapi = commands.add_parser("openapi", help="write the OpenAPI document")
    openapi.add_argument("--check", action="store_true", help="only check whether the file is up to date")
    openapi.add_argument("path", type=Path)
    add_keys_parser(commands)
    arguments = parser.parse_args()
    match arguments.command:
        case "openapi":
            sys.exit(_openapi(arguments.path, check=arguments.check))
        case "keys":
            sys.exit(_keys(arguments))
        case _:
            sys.exit(_serve())


def _keys(arguments: argparse.Namespace) -> int:
    try:
        asyncio.run(run_keys(arguments, sys.stdout, sys.stderr))
    except (KeyCommandError, ClusterError) as error:
        print(f"skyvern-apiserver keys: {error}", file=sys.stderr)
        return 1
    return 0


def _serve() -> int:
    from skyvern_apiserver.server.serve import serve  # noqa: PLC0415  # the server's libraries take half a second to load

    try:
        settings = load_settings(os.environ)
        configure_logging(settings.log_level)
        asyncio.run(serve(settings))
    except (SettingsError, ClusterError) as error:
        print(f"skyvern-apiserver: {error}", file=sys.stderr)
        return 2
    return 0


def openapi_text() -> str:
    """The committed form of the OpenAPI document."""
    from skyvern_apiserver.api.openapi import document  # noqa: PLC0415

    return json.dumps(document(version("skyvern-apiserver")), indent=2) + "\n"


def _openapi(path: Path, *, check: bool) -> int:
    text = openapi_text()
    if not check:
        path.write_text(text)
        return 0
    if path.exists() and path.read_text() == text:
        return 0
    remedy = f"run 'python -m skyvern_apiserver openapi {path}'"
    print(f"skyvern-apiserver: {path} is out of date: {remedy}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    main()
