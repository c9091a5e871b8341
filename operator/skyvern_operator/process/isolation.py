"""Keeps the errors of one object from affecting others."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from skyvern_operator.process.metrics import Metrics

logger = logging.getLogger(__name__)


class Where(StrEnum):
    """Places that handle many objects one by one."""

    WATCH = "watch"
    LIST = "list"
    START = "start"
    WEBHOOK = "webhook"


@contextmanager
def isolated(metrics: Metrics, where: Where, name: object) -> Iterator[None]:
    """Log and count any exception of the block, which handles the object ``name`` alone, and raise nothing."""
    try:
        yield
    except Exception:  # noqa: BLE001 - the outermost frame of what is done for one object
        report_error(metrics, where, name)


def report_error(metrics: Metrics, where: Where, name: object) -> None:
    """Log and count the exception that is being handled, which the object ``name`` caused."""
    metrics.object_errors.labels(where.value).inc()
    fields = {"object": str(name), "where": where.value}
    logger.exception("handling an object failed; other objects are not affected", extra={"fields": fields})
