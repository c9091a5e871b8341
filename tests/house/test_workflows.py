"""The forge's workflows, which run nowhere else: what they name exists, and what they use is pinned."""

import re
from typing import Any

import pytest
import yaml

from tests.cluster.images.recipe import RECIPES
from tests.cluster.release.install import CHART_IMAGES
from tests.house.version import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def jobs(name: str) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    found: dict[str, Any] = workflow["jobs"]
    return found


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_action_is_pinned_to_a_commit(file: Any) -> None:
    used = re.findall(r"uses: (\S+)", file.read_text())
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_make_target_exists(file: Any) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {
        target
        for line in re.findall(r"run: make ([a-z -]+)$", file.read_text(), re.MULTILINE)
        for target in line.split()
    }
    assert called
    assert called <= targets


def test_release_builds_the_images_of_the_chart_as_the_tests_do() -> None:
    matrix = jobs("release")["image"]["strategy"]["matrix"]["include"]
    built = {
        entry["name"]: (
            entry["file"],
            tuple(tuple(line.split("=")) for line in entry["arguments"].splitlines()),
        )
        for entry in matrix
    }
    assert built == {name: (RECIPES[name].containerfile, RECIPES[name].arguments) for name in CHART_IMAGES}


def test_lint_comes_before_every_other_check() -> None:
    assert [name for name, job in jobs("ci").items() if name != "lint" and job["needs"] != "lint"] == []


def test_hooks_of_pre_commit_are_the_checkers_of_make_lint() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    lint = (ROOT / "Makefile").read_text().replace("$(VENV)", ".venv").replace("$(PY)", ".venv/bin/python")
    programs = [" ".join(word for word in hook["entry"].split() if not word.startswith("--")) for hook in hooks]
    assert [program for program in programs if program not in lint] == []
