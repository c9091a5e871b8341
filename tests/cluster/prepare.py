"""Everything that the tests and the demonstration would otherwise build or fetch on their first use."""

from importlib import import_module

from tests.cluster.apt import unpacked
from tests.cluster.backends import choose
from tests.cluster.cache import cache_dir
from tests.cluster.hosttools import ensure_browser, ensure_image_tools, ensure_node_tools
from tests.cluster.node import CONTAINERD_PACKAGES, SUITE, require_root
from tests.cluster.progress import Progress
from tests.cluster.toolchain import kwok_program, node_programs


def prepare(progress: Progress) -> None:
    """Fills the cache and installs the host's tools, so that no test's deadline has to cover a first build.

    Raises SetupError, before anything slow begins, where the chosen cluster cannot run on this machine.
    """
    kind, reason = choose()
    progress.note(f"cluster: {kind} ({reason})")
    cache = cache_dir()
    if kind == "node":
        require_root()
        ensure_node_tools(progress)
        ensure_image_tools(progress)
        unpacked(cache, progress, SUITE, CONTAINERD_PACKAGES)
    ensure_browser(progress)
    node_programs(cache, progress)
    kwok_program(cache, progress)
    # By name: they know the cluster, and a cluster can be had without them.
    import_module("tests.chart.programs").helm3(cache, progress)
    import_module("tests.cluster.images").build_images(progress)
