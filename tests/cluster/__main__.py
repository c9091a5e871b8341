"""`python -m tests.cluster up | down | status | prepare | images | install | uninstall | run | demo`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.cluster import Cluster, current, down, up
from tests.cluster.prepare import prepare

# Modules are named, not imported: `up` must not need what only the images or the demo need.
ELSEWHERE = {
    "images": ("tests.cluster.images.build", "main"),
    "install": ("tests.cluster.release.install", "main"),
    "uninstall": ("tests.cluster.release.install", "uninstall"),
    "run": ("tests.cluster.release.develop", "main"),
    "demo": ("tests.cluster.release.demo", "main"),
}
HELP = {
    "up": "bring a cluster up and say how to use it",
    "down": "take it down and undo everything it has changed on this machine",
    "status": "say whether a cluster is up; exit code 3 if not",
    "prepare": "build and fetch what the tests and the demo need, and start nothing",
    "images": "build the project's container images",
    "install": "install the chart (--set k=v ... as for Helm)",
    "uninstall": "remove the chart's release",
    "run": "run the operator or the apiserver on this machine, with reload",
    "demo": "run an example task from nothing",
}


def usage(cluster: Cluster) -> str:
    """How to work with a cluster from a shell."""
    return (
        f"export KUBECONFIG={cluster.kubeconfig}\n"
        f"export PATH={cluster.kubectl.parent}:$PATH   # kubectl and helm\n"
        "kubectl get nodes"
    )


def _up(progress: Progress) -> int:
    cluster = up(progress)
    if not cluster.has_egress:
        progress.note("pods of this cluster cannot reach the network outside this machine")
    print(usage(cluster))
    return 0


def _down(progress: Progress) -> int:
    down(progress)
    return 0


def _prepare(progress: Progress) -> int:
    prepare(progress)
    return 0


def _status(progress: Progress) -> int:
    cluster = current()
    if cluster is None:
        progress.note("no cluster is up; start one with: python -m tests.cluster up")
        return 3
    print(usage(cluster))
    print(cluster.run_kubectl("get", "nodes", "--output=wide", check=False).stdout, end="")
    return 0


def main(argv: Sequence[str]) -> int:
    """Run one sub-command; a SetupError becomes its message and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in HELP.items():
        commands.add_parser(name, help=text, add_help=name not in ELSEWHERE)
    options, rest = parser.parse_known_args(argv)
    try:
        if options.command in ELSEWHERE:
            module, function = ELSEWHERE[options.command]
            return int(getattr(import_module(module), function)(rest) or 0)
        if rest:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        own: dict[str, Callable[[Progress], int]] = {
            "up": _up,
            "down": _down,
            "status": _status,
            "prepare": _prepare,
        }
        return own[options.command](Progress())
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next run repairs what is incomplete", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
