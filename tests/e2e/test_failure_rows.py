"""The README shows each row of the failure table, and no other."""

import re
from pathlib import Path

from tests.e2e.failures import containers, creation, disruptions, node

README = Path(__file__).parents[2] / "operator" / "README.md"
ROWS = (
    *containers.ROWS,
    *disruptions.ROWS,
    *creation.ROWS,
    disruptions.DRAINED,
    creation.INTERRUPTED,
    node.RESTARTED,
    node.REBOOTED,
    *node.OUTAGE,
)


def test_readme_shows_the_rows_that_are_produced() -> None:
    section = README.read_text().partition("## What failures look like")[2].partition("\n## ")[0]
    shown = [tuple(line.split(" | ")[:3]) for line in re.findall(r"^\| (.*) \|$", section, re.MULTILINE)][2:]
    assert shown == [(row.failure, row.how, f"{row.says[0]}, `{row.says[1]}`") for row in ROWS]
