"""A run in a pod: reads the task document, reports status and artifacts, and ends with the termination record."""

import traceback
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from skyvern_crds.runner_contract import (
    ARTIFACTS_TOKEN_FILE,
    CHROME_BINARY,
    ENV_ARTIFACTS_URL,
    ENV_CHROME_BINARY,
    ENV_CHROME_SANDBOX,
    ENV_TASK_FILE,
    ENV_WEBDRIVER_URL,
    PAYLOAD_FILE,
    SECRETS_DIR,
    SERVICE_ACCOUNT_DIR,
    TASK_FILE,
    TERMINATION_LOG,
    WEBDRIVER_URL,
    ExitCode,
    ModelSettings,
)
from skyvern_crds.vocabulary import Reason
from skyvern_runner.agent.context import Context
from skyvern_runner.agent.finish import run_task
from skyvern_runner.agent.page import Page
from skyvern_runner.agent.verdict import Verdict, pod_exit_code
from skyvern_runner.errors import TaskError
from skyvern_runner.launch import BrowserSettings, Launcher
from skyvern_runner.model.client import ChatModel
from skyvern_runner.report.artifacts import GatewayStore, Uploader
from skyvern_runner.report.journal import Journal
from skyvern_runner.report.json_log import JsonLog
from skyvern_runner.report.reporter import ClusterReporter
from skyvern_runner.report.status_writer import PykubeWriter, in_cluster
from skyvern_runner.stop import StopFlag
from skyvern_runner.task.task import Identity, Task, model_settings, read_document, task_of, web_access
from skyvern_runner.trace.start import CLOSE_SECONDS, Tracing, tracing_of
from skyvern_runner.trace.traced_model import TracedModel

_OFF: Final = "off"


class Pod:
    """The pod's environment and files. ``root`` is the folder below which the files are, for trying things out."""

    def __init__(self, environment: Mapping[str, str], root: Path, started: float) -> None:
        self._environment = environment
        self._root = root
        self.started = started

    def path(self, contract: str) -> Path:
        """Where a file of the runner contract is."""
        return self._root / contract.lstrip("/")

    @property
    def task_file(self) -> Path:
        """The task document."""
        return self.path(self._environment.get(ENV_TASK_FILE) or TASK_FILE)

    @property
    def artifacts_url(self) -> str | None:
        """Base URL of the artifacts gateway; None when uploads are off."""
        return self._environment.get(ENV_ARTIFACTS_URL) or None

    def browser(self, task: Task) -> BrowserSettings:
        """How to reach the browser container."""
        return BrowserSettings(
            webdriver_url=self._environment.get(ENV_WEBDRIVER_URL) or WEBDRIVER_URL,
            chrome_binary=self._environment.get(ENV_CHROME_BINARY) or CHROME_BINARY,
            sandbox=self._environment.get(ENV_CHROME_SANDBOX) != _OFF,
            headers=task.headers,
            access=web_access(self._environment),
            hosts=task.allowed_hosts,
        )

    def model(self, task: Task) -> ModelSettings:
        """The language model's settings."""
        return model_settings(self._environment, name=task.model_name)


def run_pod(environment: Mapping[str, str], root: Path, started: float) -> ExitCode:
    """Run the pod's task. The exit code is VERDICT only once a verdict is written."""
    stop = StopFlag()
    stop.install()
    pod = Pod(environment, root, started)
    try:
        document = read_document(pod.task_file)
        log = JsonLog(f"{document.namespace}/{document.name}")
        task = task_of(document, payload_file=pod.path(PAYLOAD_FILE), secrets_dir=pod.path(SECRETS_DIR))
    except TaskError as error:
        JsonLog("unknown").write("error", "task", error=str(error))
        _terminate(pod, Verdict(Reason.AGENT_FAILED, str(error)), Journal())
        return ExitCode.USAGE
    identity = Identity(document.name, document.namespace, document.uid, document.attempt)
    context = _context(pod, identity, task, log, stop)
    tracing = tracing_of(environment, identity, log)
    if tracing is not None:
        context = _traced(context, pod.model(task), tracing)

    def unexpected(error: BaseException) -> None:
        where = "".join(traceback.format_tb(error.__traceback__)[-6:])
        log.write("error", "unexpected", error=type(error).__name__, where=task.secrets.mask(where))

    verdict = run_task(task, context, unexpected)
    log.write("info", "exit", peak_rss_mib=_peak_rss_mib())
    _terminate(pod, verdict, context.journal)
    if tracing is not None:
        tracing.spans.close(CLOSE_SECONDS)
    return pod_exit_code(verdict)


def _context(pod: Pod, identity: Identity, task: Task, log: JsonLog, stop: StopFlag) -> Context:
    journal = Journal()
    writer = PykubeWriter(identity, in_cluster(str(pod.path(SERVICE_ACCOUNT_DIR))))
    store = None
    if pod.artifacts_url:
        store = GatewayStore(pod.artifacts_url, identity, pod.path(ARTIFACTS_TOKEN_FILE))
    model = ChatModel(pod.model(task), stop)
    return Context(
        model=model,
        connect=Launcher(pod.browser(task), model.preload, stop.sleep).connect,
        journal=journal,
        reporter=ClusterReporter(writer, log),
        uploader=Uploader(store, log, journal.add_artifact),
        observer=log,
        stop=stop,
        today=datetime.now(UTC).date(),
        started=pod.started,
    )


def _traced(context: Context, model: ModelSettings, tracing: Tracing) -> Context:
    """The same context, whose parts tell spans."""
    trace = tracing.of_run(context.journal, context.observer, context.started)
    connect = trace.connecting(context.connect)

    def connect_and_load() -> Page:
        page = connect()
        tracing.spans.start()  # earlier it would compete with Chromium's start for the processor
        return page

    return replace(context, model=TracedModel(context.model, model, trace), connect=connect_and_load, observer=trace)


def _terminate(pod: Pod, verdict: Verdict, journal: Journal) -> None:
    """Write the termination message, after which nothing of the run can change."""
    record = verdict.record(journal.step_count, journal.result_sha256)
    pod.path(TERMINATION_LOG).write_text(record.message(), encoding="utf-8")


def _peak_rss_mib() -> int:
    """Peak resident memory in MiB, 0 where /proc does not say.

    getrusage's ru_maxrss will not do: on Linux a process inherits it from its parent.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:")), 0)
