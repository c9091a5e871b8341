"""Kubernetes for the tests and the demonstration: a control plane alone, or a whole cluster that runs pods."""

from tests.cluster.cache import artifact, cache_dir, digest_of
from tests.cluster.cluster import Cluster, current, down, up
from tests.cluster.controlplane import ControlPlane, control_plane
from tests.cluster.errors import SetupError
from tests.cluster.progress import Progress

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
