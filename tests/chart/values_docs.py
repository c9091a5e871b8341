"""Writes the table of values in the chart's README from the comments in values.yaml.

`python -m tests.chart.values_docs` writes it; with --check it only says whether the README is up to date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

CHART = Path(__file__).parents[2] / "charts" / "skyvern-operator"
BEGIN, END = "<!-- values: begin (generated) -->", "<!-- values: end -->"
MARK = "# -- "


def rows(text: str) -> Iterator[tuple[str, str, str]]:
    """(path, default, description) of every value with a `# --` comment above it."""
    values = yaml.safe_load(text)
    path: list[tuple[int, str]] = []
    description: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            if stripped.startswith(MARK):
                description = [stripped.removeprefix(MARK)]
            elif description:
                description.append(stripped.removeprefix("# "))
            continue
        key, colon, _ = stripped.partition(":")
        if not colon:
            description = []
            continue
        indent = len(line) - len(line.lstrip())
        path = [*[entry for entry in path if entry[0] < indent], (indent, key)]
        if description:
            names = [name for _, name in path]
            value = values
            for name in names:
                value = value[name]
            default = yaml.safe_dump(value, default_flow_style=True, width=200).removesuffix("...\n").strip()
            yield ".".join(names), default, " ".join(description)
            description = []


def table(text: str) -> str:
    """The Markdown table of all values."""
    lines = ["| value | default | what it is |", "| --- | --- | --- |"]
    lines += [f"| `{path}` | `{default}` | {description} |" for path, default, description in rows(text)]
    return "\n".join(lines)


def updated(readme: str, values: str) -> str:
    """The README with a new table of values."""
    head, _, rest = readme.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table(values)}\n{END}{tail}"


def main(argv: list[str]) -> int:
    """Write or check; exit code 1 when the check finds a difference."""
    readme = CHART / "README.md"
    text = updated(readme.read_text(), (CHART / "values.yaml").read_text())
    if "--check" in argv:
        if text != readme.read_text():
            print(f"{readme.name} does not match values.yaml: run `make generate`", file=sys.stderr)
            return 1
        return 0
    readme.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
