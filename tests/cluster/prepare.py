"""Builds and fetches, ahead of time, what tests and the demonstration would otherwise get on their first use."""

from collections.abc import Collection
from importlib import import_module

from tests.cluster.apt import unpacked
from tests.cluster.backends import choose
from tests.cluster.cache import cache_dir
from tests.cluster.hosttools import ensure_browser, ensure_image_tools, ensure_node_tools
from tests.cluster.node import CONTAINERD_PACKAGES, SUITE, require_root
from tests.cluster.progress import Progress
from tests.cluster.toolchain import kwok_program, node_programs

MARKERS = ("house", "contract", "browser", "chart", "node")
"""The markers of tests that need more than Python."""


def prepare(progress: Progress, markers: Collection[str] = MARKERS) -> None:
    """Fills the cache and installs the host's tools for tests with these markers, so that no test waits for a build.

    Raises SetupError, before anything slow begins, where the chosen cluster cannot run on this machine.
    """
    cache = cache_dir()
    # Modules that know the cluster are named, not imported: a cluster can be had without them.
    if "node" in markers:
        kind, reason = choose()
        progress.note(f"cluster: {kind} ({reason})")
        if kind == "node":
            require_root()
            ensure_node_tools(progress)
            ensure_image_tools(progress)
            unpacked(cache, progress, SUITE, CONTAINERD_PACKAGES)
    if "house" in markers:
        import_module("tests.javascript").prepare(progress)
    if "browser" in markers:
        ensure_browser(progress)
    if {"contract", "chart", "node"} & set(markers):
        node_programs(cache, progress)
    if "contract" in markers:
        kwok_program(cache, progress)
    if "chart" in markers:
        import_module("tests.chart.programs").helm3(cache, progress)
    if "node" in markers:
        import_module("tests.cluster.images").build_images(progress)
