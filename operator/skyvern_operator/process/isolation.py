"""Keeps what one object raises from the others."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from skyvern_operator.process.metrics import Metrics

logger = logging.getLogger(__name__)


class Where(StrEnum):
    """Places where one object is handled among many."""

    WATCH = "watch"
    LIST = "list"
    START = "start"
    WEBHOOK = "webhook"


@contextmanager
def isolated(metrics: Metrics, where: Where, name: object) -> Iterator[None]:
    """Log and count any exception of the block, which handles the object ``name`` alone; nothing is raised."""
    try:
        yield
    except Exception:  # noqa: BLE001 - the outermost frame of what is done for one object
        report_error(metrics, where, name)


def report_error(metrics: Metrics, where: Where, name: object) -> None:
    """Log and count the exception being handled, which came up for the object ``name``."""
    metrics.isolated.labels(where.value).inc()
    logger.exception(
        "an error of one object: others go on", extra={"fields": {"object": str(name), "where": where.value}}
    )
