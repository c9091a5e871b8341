"""Tasks with fields that cannot be read."""

import logging

from skyvern_apiserver.cache.task_record import TaskRecord
from skyvern_crds.client import Change

log = logging.getLogger(__name__)


class UnreadableTasks:
    """Counts the cached tasks with unreadable fields, and logs each when its unreadable fields change."""

    def __init__(self) -> None:
        self.count = 0

    def changed(self, change: Change[TaskRecord]) -> None:
        """Apply one change."""
        before = change.old.unreadable if change.old else ()
        now = change.new.unreadable if change.new else ()
        self.count += bool(now) - bool(before)
        if change.new is not None and now and now != before:
            log.warning(
                "fields of a stored task cannot be read: answers leave them out",
                extra={
                    "task": change.new.task_id,
                    "namespace": change.namespace,
                    "unreadable": [str(each) for each in now],
                },
            )
