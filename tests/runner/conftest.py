"""The scripted model and the site, each on a socket, and an observer that remembers events."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from skyvern_runner.report.events import Event
from tests.model.app import API_KEY, MODEL
from tests.model.app import create_app as create_model
from tests.runner.sink import Sink
from tests.site.app import create_app as create_site
from tests.site.serving import serve


@dataclass(frozen=True)
class ScriptedModel:
    """A running scripted server."""

    app: Starlette
    url: str

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies that it received."""
        return [record["body"] for record in self.app.state.server.requests]

    def faults(self, *names: str | None) -> None:
        """Faults of the next requests, one each."""
        self.app.state.server.plan.queue(names)

    def environment(self, model: str = MODEL, key: str | None = API_KEY) -> dict[str, str]:
        """Settings of the model as the runner reads them."""
        settings = {"OPENAI_BASE_URL": self.base_url, "SKYVERN_MODEL": model}
        return settings | ({"OPENAI_API_KEY": key} if key else {})


@pytest.fixture
def scripted() -> Iterator[ScriptedModel]:
    app = create_model()
    with serve(app) as url:
        yield ScriptedModel(app, url)


@pytest.fixture
def site() -> Iterator[str]:
    with serve(create_site()) as url:
        yield url


@pytest.fixture
def sink() -> Iterator[Sink]:
    server = Sink()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.hold.set()
    server.shutdown()
    server.server_close()


class Remembering:
    """An observer that keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def observer() -> Remembering:
    return Remembering()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a file into the test's folder."""

    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return written
