"""Builds and fetches, ahead of time, what tests and the demonstration would otherwise get on their first use."""

from collections.abc import Collection

from tests.cluster.backends import choose
from tests.cluster.base.cache import cache_dir
from tests.cluster.base.progress import Progress
from tests.cluster.images.build import build_images
from tests.cluster.machine.apt import unpacked
from tests.cluster.machine.host_tools import ensure_browser, ensure_image_tools, ensure_node_tools
from tests.cluster.node.lifecycle import CONTAINERD_PACKAGES, SUITE, require_root
from tests.cluster.programs.helm import helm3
from tests.cluster.programs.toolchain import kwok_program, node_programs
from tests.house import javascript

MARKERS = ("house", "contract", "browser", "chart", "node")
"""The markers of tests that need more than Python."""


def prepare(progress: Progress, markers: Collection[str] = MARKERS) -> None:
    """Fill the cache and install the host's tools for tests with these markers, so that no test waits for a build.

    Raises SetupError, before anything slow begins, where the chosen cluster cannot run on this machine.
    """
    cache = cache_dir()
    if "node" in markers:
        kind, reason = choose()
        progress.note(f"cluster: {kind} ({reason})")
        if kind == "node":
            require_root()
            ensure_node_tools(progress)
            ensure_image_tools(progress)
            unpacked(cache, progress, SUITE, CONTAINERD_PACKAGES)
    if "house" in markers:
        javascript.prepare(progress)
    if "browser" in markers:
        ensure_browser(progress)
    if {"contract", "chart", "node"} & set(markers):
        node_programs(cache, progress)
    if "contract" in markers:
        kwok_program(cache, progress)
    if "chart" in markers:
        helm3(cache, progress)
    if "node" in markers:
        build_images(progress)
