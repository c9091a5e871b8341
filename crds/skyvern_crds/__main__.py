"""Tools of the SkyvernTask API.

``python -m skyvern_crds generate [--check] PATH...`` writes the CRD and FAILURES.md, or names what is stale.
``python -m skyvern_crds webhook-key NAMESPACE`` prints the key with which a namespace's webhooks are verified.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from skyvern_crds import failures
from skyvern_crds.process import read_key_file
from skyvern_crds.rest.keys import webhook_key
from skyvern_crds.schema import MAX_CRD_BYTES, custom_resource_definition

HEADER: Final = (
    "# Generated from the models of skyvern_crds by `python -m skyvern_crds generate`: change those, not this.\n"
)

KEY_FILE: Final = Path("/etc/skyvern/signing/signing-key")
"""Where the pods of the operator and the facade have it."""
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def render() -> str:
    """The CRD as YAML. Raises ValueError when it exceeds its limit."""
    import yaml  # noqa: PLC0415 - the extra `schema`

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    text = HEADER + yaml.dump(custom_resource_definition(), Dumper=Dumper, sort_keys=False, width=120)
    if len(text.encode()) > MAX_CRD_BYTES:
        raise ValueError(f"the CRD has {len(text.encode())} bytes and may have {MAX_CRD_BYTES}: shorten the models")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. 0 when done, 1 when --check finds a file that differs, 2 when an argument is wrong."""
    parser = argparse.ArgumentParser(prog="python -m skyvern_crds", description="Tools of the SkyvernTask API.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    generate = commands.add_parser("generate", help="write the CRD (.yaml) or the table of failures (.md)")
    generate.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file would change")
    generate.add_argument("path", nargs="+", type=Path, metavar="PATH", help="file to write; its suffix says what")
    generate.set_defaults(run=lambda options: (_check if options.check else _write)(options.path))
    key = commands.add_parser("webhook-key", help="print the key that signs the webhooks of a namespace's tasks")
    key.add_argument("namespace", metavar="NAMESPACE", help="namespace of the tasks")
    key.add_argument("--key-file", type=Path, default=KEY_FILE, help=f"the release's signing key ({KEY_FILE})")
    key.set_defaults(run=lambda options: _print_webhook_key(options.namespace, options.key_file))
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


def _text_for(path: Path) -> str:
    return failures.render() if path.suffix == ".md" else render()


def _write(paths: Sequence[Path]) -> int:
    for path in paths:
        text = _text_for(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"{path}: {len(text.encode())} bytes")
    return 0


def _check(paths: Sequence[Path]) -> int:
    stale = [path for path in paths if not path.exists() or path.read_text(encoding="utf-8") != _text_for(path)]
    for path in stale:
        print(f"{path} differs from the models: run `make generate`", file=sys.stderr)
    return 1 if stale else 0


def _print_webhook_key(namespace: str, key_file: Path) -> int:
    if not _NAMESPACE.fullmatch(namespace):
        print(f"{namespace!r} is not the name of a namespace", file=sys.stderr)
        return 2
    try:
        key = read_key_file(key_file, "--key-file")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(webhook_key(key, namespace).decode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
