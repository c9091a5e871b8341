"""Chromium's flags."""

from typing import Final

FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-pings",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-breakpad",
    "--metrics-recording-only",
    "--password-store=basic",
    "--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider",
)
"""Flags of every session; none weakens the isolation of pages."""
