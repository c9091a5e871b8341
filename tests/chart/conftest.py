"""Renders the chart with real Helm."""

from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess, run
from typing import Any

import pytest
import yaml

from tests.cluster import Progress, cache_dir
from tests.cluster.programs.helm import helm3, helm4

CHART = Path(__file__).parents[2] / "charts" / "skyvern-operator"
Manifests = list[dict[str, Any]]


@pytest.fixture(scope="session", params=[helm4, helm3], ids=["helm4", "helm3"])
def helm(request: pytest.FixtureRequest) -> Path:
    program: Path = request.param(cache_dir(), Progress())
    return program


@pytest.fixture(scope="session")
def template(helm: Path) -> Callable[..., CompletedProcess[str]]:
    """`helm template` of the chart as release `skyvern` in `skyvern-system`."""

    def call(*args: str) -> CompletedProcess[str]:
        command: Sequence[str] = [str(helm), "template", "skyvern", str(CHART), "-n", "skyvern-system", *args]
        return run(command, capture_output=True, text=True, timeout=60, check=False)

    return call


@pytest.fixture(scope="session")
def manifests(template: Callable[..., CompletedProcess[str]]) -> Callable[..., Manifests]:
    def call(*args: str) -> Manifests:
        result = template(*args)
        assert result.returncode == 0, result.stderr
        return [document for document in yaml.safe_load_all(result.stdout) if document]

    return call
