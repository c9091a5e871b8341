"""What a run tells to a collector, without one: its spans, from events and calls."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from skyvern_crds.runner_contract import ModelSettings
from skyvern_crds.status import StepStatus
from skyvern_crds.tracing.span import Span, SpanKind
from skyvern_crds.tracing.trace import TaskTrace
from skyvern_crds.vocabulary import Phase, Reason
from skyvern_runner.actions.fields.input_text import InputText
from skyvern_runner.errors import BrowserStartError, ModelError
from skyvern_runner.model.ask import Exchange, Usage
from skyvern_runner.model.client import ChatModel
from skyvern_runner.model.reply_format import ReplyFormat
from skyvern_runner.report.events import ActionDone, Ended, PageOpened, StepStarted, Warned
from skyvern_runner.report.journal import Journal
from skyvern_runner.report.records import ActionRecord
from skyvern_runner.stop import StopFlag
from skyvern_runner.task.task import Identity
from skyvern_runner.trace.run_trace import RunTrace
from skyvern_runner.trace.start import tracing_of
from skyvern_runner.trace.traced_model import TracedModel
from tests.runner.answers import answering
from tests.runner.conftest import Remembering, ScriptedModel

PARENT = "00f067aa0ba902b7"
TRACE = TaskTrace("uid", "4bf92f3577b34da6a3ce929d0e0e4736", PARENT, sampled=True)
IDENTITY = Identity("apply", "jobs", "uid", 1)
TRACEPARENT = {"TRACEPARENT": f"00-{TRACE.trace_id}-{PARENT}-01"}
ENDPOINT = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces"}
FORM = ReplyFormat("next_actions", {"type": "object"}, strict=False)


class Kept:
    """Spans that are kept."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def add(self, *spans: Span) -> None:
        self.spans += spans

    def named(self, name: str) -> Span:
        (span,) = (span for span in self.spans if span.name == name)
        return span


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def trace(kept: Kept, journal: Journal, observer: Remembering) -> RunTrace:
    return RunTrace(TRACE, 1, journal=journal, spans=kept, observer=observer, started=0)


def ended(outcome: Phase, reason: Reason) -> Ended:
    return Ended(outcome, reason, "https://private.example?secret", 1, Usage(7, 3, 2), 9.0)


def parents(spans: Sequence[Span]) -> dict[str, str | None]:
    names = {span.span_id: span.name for span in spans}
    return {span.name: names.get(span.parent_id or "", span.parent_id) for span in spans}


def test_steps_hold_what_was_done_in_them(trace: RunTrace, kept: Kept, journal: Journal, observer: Remembering) -> None:
    events = [PageOpened("https://jobs.example.com/apply?token=secret#top", 2.0, 0.5)]
    trace.notify(events[0])
    step = journal.begin(0, 0)
    step.url = "https://me:secret@jobs.example.com/form?session=secret"
    step.exchanges.append(Exchange("next_actions", (), "secret", Usage(100, 10), 1.0))
    trace.notify(StepStarted(0, 0, step.url, 12, 0.25))
    action = InputText.model_validate({"type": "input_text", "id": "3", "text": "secret", "reason": "secret"})
    done = datetime.now(UTC) - timedelta(seconds=3)
    record = ActionRecord(action, ok=False, message="secret", seconds=2.0, ended_at=done)
    step.actions.append(record)
    trace.notify(ActionDone('textbox "secret"', record))
    journal.end(step, StepStatus.FAILED)
    trace.notify(ended(Phase.FAILED, Reason.AGENT_FAILED))

    assert parents(kept.spans) == {
        "open page": "agent", "step": "agent", "look": "step", "input_text": "step", "agent": PARENT,
    }  # fmt: skip
    assert {span.trace_id for span in kept.spans} == {TRACE.trace_id}
    assert kept.named("open page").attributes == {"url.full": "https://jobs.example.com/apply"}
    assert (kept.named("input_text").end, kept.named("input_text").start) == (done, done - timedelta(seconds=2))
    assert kept.named("input_text").error == "action_failed"
    assert kept.named("step").error == "step_failed"
    assert kept.named("step").attributes["url.full"] == "https://jobs.example.com/form"
    assert kept.named("step").attributes["gen_ai.usage.input_tokens"] == 100
    assert kept.named("agent").error == "AgentFailed"
    assert kept.named("agent").attributes["gen_ai.usage.output_tokens"] == 3
    assert "secret" not in str(kept.spans)
    assert [type(event) for event in observer.events] == [PageOpened, StepStarted, ActionDone, Ended]


def test_each_step_is_told_once_and_events_of_other_threads_tell_none(
    trace: RunTrace, kept: Kept, journal: Journal
) -> None:
    for order in range(3):
        step = journal.begin(order, 0)
        trace.notify(StepStarted(order, 0, "", 1, 0.1))
        trace.notify(Warned("report", "refused"))
        journal.end(step, StepStatus.COMPLETED)
    trace.notify(ended(Phase.COMPLETED, Reason.COMPLETED))
    steps = [span.attributes["skyvern.step.order"] for span in kept.spans if span.name == "step"]
    assert steps == [0, 1, 2]
    assert len({span.span_id for span in kept.spans}) == len(kept.spans) == 7
    assert kept.named("agent").error is None


def test_browser_that_does_not_start_is_told(trace: RunTrace, kept: Kept) -> None:
    def fails() -> None:
        raise BrowserStartError("no browser at secret")

    with pytest.raises(BrowserStartError):
        trace.connecting(fails)()
    assert trace.connecting(lambda: "page")() == "page"
    assert [(span.name, span.error) for span in kept.spans] == [
        ("connect browser", "BrowserStartError"), ("connect browser", None),
    ]  # fmt: skip


def test_question_to_the_model_is_told_with_its_tokens(trace: RunTrace, kept: Kept) -> None:
    with answering(next_actions=[{"thought": "secret"}]) as answers:
        settings = ModelSettings(api_key="secret", base_url=f"{answers.url}/v1", model="planned")
        model = TracedModel(ChatModel(settings, StopFlag()), settings, trace)
        model.check()
        model.complete([{"role": "user", "content": "secret"}], FORM)
    (span,) = kept.spans
    assert (span.name, span.kind, span.error) == ("chat planned", SpanKind.CLIENT, None)
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "planned",
        "server.address": "127.0.0.1",
        "skyvern.question": "next_actions",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 0,
    }


def test_question_that_fails_is_told_with_its_kind(trace: RunTrace, kept: Kept, scripted: ScriptedModel) -> None:
    settings = ModelSettings(api_key="wrong-secret", base_url=scripted.base_url, model="planned")
    model = TracedModel(ChatModel(settings, StopFlag()), settings, trace)
    with pytest.raises(ModelError):
        model.complete([{"role": "user", "content": "go"}], FORM)
    assert kept.named("chat planned").error == "wrong_key"
    assert "secret" not in str(kept.spans)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        ENDPOINT,
        TRACEPARENT,
        ENDPOINT | {"TRACEPARENT": "garbage"},
        ENDPOINT | {"TRACEPARENT": TRACEPARENT["TRACEPARENT"][:-2] + "00"},
    ],
)
def test_run_is_traced_only_where_the_operator_says_so(environment: dict[str, str], observer: Remembering) -> None:
    assert tracing_of(environment, IDENTITY, observer) is None
    assert observer.events == []
    assert tracing_of(ENDPOINT | TRACEPARENT, IDENTITY, observer) is not None


def test_wrong_setting_is_a_warning_and_nothing_else(observer: Remembering) -> None:
    wrong = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "nowhere"}
    assert tracing_of(wrong | TRACEPARENT, IDENTITY, observer) is None
    (warning,) = observer.events
    assert isinstance(warning, Warned)
    assert warning.message.startswith("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is 'nowhere'")
