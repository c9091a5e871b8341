"""The runner as in its pod: a task document, a real API server for its reports, a real browser behind chromedriver."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from skyvern_crds.runner_contract import TerminationRecord, parse_termination, task_document
from skyvern_crds.vocabulary import Phase, Reason
from tests.cluster import ControlPlane
from tests.collector import Collector
from tests.model.app import MODEL
from tests.runner.command import environment
from tests.runner.conftest import ScriptedModel
from tests.runner.sink import Sink
from tests.site.applicant import applicant

pytestmark = [pytest.mark.contract, pytest.mark.browser]

CRD_FILE = Path(__file__).parents[2] / "crds" / "skyverntasks.skyvern.io.yaml"
SERVICE_ACCOUNT = "task"
DEADLINE_SECONDS = 90.0
MAX_RSS_MIB = 130
TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def namespace(control_plane: ControlPlane) -> str:
    name = "runner-tests"
    control_plane.run_kubectl("apply", "--server-side", "-f", str(CRD_FILE))
    control_plane.run_kubectl("wait", "--for=condition=Established", f"--filename={CRD_FILE}", "--timeout=30s")
    control_plane.run_kubectl("create", "namespace", name)
    control_plane.run_kubectl("create", "serviceaccount", SERVICE_ACCOUNT, "-n", name)
    rights = ["--verb=patch", "--resource=skyverntasks.skyvern.io/status"]
    control_plane.run_kubectl("create", "role", SERVICE_ACCOUNT, "-n", name, *rights)
    subject = f"--serviceaccount={name}:{SERVICE_ACCOUNT}"
    control_plane.run_kubectl(
        "create", "rolebinding", SERVICE_ACCOUNT, "-n", name, f"--role={SERVICE_ACCOUNT}", subject
    )
    return name


@pytest.fixture(scope="module")
def chromedriver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """chromedriver on a port of the loopback, as the browser container has it."""
    program = shutil.which("chromedriver")
    assert program, "chromedriver must be on PATH"
    log = tmp_path_factory.mktemp("chromedriver") / "log"
    with log.open("wb") as output, subprocess.Popen([program, "--port=0"], stdout=output, stderr=output) as process:
        sign = "started successfully on port "
        text = eventually(lambda: text if sign in (text := log.read_text()) else None, "chromedriver starts")
        url = f"http://127.0.0.1:{int(text.split(sign)[1].split('.')[0])}"
        yield url
        end_sessions(url)  # a runner leaves its browser to the pod's end, which here does not come
        process.terminate()


def eventually(look: Callable[[], Any], what: str) -> Any:
    """The first non-empty value. Fails if there is none in time."""
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        if value := look():
            return value
        time.sleep(0.05)
    pytest.fail(f"it did not happen that {what}")


@dataclass(frozen=True)
class Task:
    """A task's object, and the pod's files below a folder."""

    plane: ControlPlane
    namespace: str
    name: str
    root: Path
    settings: dict[str, str]

    @property
    def status(self) -> dict[str, Any]:
        got = self.plane.run_kubectl("get", "skt", self.name, "-n", self.namespace, "-o", "json").stdout
        status: dict[str, Any] = json.loads(got).get("status", {})
        return status

    @property
    def record(self) -> TerminationRecord:
        record = parse_termination((self.root / "dev/termination-log").read_text())
        assert record is not None
        return record

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[str]]:
        """The runner's process, killed at the end of the block."""
        arguments = [sys.executable, "-m", "skyvern_runner", "pod", "--root", str(self.root)]
        with subprocess.Popen(arguments, env=environment(self.settings), stderr=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()

    def record_pod(self, attempt: int = 1) -> None:
        """What the operator does once it has created a pod."""
        status = {"podName": f"{self.name}-{attempt}", "podUID": f"uid-{attempt}", "attempt": attempt}
        body = {"apiVersion": "skyvern.io/v1", "kind": "SkyvernTask", "metadata": {"name": self.name}, "status": status}
        place = ("-n", self.namespace, "--field-manager=skyvern-operator", "--subresource=status")
        self.plane.run_kubectl("apply", "--server-side", *place, "-f", "-", input=json.dumps(body))

    def run(self) -> tuple[int, str]:
        """Run to the end: exit code and log."""
        with self.running() as process:
            _, log = process.communicate(timeout=DEADLINE_SECONDS)
            return process.returncode, log


@pytest.fixture
def settings(control_plane: ControlPlane, chromedriver: str, scripted: ScriptedModel, sink: Sink) -> dict[str, str]:
    """The environment of the runner's container."""
    server = urlsplit(control_plane.url)
    return scripted.environment() | {
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
        "SKYVERN_WEBDRIVER_URL": chromedriver,
        "SKYVERN_CHROME_BINARY": str(shutil.which("chromium") or shutil.which("google-chrome")),
        "SKYVERN_CHROME_SANDBOX": "off" if os.geteuid() == 0 else "on",
        "SKYVERN_ARTIFACTS_URL": sink.url,
        "SKYVERN_WEB_ACCESS": '{"allowPrivateHosts": ["127.0.0.1"]}',
    }


@pytest.fixture
def make_task(
    control_plane: ControlPlane,
    namespace: str,
    settings: dict[str, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Callable[..., Task]:
    """Create a task's object and everything that its pod would find."""

    def made(url: str, model: str = MODEL, *, recorded: bool = True, **spec: Any) -> Task:
        name = request.node.name.replace("_", "-")[:50].rstrip("-")
        body = {
            "apiVersion": "skyvern.io/v1",
            "kind": "SkyvernTask",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"url": url} | spec,
        }
        created = control_plane.run_kubectl("create", "-f", "-", "-o", "json", input=json.dumps(body)).stdout
        document = task_document(json.loads(created), 1)
        account = "var/run/secrets/kubernetes.io/serviceaccount"
        files = {
            "etc/skyvern/task/task.json": document.model_dump_json(by_alias=True, exclude_none=True),
            f"{account}/token": control_plane.token_for(namespace, SERVICE_ACCOUNT),
            f"{account}/ca.crt": control_plane.pki.ca.read_text(),
            f"{account}/namespace": namespace,
            "var/run/secrets/skyvern/artifacts/token": "artifacts-token",
            "dev/termination-log": "",
        }
        for path, text in files.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        task = Task(control_plane, namespace, name, tmp_path, settings | {"SKYVERN_MODEL": model})
        if recorded:
            task.record_pod()
        return task

    return made


def test_task_is_done_and_reported(make_task: Callable[..., Task], site: str, sink: Sink) -> None:
    task = make_task(
        f"{site}/",
        navigationGoal="Apply for a job",
        dataExtractionGoal="the reference",
        navigationPayload=applicant(site),
        extractedInformationSchema={
            "type": "object",
            "properties": {"reference": {"type": "string"}, "salary": {"type": "string"}},
        },
    )
    code, log = task.run()
    assert code == 0, log
    assert task.record.outcome is Phase.COMPLETED
    status = task.status
    assert status["extractedInformation"]["reference"].startswith("JOB-")
    assert status["extractedInformation"]["salary"] is None
    assert len(status["steps"]) == status["stepCount"] == task.record.step_count >= 3
    assert all(step["inputTokenCount"] > 0 for step in status["steps"])
    assert status["steps"][-1]["isLast"] is True
    assert status["currentUrl"].endswith("/done")
    uploaded = {path.split(f"{task.name}/")[1].split("/", 1)[1] for _, path, _, _ in sink.seen}
    assert {"final.png", "steps.json", "steps/00-0/screenshot-1.jpg", "steps/00-0/prompt.json"} <= uploaded
    assert {artifact["name"] for artifact in status["artifacts"]} == uploaded
    assert {token for _, _, token, _ in sink.seen} == {"Bearer artifacts-token"}
    lines = [json.loads(line) for line in log.splitlines()]
    assert {line["task"] for line in lines} == {f"{task.namespace}/{task.name}"}
    assert lines[-1]["peak_rss_mib"] <= MAX_RSS_MIB
    for private in ("Bacon", "chris@example.com", "scripted-key", "artifacts-token"):
        assert private not in log


def test_trace_tells_of_each_step_and_of_no_value(make_task: Callable[..., Task], site: str) -> None:
    goal = "Apply for a job"
    task = make_task(f"{site}/?token=private", navigationGoal=goal, navigationPayload=applicant(site))
    with Collector() as collector:
        task.settings.update(traced_by(collector.url) | {"OTEL_EXPORTER_OTLP_HEADERS": "x-key=private"})
        code, log = task.run()
    assert code == 0, log
    names = {span.span_id: span.name for span in collector.spans}
    assert len(names) == len(collector.spans)
    assert {(span.service, span.trace_id) for span in collector.spans} == {("skyvern-runner", TRACE_ID)}
    parents = {(span.name, names.get(span.parent_id, span.parent_id)) for span in collector.spans}
    assert parents >= {
        ("agent", PARENT_ID), ("connect browser", "agent"), ("open page", "agent"), ("step", "agent"),
        ("look", "step"), (f"chat {MODEL}", "step"), ("input_text", "step"), ("click", "step"),
    }  # fmt: skip
    steps = [span for span in collector.spans if span.name == "step"]
    assert len(steps) == len(task.status["steps"])
    assert collector.headers[0]["x-key"] == "private"
    for private in ("private", "Bacon", "chris@example.com", "scripted-key", goal):
        assert private not in str(collector.spans)


def traced_by(url: str) -> dict[str, str]:
    """What the operator gives the runner of a task whose trace is recorded."""
    parent = f"00-{TRACE_ID}-{PARENT_ID}-01"
    return {"TRACEPARENT": parent, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{url}/v1/traces"}


def test_sigterm_stops_before_the_next_action_and_reports(
    make_task: Callable[..., Task], site: str, sink: Sink
) -> None:
    task = make_task(f"{site}/", f"{MODEL}:script=never-done", navigationGoal="Wait")
    with task.running() as process:
        eventually(lambda: task.status.get("stepCount", 0) >= 1, "a step is reported")
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert time.monotonic() - begin < 10
        assert process.returncode == 143
    record = task.record
    assert (record.outcome, record.reason) == (Phase.CANCELED, Reason.CANCELED)
    last = task.status["steps"][-1]
    assert (last["status"], last["isLast"]) == ("canceled", True)
    assert any(path.endswith("/steps.json") for _, path, _, _ in sink.seen)


def test_sigterm_ends_a_wait_for_the_model(make_task: Callable[..., Task], site: str, scripted: ScriptedModel) -> None:
    task = make_task(f"{site}/", f"{MODEL}:fault=hang/60", navigationGoal="Wait")
    with task.running() as process:
        eventually(lambda: scripted.requests, "the model is asked")
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
        assert time.monotonic() - begin < 10
        assert process.returncode == 143


def test_agent_acts_only_once_the_task_names_its_pod(
    make_task: Callable[..., Task], site: str, scripted: ScriptedModel
) -> None:
    task = make_task(f"{site}/", recorded=False, dataExtractionGoal="how many jobs are open")
    task.record_pod(attempt=2)
    with task.running() as process:
        eventually(lambda: task.status.get("lastHeartbeat"), "a first report arrives")
        assert "currentUrl" not in task.status
        assert scripted.requests == []
        task.record_pod()
        _, log = process.communicate(timeout=DEADLINE_SECONDS)
    assert task.record.outcome is Phase.COMPLETED, log
    assert "its attempt is 2, and this is 1" in log


def test_agent_whose_first_report_is_refused_does_nothing(
    make_task: Callable[..., Task], site: str, scripted: ScriptedModel
) -> None:
    task = make_task(f"{site}/", navigationGoal="Apply")
    task.plane.run_kubectl("delete", "skt", task.name, "-n", task.namespace)
    code, log = task.run()
    assert code == 0, log
    record = task.record
    assert (record.outcome, record.reason, record.step_count) == (Phase.FAILED, Reason.REPORT_REFUSED, 0)
    assert "the agent did not begin" in str(record.failure_reason)
    assert scripted.requests == []


def test_later_report_that_is_refused_does_not_change_the_verdict(
    make_task: Callable[..., Task], site: str, scripted: ScriptedModel
) -> None:
    task = make_task(f"{site}/", f"{MODEL}:script=never-done", navigationGoal="Wait", maxSteps=3)
    with task.running() as process:
        eventually(lambda: scripted.requests, "the model is asked")
        task.plane.run_kubectl("delete", "skt", task.name, "-n", task.namespace)
        _, log = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0, log
    assert task.record.reason is Reason.MAX_STEPS_REACHED
    assert "HTTP 404" in log


def test_page_that_cannot_be_opened_decides_the_verdict(make_task: Callable[..., Task]) -> None:
    url = "http://127.0.0.1:9/"
    task = make_task(url, navigationGoal="Apply")
    task.settings.update(traced_by("http://127.0.0.1:9"))  # a collector that is dead changes nothing
    code, _ = task.run()
    assert code == 0
    record = task.record
    assert (record.outcome, record.reason) == (Phase.FAILED, Reason.PAGE_FAILED)
    assert str(record.failure_reason).startswith(f"Failed to navigate to URL. URL:{url}, Error:")


def test_start_page_that_is_refused_decides_the_verdict(make_task: Callable[..., Task]) -> None:
    task = make_task("http://169.254.169.254/latest/meta-data/", navigationGoal="Read the credentials")
    code, _ = task.run()
    assert code == 0
    record = task.record
    assert (record.outcome, record.reason) == (Phase.FAILED, Reason.PAGE_FAILED)
    assert "was refused: the address of 169.254.169.254:80 is link-local" in str(record.failure_reason)


def test_missing_browser_decides_the_verdict(make_task: Callable[..., Task], site: str) -> None:
    task = make_task(f"{site}/", navigationGoal="Apply")
    task.settings["SKYVERN_CHROME_BINARY"] = "/no/such/browser"
    code, _ = task.run()
    assert code == 0
    assert (task.record.reason, task.record.step_count) == (Reason.BROWSER_FAILED, 0)


def test_lost_browser_is_replaced_and_the_model_learns_of_it(
    make_task: Callable[..., Task], site: str, chromedriver: str, scripted: ScriptedModel
) -> None:
    task = make_task(f"{site}/", f"{MODEL}:script=never-done", navigationGoal="Wait", maxSteps=4)
    with task.running() as process:
        eventually(lambda: scripted.requests, "the model is asked")
        end_sessions(chromedriver)
        _, log = process.communicate(timeout=DEADLINE_SECONDS)
    assert task.record.reason is Reason.MAX_STEPS_REACHED, log
    assert any("the browser crashed and was replaced" in json.dumps(body) for body in scripted.requests)
    assert "failed" in {step["status"] for step in task.status["steps"]}


def end_sessions(chromedriver: str) -> None:
    """End every browser of chromedriver."""
    with urllib.request.urlopen(f"{chromedriver}/sessions", timeout=10) as answer:
        sessions = [session["id"] for session in json.load(answer)["value"]]
    for session in sessions:
        delete = urllib.request.Request(f"{chromedriver}/session/{session}", method="DELETE")
        with urllib.request.urlopen(delete, timeout=10):
            pass
