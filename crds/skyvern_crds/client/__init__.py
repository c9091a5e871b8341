"""An async client of the Kubernetes API: raw JSON objects, errors by kind, and a reflector that loses nothing."""

from skyvern_crds.client.changes import Change, ChangeType
from skyvern_crds.client.cluster import ClusterClient, Timeouts
from skyvern_crds.client.errors import (
    AlreadyExists,
    ClusterError,
    ConfigurationError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from skyvern_crds.client.reflector import Reflector
from skyvern_crds.client.resources import (
    EVENTS,
    LEASES,
    PODS,
    SECRETS,
    SKYVERNTASKS,
    JsonObject,
    Page,
    Resource,
    WatchEvent,
)

__all__ = [
    "EVENTS",
    "LEASES",
    "PODS",
    "SECRETS",
    "SKYVERNTASKS",
    "AlreadyExists",
    "Change",
    "ChangeType",
    "ClusterClient",
    "ClusterError",
    "ConfigurationError",
    "Conflict",
    "Forbidden",
    "Gone",
    "Invalid",
    "JsonObject",
    "NotFound",
    "Page",
    "Reflector",
    "Resource",
    "Timeouts",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
    "WatchEvent",
]
