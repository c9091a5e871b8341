"""The trace of a task: whose it is, whether it is recorded, and the ids of its spans."""

import uuid

import pytest

from skyvern_crds.tracing.trace import Sampler, TraceParent, parse_traceparent, task_trace

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UID = "0b6dbf2c-7c2f-4d57-9a83-0f6fd0d9b9a1"


def test_traceparent_is_read_and_written() -> None:
    caller = TraceParent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True)
    assert parse_traceparent(CALLER) == caller
    assert str(caller) == CALLER
    unsampled = parse_traceparent(f"{CALLER[:-2]}02")
    assert unsampled is not None
    assert str(unsampled) == f"{CALLER[:-2]}00"


def test_version_to_come_is_read_as_far_as_it_is_known() -> None:
    assert parse_traceparent(f"cc{CALLER[2:]}-what-the-future-brings") == parse_traceparent(CALLER)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "garbage",
        CALLER.upper(),
        f"{CALLER}-more",
        f"ff{CALLER[2:]}",
        CALLER.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        CALLER.replace("00f067aa0ba902b7", "0" * 16),
        CALLER[:-1],
        f"cc{CALLER[2:]}-{'x' * 300}",
        CALLER.replace("4bf9", "٤bf9"),
    ],
)
def test_garbage_is_ignored(text: str | None) -> None:
    assert parse_traceparent(text) is None


def test_trace_of_a_task_without_caller_is_its_uid() -> None:
    trace = task_trace(UID, None, Sampler())
    assert (trace.trace_id, trace.caller_id, trace.sampled) == ("0b6dbf2c7c2f4d579a830f6fd0d9b9a1", None, True)
    assert len(task_trace("not-a-uuid", "garbage", Sampler()).trace_id) == 32


def test_trace_of_a_caller_is_continued() -> None:
    trace = task_trace(UID, CALLER, Sampler())
    assert (trace.trace_id, trace.caller_id) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


def test_ids_of_spans_are_the_same_each_time_and_differ_between_tasks_and_spans() -> None:
    trace, other = task_trace(UID, CALLER, Sampler()), task_trace(str(uuid.uuid4()), CALLER, Sampler())
    assert trace.span_id("attempt", 1) == task_trace(UID, CALLER, Sampler(0.5)).span_id("attempt", 1)
    assert len({trace.span_id("attempt", 1), trace.span_id("attempt", 2), other.span_id("attempt", 1)}) == 3
    assert parse_traceparent(str(trace.parent("run"))) == trace.parent("run")


def test_share_of_the_traces_is_recorded() -> None:
    uids = [
        str(uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128, version=4)) for number in range(2000)
    ]
    for ratio in (0.0, 0.1, 0.5, 1.0):
        taken = sum(task_trace(uid, None, Sampler(ratio)).sampled for uid in uids)
        assert abs(taken / len(uids) - ratio) < 0.05


def test_caller_decides_unless_the_share_alone_counts() -> None:
    refused = f"{CALLER[:-2]}00"
    assert not task_trace(UID, refused, Sampler(1.0)).sampled
    assert task_trace(UID, CALLER, Sampler(0.0)).sampled
    assert task_trace(UID, refused, Sampler(1.0, heeds_caller=False)).sampled
    assert not task_trace(UID, CALLER, Sampler(0.0, heeds_caller=False)).sampled
