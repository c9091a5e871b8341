"""Kubeconfigs for tests of credentials."""

import json
from pathlib import Path
from typing import Any


def kubeconfig(server: str, user: dict[str, Any], ca: Path | None = None) -> str:
    """A kubeconfig of one cluster and one user, as text."""
    cluster = {"server": server} | ({"certificate-authority": str(ca)} if ca else {})
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "c", "user": user}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        }
    )
