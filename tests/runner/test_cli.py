"""Wrong use of the command line names what to change, with exit code 2."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from skyvern_runner import cli
from tests.runner.command import run

URL = ("--url", "https://jobs.example.com/")
GOAL = ("--goal", "Apply for a job")
Write = Callable[[str, str], Path]
Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Use ``run`` wrongly and return the complaint."""

    def complaint(*arguments: str) -> str:
        try:
            code = cli.run(["run", *arguments], time.monotonic())
        except SystemExit as left:  # argparse's own way out
            code = int(str(left.code))
        said = capsys.readouterr()
        assert code == 2
        assert said.out == ""
        return said.err

    return complaint


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (URL, ["--goal", "--extract"]),
        (GOAL, ["--url"]),
        (("--url", "jobs.example.com", *GOAL), ["--url", "jobs.example.com", "https://example.com/"]),
        (("--url", "ftp://jobs.example.com", *GOAL), ["--url", "ftp://jobs.example.com"]),
        ((*URL, *GOAL, "--schema", "/no/such/schema.json"), ["--schema", "/no/such/schema.json", "No such file"]),
        ((*URL, *GOAL, "--payload", "/no/such/payload.json"), ["--payload", "No such file"]),
        ((*URL, *GOAL, "--max-steps", "0"), ["--max-steps", "1 to 1000"]),
        ((*URL, *GOAL, "--max-steps", "many"), ["--max-steps"]),
        ((*URL, *GOAL, "--base-url", "nowhere"), ["--base-url", "nowhere"]),
        ((*URL, *GOAL, "--model-seconds", "0"), ["--model-seconds"]),
    ],
)
def test_wrong_arguments_are_named(refused: Refused, arguments: tuple[str, ...], words: list[str]) -> None:
    complaint = refused(*arguments)
    for word in words:
        assert word in complaint


@pytest.mark.parametrize("option", ["--schema", "--payload"])
def test_file_that_is_not_valid_json_is_named(refused: Refused, write: Write, option: str) -> None:
    path = write("broken.json", '{"type": object}')
    complaint = refused(*URL, *GOAL, option, str(path))
    assert option in complaint
    assert "broken.json is not valid JSON" in complaint


def test_schema_file_that_may_not_be_read_is_named(refused: Refused, tmp_path: Path) -> None:
    assert "Is a directory" in refused(*URL, *GOAL, "--schema", str(tmp_path))


def test_without_arguments_the_task_of_the_pod_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    done = run("pod", "--root", str(tmp_path))
    assert done.code == 2
    assert "task.json" in done.err
    assert (tmp_path / "dev/termination-log").read_text().startswith('{"outcome":"failed"')


def test_command_line_is_read_without_the_large_libraries() -> None:
    code = "import sys, skyvern_runner.cli; print({'selenium', 'openai', 'pykube', 'jsonschema_rs'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_no_key_fails_before_a_browser_is_started() -> None:
    done = run("run", *URL, *GOAL, "--json")
    assert done.code == 1
    assert done.result["reason"] == "ModelFailed"
    assert "OPENAI_API_KEY" in done.result["failure_reason"]
    assert done.result["steps"] == []
