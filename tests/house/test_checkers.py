"""The house rules that tools can check."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CHECKS = {
    "ruff finds nothing": ["ruff", "check", "."],
    "everything is formatted": ["ruff", "format", "--check", "."],
    "the import rules hold": ["lint-imports"],
    "mypy --strict finds nothing": ["mypy"],
    "eslint and tsc find nothing": ["python", "-m", "tests.house.javascript"],
}


@pytest.mark.parametrize("command", CHECKS.values(), ids=CHECKS.keys())
@pytest.mark.house
def test_checkers_find_nothing(command: list[str]) -> None:
    result = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_operator_folder_does_not_shadow_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_python_lock_has_hashes_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--hash=sha256:" in lock


def test_javascript_lock_has_hashes_and_names_no_registry() -> None:
    packages = json.loads((ROOT / "tests/house/package-lock.json").read_text())["packages"]
    installed = {path: package for path, package in packages.items() if path}
    assert installed
    assert all(package["integrity"].startswith("sha512-") for package in installed.values())
    assert not [path for path, package in installed.items() if "resolved" in package]
