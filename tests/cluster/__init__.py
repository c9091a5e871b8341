"""Kubernetes for the tests and the demonstration: a control plane alone, or a whole cluster that runs pods."""

from tests.cluster.base.cache import artifact, cache_dir, digest_of
from tests.cluster.base.errors import SetupError
from tests.cluster.base.progress import Progress
from tests.cluster.cluster import Cluster, current, down, up
from tests.cluster.control_plane.plane import ControlPlane, control_plane

__all__ = [
    "Cluster",
    "ControlPlane",
    "Progress",
    "SetupError",
    "artifact",
    "cache_dir",
    "control_plane",
    "current",
    "digest_of",
    "down",
    "up",
]
