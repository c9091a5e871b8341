"""`python -m tests.e2e.failures [--only rest|node]`: produce the whole failure table and print it as Markdown.

Part of it stops the kubelet of the bare node, so that everything in the cluster feels it.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import Progress, SetupError, up
from tests.e2e.failures import containers, creation, disruptions, node
from tests.e2e.failures.release import scene
from tests.e2e.failures.row import Result, complaints, produce
from tests.e2e.release import install_for_tests

TARGET = Path(__file__).parents[3] / "build" / "failure-table.md"
HEAD = """\
| failure | produced by | phase, reason | what the task said | is it run again? |
| --- | --- | --- | --- | --- |
"""


async def run(progress: Progress, only: str | None) -> list[Result]:
    """Produce the rows. Raises SetupError where the node cannot be broken."""
    cluster = up(progress)
    if cluster.kind != "node" and only != "rest":
        raise SetupError("only the bare node's kubelet can be stopped", "use --only rest for the other rows")
    install_for_tests(cluster, progress)  # brings the CRD, and must survive what follows
    results: list[Result] = []
    async with scene(cluster, progress) as made:
        if only != "node":
            with progress.step("produce the failures of tasks"):
                results += await produce(made, (*containers.ROWS, *disruptions.ROWS, *creation.ROWS))
                results += await produce(made, (disruptions.DRAINED, creation.INTERRUPTED))
        if only != "rest":
            with progress.step("produce the failures of the node"):
                results += await node.produce_on_node(made)
    return results


def main(argv: Sequence[str]) -> int:
    """Print and write the table; exit code 1 when something differs from it."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.failures", description=__doc__)
    parser.add_argument("--only", choices=("rest", "node"), help="a part: what the test suite produces, or the node's")
    options = parser.parse_args(argv)
    try:
        results = asyncio.run(run(Progress(), options.only))
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    table = HEAD + "".join(result.row.line(result.seen) + "\n" for result in results if result.seen)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(table)
    print(table)
    print(complaints(results), file=sys.stderr)
    return 1 if complaints(results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
