"""Stores for the archive: a folder, and a server that speaks S3."""

from collections.abc import Iterator

import pytest

from tests.apiserver.s3_server import s3_server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of a server that speaks S3, with a bucket."""
    with s3_server(tmp_path_factory.mktemp("s3")) as variables:
        yield variables
