"""Entity tags of answers about tasks."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Final

from skyvern_apiserver.archive.layout import Entry
from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_apiserver.wire.versioned import tag_of
from skyvern_crds.rest.artifacts import ArtifactLinks

_VERSION: Final = version("skyvern-apiserver")
"""Another version may render the same task in another way."""


def tag_of_tasks(tasks: Iterable[TaskRecord | Entry], links: ArtifactLinks) -> str:
    """The tag of an answer that follows from these tasks and the hour of its links."""
    return tag_of(_VERSION, links.expires, *map(_version_of, tasks))


def _version_of(task: TaskRecord | Entry) -> str:
    """A task in the archive does not change anymore."""
    return f"{task.uid} archived" if isinstance(task, Entry) else f"{task.uid} {task.resource_version}"
