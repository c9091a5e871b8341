import json

import pytest

from skyvern_crds.runner_contract import MAX_TERMINATION_BYTES, ExitCode, parse_termination
from skyvern_crds.vocabulary import Phase, Reason
from skyvern_runner.agent import verdict as verdicts
from skyvern_runner.agent.verdict import Verdict
from skyvern_runner.errors import (
    BrowserLostError,
    BrowserStartError,
    ModelError,
    ModelErrorKind,
    PageErrorKind,
    PageLoadError,
    Stopped,
    TaskError,
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModelError(ModelErrorKind.NO_KEY, "no key"), Reason.MODEL_FAILED),
        (PageLoadError(PageErrorKind.HTTP, "HTTP 500", 500), Reason.PAGE_FAILED),
        (BrowserStartError("no browser"), Reason.BROWSER_FAILED),
        (BrowserLostError("gone"), Reason.BROWSER_FAILED),
        (TaskError("no file"), Reason.AGENT_FAILED),
        (Stopped(), Reason.CANCELED),
        (KeyError("secret text"), Reason.AGENT_FAILED),
    ],
)
def test_each_error_has_its_reason(error: BaseException, reason: Reason) -> None:
    assert verdicts.verdict_of(error).reason is reason


def test_unexpected_error_is_named_without_its_text() -> None:
    assert verdicts.verdict_of(KeyError("secret text")).failure_reason == "unexpected exception: KeyError"


@pytest.mark.parametrize(
    ("verdict", "phase", "in_pod", "on_command_line"),
    [
        (verdicts.COMPLETED, Phase.COMPLETED, ExitCode.VERDICT, ExitCode.VERDICT),
        (verdicts.terminated("gone"), Phase.TERMINATED, ExitCode.VERDICT, ExitCode.TERMINATED),
        (verdicts.max_steps_exceeded(5), Phase.FAILED, ExitCode.VERDICT, ExitCode.FAILED),
        (verdicts.max_retries_exceeded(3), Phase.FAILED, ExitCode.VERDICT, ExitCode.FAILED),
        (Verdict(Reason.MODEL_FAILED, "x"), Phase.FAILED, ExitCode.VERDICT, ExitCode.FAILED),
        (Verdict(Reason.PAGE_FAILED, "x"), Phase.FAILED, ExitCode.VERDICT, ExitCode.FAILED),
        (Verdict(Reason.BROWSER_FAILED, "x"), Phase.FAILED, ExitCode.VERDICT, ExitCode.FAILED),
        (verdicts.STOPPED, Phase.CANCELED, ExitCode.STOPPED, ExitCode.STOPPED),
    ],
    ids=lambda value: value.reason.value if isinstance(value, Verdict) else "",
)
def test_each_verdict_has_its_phase_and_exit_codes(
    verdict: Verdict, phase: Phase, in_pod: ExitCode, on_command_line: ExitCode
) -> None:
    assert verdict.outcome is phase
    assert verdicts.pod_exit_code(verdict) is in_pod
    assert verdicts.command_exit_code(verdict) is on_command_line


def test_limits_have_the_messages_that_clients_match() -> None:
    assert verdicts.max_steps_exceeded(5).failure_reason == "Max steps per task (5) exceeded"
    assert verdicts.max_retries_exceeded(3).failure_reason == "Max retries per step (3) exceeded"


def test_record_is_read_back_by_the_contract_and_stays_within_its_bytes() -> None:
    record = verdicts.terminated("ü" * 5000).record(7, "0" * 64)
    message = record.message()
    assert len(message.encode()) <= MAX_TERMINATION_BYTES
    read = parse_termination(message)
    assert read is not None
    assert (read.outcome, read.step_count) == (Phase.TERMINATED, 7)
    assert read.result_sha256 == "0" * 64
    assert json.loads(message)["reason"] == "Terminated"
