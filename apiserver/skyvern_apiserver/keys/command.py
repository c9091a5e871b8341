"""``skyvern-apiserver keys``: its arguments, and what it prints. A key is printed once, alone on standard output."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from skyvern_apiserver.keys.key_secrets import KeyCommandError, KeySecrets, ListedKey
from skyvern_crds.client import ClusterClient
from skyvern_crds.process import own_namespace
from skyvern_crds.rest.webhook import SignatureStyle


def add_parser(commands: Any) -> None:
    """Add the command to those of the program."""
    keys = commands.add_parser("keys", help="make, list, rotate and disable API keys; see 'keys --help'")
    keys.description = "API keys are Secrets with the label skyvern.io/api-key=true in the release's namespace."
    keys.add_argument("--kubeconfig", help="credentials (default: KUBECONFIG, else the pod's, else ~/.kube/config)")
    keys.add_argument(
        "--keys-namespace", default="", help="the release's namespace (default: SKYVERN_KEYS_NAMESPACE, else the pod's)"
    )
    verbs = keys.add_subparsers(dest="verb", required=True)
    create = verbs.add_parser("create", help="make a key and print it, once")
    create.add_argument("name", help="name of the Secret")
    create.add_argument("--namespace", required=True, help="the tenant: its tasks are made and seen there only")
    create.add_argument("--organization", help="organization id that answers carry (default: the name)")
    create.add_argument(
        "--signature", choices=[each.value for each in SignatureStyle], help="how webhooks are signed for this key"
    )
    create.add_argument("--key-file", help="a key of your own, from a file; '-' is standard input")
    verbs.add_parser("list", help="list the keys, without their text")
    rotate = verbs.add_parser(
        "rotate", help="make a second key for the same tenant; both are valid until one is disabled"
    )
    rotate.add_argument("name", help="name of the Secret of the first key")
    rotate.add_argument("--new-name", help="name of the second Secret (default: the next free number)")
    disable = verbs.add_parser("disable", help="refuse a key from now on, and keep its record")
    disable.add_argument("name", help="name of the Secret")


async def run(arguments: argparse.Namespace, out: TextIO, told: TextIO) -> None:
    """Carry out the command; ``told`` gets what is not the result. Raises KeyCommandError and ClusterError."""
    namespace = arguments.keys_namespace or os.environ.get("SKYVERN_KEYS_NAMESPACE", "").strip() or own_namespace()
    if not namespace:
        raise KeyCommandError("Name the namespace of the release: --keys-namespace, or SKYVERN_KEYS_NAMESPACE")
    async with await ClusterClient.connect(arguments.kubeconfig) as client:
        keys = KeySecrets(client, namespace)
        match arguments.verb:
            case "create":
                key = await keys.create(arguments.name, _fields(arguments), _own_key(arguments.key_file))
                print(f"Secret {arguments.name}: the key is shown this once, and is valid in seconds", file=told)
                print(key, file=out)
            case "list":
                print(table(await keys.list()), file=out)
            case "rotate":
                name, key = await keys.rotate(arguments.name, arguments.new_name)
                print(
                    f"Secret {name}: {arguments.name} stays valid until you run 'keys disable {arguments.name}'",
                    file=told,
                )
                print(key, file=out)
            case _:
                done = await keys.disable(arguments.name)
                text = "is refused within seconds" if done else "was disabled before"
                print(
                    f"{arguments.name} {text}; its Secret stays, since webhooks of its tasks are signed with it",
                    file=told,
                )


def _fields(arguments: argparse.Namespace) -> dict[str, str]:
    given = {
        "namespace": arguments.namespace,
        "organization-id": arguments.organization or arguments.name,
        "webhook-signature": arguments.signature,
    }
    return {name: value for name, value in given.items() if value}


def _own_key(file: str | None) -> str | None:
    if file is None:
        return None
    try:
        key = (sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")).strip()
    except (OSError, ValueError) as error:
        raise KeyCommandError(f"The key cannot be read from {file}: {error}") from None
    if not key:
        raise KeyCommandError(f"{file} holds no key")
    return key


def table(keys: Iterable[ListedKey]) -> str:
    """The keys as people read them."""
    rows = [("NAME", "ORGANIZATION", "NAMESPACE", "CREATED", "STATE")]
    rows += [(each.name, each.organization, each.namespace, each.created, each.state) for each in keys]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
