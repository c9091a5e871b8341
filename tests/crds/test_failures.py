"""The table of endings: complete, and rendered as it stands."""

from pathlib import Path

import pytest

from skyvern_crds.__main__ import main
from skyvern_crds.failures import ENDINGS, render
from skyvern_crds.vocabulary import PHASE_OF_REASON, Reason

FAILURES_FILE = Path(__file__).parents[2] / "crds" / "FAILURES.md"


def test_every_terminal_reason_has_its_ending_and_no_other() -> None:
    assert set(ENDINGS) == {reason for reason, phase in PHASE_OF_REASON.items() if phase.terminal}


@pytest.mark.parametrize("reason", ENDINGS)
def test_ending_says_when_and_what_to_do(reason: Reason) -> None:
    ending = ENDINGS[reason]
    assert ending.when[0].islower()
    assert not ending.when.endswith(".")
    assert ending.remedy[0].isupper()
    assert ending.remedy.endswith(".")


def test_page_lists_every_reason_under_its_phase() -> None:
    phase = ""
    rows = {}
    for line in render().splitlines():
        if line.startswith("## "):
            phase = line[3:]
        elif line.startswith("| `"):
            rows[line.split("`")[1]] = phase
    assert rows == {str(reason): str(PHASE_OF_REASON[reason]) for reason in ENDINGS}


def test_committed_page_is_what_the_table_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--check", str(FAILURES_FILE)]) == 0, capsys.readouterr().err
