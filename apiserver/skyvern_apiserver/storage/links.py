"""Signed links to files of tasks."""

import time

from skyvern_apiserver.process.settings import Settings
from skyvern_crds.rest.artifacts import ArtifactLinks


def links_now(settings: Settings) -> ArtifactLinks:
    """Makes links whose life begins now."""
    return ArtifactLinks(settings.public_url, settings.signing_key, int(time.time()), settings.link_ttl_seconds)
