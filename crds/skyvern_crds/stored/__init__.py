"""Tolerant reading of stored objects. Writers use the strict models; readers come here."""

from skyvern_crds.stored.lenient import Unreadable, read
from skyvern_crds.stored.task import (
    StoredMetadata,
    StoredTask,
    glance_at_runner,
    read_metadata,
    read_request,
    read_task,
    read_time,
)

__all__ = [
    "StoredMetadata",
    "StoredTask",
    "Unreadable",
    "glance_at_runner",
    "read",
    "read_metadata",
    "read_request",
    "read_task",
    "read_time",
]
