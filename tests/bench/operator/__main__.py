"""The operator against the Job controller, in turn in one cluster: a real control plane, kwok in place of kubelets.

``python -m tests.bench.operator [--only throughput,latency,live,retained]`` prints a table with the bar of each figure
and writes build/bench/operator.json. Absolute times depend on the machine; ratios within a run do not. The yardstick
tells how fast the machine was: divide processor time by it to compare runs.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from skyvern_crds.client import ClusterClient
from tests.bench.operator.bars import details, table
from tests.bench.operator.parts import PARTS, Figures, Sizes, chosen
from tests.bench.operator.world import World
from tests.bench.operator.yardstick import yardstick_ms
from tests.bench.samples import keep
from tests.cluster import ControlPlane, Progress, SetupError, control_plane


async def measure(
    plane: ControlPlane, progress: Progress, names: Sequence[str], *, nodes: int, sizes: Sizes, figures: Figures
) -> None:
    """Run the parts, one after the other, and add what each measures to the figures."""
    async with await ClusterClient.connect(str(plane.kubeconfig)) as client:
        world = World(plane, client, progress)
        world.prepare(nodes)
        for name in names:
            with progress.step(f"measure {name}"):
                figures |= await PARTS[name](world, sizes) | {f"yardstick_ms_after_{name}": yardstick_ms()}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.operator", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help=f"comma list of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--objects", type=int, default=500, help="tasks, and Jobs, of a burst and of the open loop")
    parser.add_argument("--rate", type=float, default=10.0, help="creates a second of the open loop")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of the bursts, of which the medians count")
    parser.add_argument("--live", type=int, default=5000, help="tasks that run at once")
    parser.add_argument("--step", type=int, default=500, help="tasks whose costs are compared: first and last of them")
    parser.add_argument("--retained", type=int, default=20_000, help="ended tasks")
    parser.add_argument("--nodes", type=int, default=10, help="simulated nodes")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark: 0 unless something did not work."""
    options = parse(arguments)
    step = min(options.step, options.live // 2)
    sizes = Sizes(options.objects, options.rate, options.rounds, options.live, step, options.retained)
    progress, figures, failure = Progress(), Figures(yardstick_ms=yardstick_ms()), None
    # In the image the operator's bytecode is there from the start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        names = chosen(options.only)
        with control_plane(progress) as plane:
            asyncio.run(measure(plane, progress, names, nodes=options.nodes, sizes=sizes, figures=figures))
    except (SetupError, ValueError, AssertionError) as error:
        failure = f"error: {error}"
    if len(figures) > 1:  # those of the parts before a failure are worth no less
        print(f"{details(figures)}\n\n{table(figures)}\n\n  written to {keep('operator', figures)}")
    if failure is not None:
        print(failure, file=sys.stderr)
    return 0 if failure is None else 1


if __name__ == "__main__":
    sys.exit(main())
