"""Uploads over HTTP to a server that answers as planned."""

from pathlib import Path
from typing import Any

import pytest

from skyvern_runner.report.artifacts import File, FolderStore, GatewayStore, Uploader
from skyvern_runner.task.task import Identity
from tests.runner.conftest import Remembering
from tests.runner.sink import Sink

pytestmark = pytest.mark.socket

IDENTITY = Identity("apply", "jobs", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", 1)


def test_upload_goes_to_the_folder_of_its_task_with_the_bound_token(
    sink: Sink, observer: Remembering, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("bound\n")
    stored: list[Any] = []
    uploader = Uploader(GatewayStore(sink.url, IDENTITY, token), observer, stored.append)
    uploader.put(File("steps/00-0/screenshot-1.jpg", "image/jpeg", b"picture"))
    token.write_text("rotated\n")
    assert uploader.flush(5)
    method, path, _, body = sink.seen[0]
    assert (method, body) == ("PUT", b"picture")
    assert path == f"/internal/artifacts/jobs/apply/{IDENTITY.uid}/steps/00-0/screenshot-1.jpg"
    (artifact,) = stored
    assert (artifact.size, artifact.content_type) == (7, "image/jpeg")
    assert len(artifact.sha256) == 64


def test_token_is_read_for_each_upload(sink: Sink, observer: Remembering, tmp_path: Path) -> None:
    token = tmp_path / "token"
    uploader = Uploader(GatewayStore(sink.url, IDENTITY, token), observer, lambda _: None)
    for number in (1, 2):
        token.write_text(f"token-{number}")
        uploader.put(File(f"{number}.png", "image/png", b"x"))
        sink.wait_for(number)
    assert uploader.flush(5)
    assert [seen[2] for seen in sink.seen] == ["Bearer token-1", "Bearer token-2"]


def test_each_upload_fails_alone(sink: Sink, observer: Remembering, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    stored: list[Any] = []
    sink.plan.extend([413, 503, 201])
    uploader = Uploader(GatewayStore(sink.url, IDENTITY, token), observer, stored.append)
    uploader.put(File("too-large.png", "image/png", b"x"))
    uploader.put(File("final.png", "image/png", b"y"))
    assert uploader.flush(10)
    assert [artifact.name for artifact in stored] == ["final.png"]
    (warning,) = observer.events
    assert "too-large.png" in str(warning)
    assert "413" in str(warning)


def test_file_that_finds_no_folder_is_a_warning(observer: Remembering, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    uploader = Uploader(FolderStore(tmp_path / "file"), observer, lambda _: None)
    uploader.put(File("final.png", "image/png", b"y"))
    assert uploader.flush(5)
    assert "choose another folder" in str(observer.events[0])
