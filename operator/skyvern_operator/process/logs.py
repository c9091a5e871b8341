"""Logs: one JSON object a line."""

import logging
import sys

from skyvern_crds.process import JsonFormatter


def configure_logs(level: str) -> None:
    """Send everything to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
