"""A pod's settings on this machine."""

from pathlib import Path

from tests.cluster.images.build import ROOT
from tests.cluster.release.develop import PROGRAMS, local_environment

FOLDER = Path("/here")


def test_paths_of_the_pod_lie_below_the_folder() -> None:
    container = {
        "env": [
            {"name": "KEY_FILE", "value": "/etc/skyvern/signing/signing-key"},
            {"name": "STORE", "value": "file:///var/lib/skyvern/artifacts"},
            {"name": "BUCKET", "value": "s3://bucket/prefix"},
            {"name": "FROM_A_SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ]
    }
    assert local_environment(container, FOLDER) == {
        "KEY_FILE": "/here/etc/skyvern/signing/signing-key",
        "STORE": "file:///here/var/lib/skyvern/artifacts",
        "BUCKET": "s3://bucket/prefix",
    }


def test_sources_of_every_program_exist() -> None:
    assert [source for program in PROGRAMS.values() for source in program.sources if not (ROOT / source).is_dir()] == []
