"""Headers of a downloaded file."""

from pathlib import PurePosixPath
from typing import Final

CONTENT_TYPES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".webm": "video/webm",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".xml": "application/xml",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
}
ACTIVE_CONTENT: Final = frozenset({".html", ".svg", ".xml"})
"""Files that may hold scripts of the pages that the agent visited."""
SANDBOX: Final = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def file_headers(key: str, etag: str | None) -> dict[str, str]:
    """The headers; the type follows the file's suffix, and scripts run in a sandbox without an origin."""
    name = PurePosixPath(key)
    headers = {
        "Content-Type": CONTENT_TYPES.get(name.suffix.lower(), "application/octet-stream"),
        "Content-Disposition": f'inline; filename="{name.name}"',
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=300",
    }
    if name.suffix.lower() in ACTIVE_CONTENT:
        headers["Content-Security-Policy"] = SANDBOX
    return headers | ({"ETag": etag} if etag else {})
