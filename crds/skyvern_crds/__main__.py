"""``python -m skyvern_crds generate [--check] PATH...``: write the CRD and FAILURES.md, or name what is stale."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from skyvern_crds import failures
from skyvern_crds.schema import MAX_CRD_BYTES, custom_resource_definition

HEADER: Final = (
    "# Generated from the models of skyvern_crds by `python -m skyvern_crds generate`: change those, not this.\n"
)


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
    """Run the command. 0 when done, 1 when --check finds a file that differs."""
    parser = argparse.ArgumentParser(prog="python -m skyvern_crds", description="Tools of the SkyvernTask API.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    generate = commands.add_parser("generate", help="write the CRD (.yaml) or the table of failures (.md)")
    generate.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file would change")
    generate.add_argument("path", nargs="+", type=Path, metavar="PATH", help="file to write; its suffix says what")
    options = parser.parse_args(arguments)
    return _check(options.path) if options.check else _write(options.path)


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


if __name__ == "__main__":
    raise SystemExit(main())
