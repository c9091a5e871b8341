"""How a run ended: the verdict, and its reason and exit code."""

from dataclasses import dataclass

from skyvern_crds.runner_contract import MAX_TERMINATION_REASON, ExitCode, TerminationRecord
from skyvern_crds.vocabulary import PHASE_OF_REASON, Phase, Reason
from skyvern_runner.errors import BrowserError, FirstReportError, ModelError, PageLoadError, RunnerError, Stopped
from skyvern_runner.text import well_formed


@dataclass(frozen=True)
class Verdict:
    """The end of a run."""

    reason: Reason
    """A reason of the condition Succeeded."""
    failure_reason: str | None = None
    """For people; None if the task was completed."""

    @property
    def outcome(self) -> Phase:
        """The task's phase."""
        return PHASE_OF_REASON[self.reason]

    def record(self, step_count: int, result_sha256: str | None) -> TerminationRecord:
        """The verdict as the termination message."""
        return TerminationRecord(
            outcome=self.outcome,
            reason=self.reason,
            failure_reason=self.failure_reason and well_formed(self.failure_reason)[:MAX_TERMINATION_REASON],
            step_count=step_count,
            result_sha256=result_sha256,
        )


COMPLETED = Verdict(Reason.COMPLETED)
STOPPED = Verdict(Reason.CANCELED, "stopped on request")


def max_steps_exceeded(limit: int) -> Verdict:
    """The step budget is used up."""
    return Verdict(Reason.MAX_STEPS_REACHED, f"Max steps per task ({limit}) exceeded")


def max_retries_exceeded(limit: int) -> Verdict:
    """A step failed, and so did all its retries."""
    return Verdict(Reason.AGENT_FAILED, f"Max retries per step ({limit}) exceeded")


def terminated(reason: str) -> Verdict:
    """The agent judged that the goal cannot be reached."""
    return Verdict(Reason.TERMINATED, reason)


def verdict_of(error: BaseException) -> Verdict:
    """The verdict for an error that ended the run."""
    match error:
        case Stopped():
            return STOPPED
        case ModelError():
            return Verdict(Reason.MODEL_FAILED, str(error))
        case PageLoadError():
            return Verdict(Reason.PAGE_FAILED, str(error))
        case FirstReportError():
            return Verdict(Reason.REPORT_REFUSED, str(error))
        case BrowserError():
            return Verdict(Reason.BROWSER_FAILED, str(error))
        case RunnerError():
            return Verdict(Reason.AGENT_FAILED, str(error))
        case _:
            return Verdict(Reason.AGENT_FAILED, f"unexpected exception: {type(error).__name__}")


def pod_exit_code(verdict: Verdict) -> ExitCode:
    """Exit code in the pod, once the record is written."""
    return ExitCode.STOPPED if verdict.reason is Reason.CANCELED else ExitCode.VERDICT


def command_exit_code(verdict: Verdict) -> ExitCode:
    """Exit code on the command line."""
    match verdict.outcome:
        case Phase.COMPLETED:
            return ExitCode.VERDICT
        case Phase.TERMINATED:
            return ExitCode.TERMINATED
        case Phase.CANCELED:
            return ExitCode.STOPPED
        case _:
            return ExitCode.FAILED
