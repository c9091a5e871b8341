"""Fixtures that every part's tests share: the real control plane and the real cluster."""

from collections.abc import Callable, Iterator
from subprocess import CompletedProcess

import pytest

from tests.cluster import Cluster, ControlPlane, Progress, SetupError, current, down, up
from tests.cluster import control_plane as run_control_plane
from tests.cluster.prepare import prepare

Kubectl = Callable[..., CompletedProcess[str]]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build and fetch what the chosen tests need before the first of them starts, since each has a deadline."""
    if session.config.option.collectonly:
        return
    markers = {mark.name for item in session.items for mark in item.iter_markers()}
    try:
        prepare(terminal_progress(session.config), markers)
    except SetupError as error:
        pytest.exit(f"the tests cannot be set up: {error}", returncode=1)


def terminal_progress(config: pytest.Config) -> Progress:
    """Progress on the terminal, also while pytest captures output."""
    capture = config.pluginmanager.getplugin("capturemanager")
    reporter = config.pluginmanager.getplugin("terminalreporter")

    def write(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write(text)

    return Progress(write if capture and reporter else None, live=False)


@pytest.fixture(scope="session")
def progress(request: pytest.FixtureRequest) -> Progress:
    """Progress of the set-up."""
    return terminal_progress(request.config)


@pytest.fixture(scope="session")
def control_plane(progress: Progress) -> Iterator[ControlPlane]:
    """etcd, the API server and the controller manager, for the whole session: use a namespace of your own."""
    with run_control_plane(progress) as plane:
        yield plane


@pytest.fixture(scope="session")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    """kubectl as the administrator of the control plane; for the whole cluster there is `cluster.run_kubectl`."""
    return control_plane.run_kubectl


@pytest.fixture(scope="session")
def cluster(progress: Progress) -> Iterator[Cluster]:
    """A cluster that runs pods. One that was up before the session stays up after it."""
    was_up = current() is not None
    yield up(progress)
    if not was_up:
        down(progress)
