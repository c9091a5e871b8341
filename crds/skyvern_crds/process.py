"""What every program of the project does at its start: log as JSON, read its key, learn its namespace."""

import logging
import time
from pathlib import Path
from typing import Any, Final

from skyvern_crds import wire
from skyvern_crds.runner_contract import SERVICE_ACCOUNT_DIR

MIN_KEY_BYTES: Final = 16
"""Shortest signing key."""
_STANDARD: Final = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {
    "message",
    "taskName",
    "color_message",
}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and whatever the call gave in ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one line. Line separators of Unicode are escaped, so that text from a caller stays on its line."""
        line: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for key, value in record.__dict__.items():
            if key == "fields" and isinstance(value, dict):
                line |= value
            elif key not in _STANDARD and value is not None:
                line[key] = value
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        text = wire.dumps({key: _plain(value) for key, value in line.items()})
        return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")


def _plain(value: object) -> object:
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return str(value)


def read_key_file(path: Path, setting: str) -> bytes:
    """The release's signing key, without blanks around it. Raises ValueError that names ``setting`` and the remedy."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"{setting}: {path} cannot be read: {error.strerror or error}") from error
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"{setting}: {path} holds {len(key)} bytes: at least {MIN_KEY_BYTES} are needed")
    return key


def own_namespace(directory: str = SERVICE_ACCOUNT_DIR) -> str | None:
    """The namespace of the pod that this process runs in; None outside a cluster."""
    try:
        return (Path(directory) / "namespace").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
