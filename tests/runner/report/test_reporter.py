"""Reports over HTTP to a server that answers as planned; test_pod uses the real API server."""

import json
import time

import pykube
import pytest

from skyvern_crds.status import RunnerStatus
from skyvern_runner.errors import FirstReportError, Stopped
from skyvern_runner.report.events import Warned
from skyvern_runner.report.reporter import ClusterReporter
from skyvern_runner.report.status_writer import PykubeWriter
from skyvern_runner.stop import StopFlag
from skyvern_runner.task.task import Identity
from tests.runner.conftest import Remembering
from tests.runner.sink import Sink

pytestmark = pytest.mark.socket

IDENTITY = Identity("apply", "jobs", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", 1)


def writer(sink: Sink, *tokens: str) -> PykubeWriter:
    left = iter(tokens)

    def connect() -> pykube.HTTPClient:
        document = {
            "clusters": [{"name": "c", "cluster": {"server": sink.url}}],
            "users": [{"name": "u", "user": {"token": next(left, "token")}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        return pykube.HTTPClient(pykube.KubeConfig(document))

    return PykubeWriter(IDENTITY, connect)


def status(steps: int) -> RunnerStatus:
    return RunnerStatus(step_count=steps)


def counts(sink: Sink) -> list[int]:
    return [body["status"]["stepCount"] for body in sink.bodies()]


def test_report_is_one_apply_to_the_status_of_this_very_object(sink: Sink, observer: Remembering) -> None:
    reporter = ClusterReporter(writer(sink), observer)
    reporter.publish(status(1))
    assert reporter.close(5)
    method, path, token, body = sink.seen[0]
    assert method == "PATCH"
    assert (
        path == "/apis/skyvern.io/v1/namespaces/jobs/skyverntasks/apply/status?fieldManager=skyvern-runner&force=true"
    )
    assert token == "Bearer token"
    assert json.loads(body)["metadata"]["uid"] == IDENTITY.uid
    assert counts(sink) == [1]


def test_reports_within_the_interval_become_one_and_the_latest_wins(sink: Sink, observer: Remembering) -> None:
    reporter = ClusterReporter(writer(sink), observer, interval=0.3)
    reporter.publish(status(0))
    sink.wait_for(1)
    begin = time.monotonic()
    for number in range(1, 50):
        reporter.publish(status(number))
    sink.wait_for(2)
    assert time.monotonic() - begin >= 0.2
    assert reporter.close(5)
    assert counts(sink) == [0, 49]


def test_end_of_a_step_does_not_wait_for_the_interval(sink: Sink, observer: Remembering) -> None:
    reporter = ClusterReporter(writer(sink), observer, interval=60)
    reporter.publish(status(0))
    sink.wait_for(1)
    reporter.publish(status(1), urgent=True)
    sink.wait_for(2)
    assert reporter.close(5)


def test_closing_delivers_what_is_pending(sink: Sink, observer: Remembering) -> None:
    reporter = ClusterReporter(writer(sink), observer, interval=60)
    reporter.publish(status(0))
    sink.wait_for(1)
    reporter.publish(status(1))
    assert reporter.close(5)
    assert counts(sink) == [0, 1]


@pytest.mark.parametrize("code", [403, 409, 429, 500, 503])
def test_passing_refusal_is_tried_again_and_a_newer_report_takes_its_place(
    sink: Sink, observer: Remembering, code: int
) -> None:
    sink.plan.extend([code, code])
    reporter = ClusterReporter(writer(sink), observer, interval=0.1)
    reporter.publish(status(1))
    sink.wait_for(3)
    assert reporter.close(5)
    assert counts(sink) == [1, 1, 1]
    assert len([event for event in observer.events if isinstance(event, Warned)]) == 1


def test_final_refusal_is_not_tried_again(sink: Sink, observer: Remembering) -> None:
    sink.plan.append(422)
    reporter = ClusterReporter(writer(sink), observer, interval=0.05)
    reporter.publish(status(1))
    sink.wait_for(1)
    assert reporter.close(5)
    assert counts(sink) == [1]
    assert "as planned" in str(observer.events[0])


def test_refused_token_is_read_again(sink: Sink, observer: Remembering) -> None:
    sink.plan.append(401)
    reporter = ClusterReporter(writer(sink, "old", "new"), observer)
    reporter.publish(status(1))
    assert reporter.close(5)
    assert [token for _, _, token, _ in sink.seen] == ["Bearer old", "Bearer new"]


def test_unreachable_server_does_not_hold_up_the_end(sink: Sink, observer: Remembering) -> None:
    sink.hold.clear()
    reporter = ClusterReporter(writer(sink), observer)
    reporter.publish(status(1))
    sink.wait_for(1)
    begin = time.monotonic()
    assert not reporter.close(0.3)
    assert time.monotonic() - begin < 2


def test_agent_begins_once_a_report_is_accepted(sink: Sink, observer: Remembering) -> None:
    sink.plan.extend([403, 500, 403])
    reporter = ClusterReporter(writer(sink), observer)
    reporter.publish(status(0))
    reporter.confirm(StopFlag())
    assert len(sink.seen) == 4


def test_agent_begins_once_the_task_names_its_pod(sink: Sink, observer: Remembering) -> None:
    named, sink.status = sink.status, {}
    reporter = ClusterReporter(writer(sink), observer)
    reporter.publish(status(0))
    sink.wait_for(2)
    sink.status = named
    reporter.confirm(StopFlag())
    sink.status = {"phase": "completed"}
    reporter.publish(status(1), urgent=True)
    assert reporter.close(5)
    assert [event for event in observer.events if isinstance(event, Warned)][1:] == []


@pytest.mark.parametrize(("code", "within"), [(403, 0.3), (404, 60)])
def test_agent_that_is_refused_does_not_begin_and_says_no_more(
    sink: Sink, observer: Remembering, code: int, within: float
) -> None:
    sink.plan.extend([code] * 100)
    reporter = ClusterReporter(writer(sink), observer, first_report=within)
    reporter.publish(status(0))
    with pytest.raises(FirstReportError, match=f"did not begin: .*HTTP {code}.*as planned"):
        reporter.confirm(StopFlag())
    reporter.publish(status(1), urgent=True)
    assert not reporter.close(1)
    assert set(counts(sink)) == {0}


def test_agent_that_is_stopped_waits_no_longer(sink: Sink, observer: Remembering) -> None:
    sink.status = {}
    reporter = ClusterReporter(writer(sink), observer)
    reporter.publish(status(0))
    stop = StopFlag()
    stop.request()
    with pytest.raises(Stopped):
        reporter.confirm(stop)


def test_silent_run_sends_a_heartbeat(sink: Sink, observer: Remembering) -> None:
    reporter = ClusterReporter(writer(sink), observer, interval=0.02, heartbeat=0.1)
    reporter.publish(status(1))
    sink.wait_for(3)
    reporter.close(5)
    beats = [body["status"]["lastHeartbeat"] for body in sink.bodies()[1:]]
    assert len(set(beats)) == len(beats)
