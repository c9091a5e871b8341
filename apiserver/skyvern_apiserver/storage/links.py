"""Signed links to files of tasks."""

import time

from skyvern_apiserver.process.settings import Settings
from skyvern_crds.rest.artifacts import ArtifactLinks


def links_now(settings: Settings) -> ArtifactLinks:
    """A maker of links that are valid from now on."""
    return ArtifactLinks(settings.public_url, settings.link_key, int(time.time()), settings.link_ttl_seconds)
