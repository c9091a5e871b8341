"""What every program of the project does at its start: log as JSON, read its key, learn its namespace."""

import logging
import re
import time
from pathlib import Path
from typing import Any, Final

from skyvern_crds import wire
from skyvern_crds.runner_contract import SERVICE_ACCOUNT_DIR

MIN_KEY_BYTES: Final = 16
"""Shortest signing key."""
_MAX_DEPTH: Final = 8
_MAX_TEXT: Final = 2000
_CONTROL: Final = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200e\u200f]")
"""C1 controls, separators of lines and marks of direction; JSON itself escapes the C0 controls."""
_STANDARD: Final = frozenset(logging.LogRecord("", 0, "", 0, "", None, None).__dict__) | {
    "message",
    "taskName",
    "color_message",
}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and whatever the call gave in ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one line. Control characters are escaped: text from a caller stays on its line and moves no cursor."""
        line: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        extra = {key: value for key, value in record.__dict__.items() if key not in _STANDARD and value is not None}
        fields = extra.pop("fields", None)
        extra |= fields if isinstance(fields, dict) else {}
        line = {key: _plain(value) for key, value in extra.items()} | line  # what a caller adds replaces nothing
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", wire.dumps(line))


def _plain(value: object, depth: int = 0) -> object:
    """``value`` as JSON, without what is nested deeper than anybody would log."""
    if isinstance(value, str | int | float | bool | None):
        return value
    if depth < _MAX_DEPTH and isinstance(value, list | tuple):
        return [_plain(each, depth + 1) for each in value]
    if depth < _MAX_DEPTH and isinstance(value, dict):
        return {str(key): _plain(each, depth + 1) for key, each in value.items()}
    try:
        return str(value)[:_MAX_TEXT]
    except Exception:  # noqa: BLE001 - a log line must not fail because of what it speaks of
        return object.__repr__(value)


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
