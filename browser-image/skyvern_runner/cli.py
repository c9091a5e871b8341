"""The command line: `skyvern-runner pod` in a pod, `skyvern-runner run` anywhere else."""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from skyvern_crds.network.addresses import is_loopback_host, literal
from skyvern_crds.network.hosts import parse_host_rule
from skyvern_crds.network.web_access import WebAccess
from skyvern_crds.runner_contract import ENV_MODEL, ENV_MODEL_API_KEY, ENV_MODEL_BASE_URL, ExitCode
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_runner.agent.context import Context
from skyvern_runner.agent.finish import run_task
from skyvern_runner.agent.verdict import Verdict, command_exit_code
from skyvern_runner.errors import TaskError
from skyvern_runner.launch import BrowserSettings, Launcher
from skyvern_runner.limits import limit
from skyvern_runner.model.client import ChatModel, RetryPolicy
from skyvern_runner.network.gate import LOCALHOST
from skyvern_runner.report.artifacts import FolderStore, Uploader
from skyvern_runner.report.journal import Journal
from skyvern_runner.report.reporter import NullReporter
from skyvern_runner.report.terminal import TerminalView
from skyvern_runner.stop import StopFlag
from skyvern_runner.task.task import Task, check_url, model_settings, read_json

_EXIT_CODES = "exit codes: 0 completed, 1 failed, 2 wrong arguments, 3 terminated by the agent, 143 stopped"


def run(arguments: Sequence[str], started: float) -> int:
    """Run the command line and return its exit code. Without arguments it is the command ``pod``."""
    options = _parser().parse_args(arguments or ["pod"])
    try:
        if options.command == "pod":
            from skyvern_runner.pod import run_pod  # noqa: PLC0415  # the other command does not need it

            return run_pod(os.environ, options.root, started)
        return _run_here(options, started)
    except TaskError as error:
        print(f"skyvern-runner: {error}", file=sys.stderr)
        return ExitCode.USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="skyvern-runner", description="Runs one browser task: looks, asks a language model, acts, verifies."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    pod = commands.add_parser("pod", help="run the task of this pod (the default without arguments)")
    pod.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="read the pod's files below DIR (default: /)"
    )
    here = commands.add_parser(
        "run",
        help="run a task here, with a local Chromium",
        epilog=f"The model is set by {ENV_MODEL_API_KEY}, {ENV_MODEL_BASE_URL} and {ENV_MODEL}. {_EXIT_CODES}.",
    )
    _add_task(here)
    here.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    here.add_argument("--model", metavar="NAME", help=f"language model (default: {ENV_MODEL})")
    here.add_argument("--base-url", metavar="URL", help=f"its OpenAI-compatible server (default: {ENV_MODEL_BASE_URL})")
    here.add_argument(
        "--model-seconds",
        type=_seconds,
        default=RetryPolicy().deadline_seconds,
        metavar="N",
        help="give up when the model has not answered a question for N seconds (default: %(default)g)",
    )
    here.add_argument("--screenshots", type=Path, metavar="DIR", help="keep screenshots, prompts and replies in DIR")
    here.add_argument(
        "--allow-private-host",
        dest="private_hosts",
        action="append",
        default=[],
        type=_host,
        metavar="HOST",
        help="open this host although its address is not public, such as 10.0.0.0/8 or 127.0.0.1:8080; may be given "
        "several times. The host and port of --url are always open",
    )
    here.add_argument("--headful", action="store_true", help="show the browser's window")
    here.add_argument(
        "--no-sandbox",
        action="store_true",
        default=os.geteuid() == 0,
        help="turn Chrome's sandbox off (always off for root, since Chrome has none there)",
    )
    return parser


def _add_task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="page to start from")
    parser.add_argument("--goal", metavar="TEXT", help="what to do")
    parser.add_argument("--extract", metavar="TEXT", help="what to extract from the page once the goal is reached")
    parser.add_argument(
        "--schema", type=Path, metavar="FILE", help="JSON Schema of the extracted information, or an example of it"
    )
    parser.add_argument(
        "--payload",
        type=Path,
        metavar="FILE",
        help="JSON with facts for filling in forms; files it names may lie beside it",
    )
    parser.add_argument(
        "--max-steps",
        type=_count("max_steps"),
        default=Task.max_steps,
        metavar="N",
        help="step budget (default: %(default)s)",
    )
    parser.add_argument(
        "--max-retries",
        type=_count("max_retries_per_step"),
        default=Task.max_retries,
        metavar="N",
        help="retries of a failed step (default: %(default)s)",
    )


def _run_here(options: argparse.Namespace, started: float) -> int:
    task = _task(options)
    stop = StopFlag()
    stop.install()
    view = TerminalView(sys.stderr)
    journal = Journal()
    settings = model_settings(os.environ, name=options.model)
    if options.base_url:
        settings = settings.model_copy(update={"base_url": check_url(options.base_url, "--base-url")})
    policy = RetryPolicy().within(options.model_seconds)
    model = ChatModel(settings, stop, policy)
    browser = BrowserSettings(
        sandbox=not options.no_sandbox,
        headless=not options.headful,
        access=_access(task.url, options.private_hosts),
        upload_folders=(options.payload.parent,) if options.payload else (),
    )
    launcher = Launcher(browser, model.preload, stop.sleep)
    store = FolderStore(options.screenshots) if options.screenshots else None
    context = Context(
        model=model,
        connect=launcher.connect,
        journal=journal,
        reporter=NullReporter(),
        uploader=Uploader(store, view, journal.add_artifact),
        observer=view,
        stop=stop,
        today=datetime.now(UTC).date(),
        started=started,
    )
    try:
        verdict = run_task(task, context, lambda error: traceback.print_exception(error, file=sys.stderr))
    finally:
        launcher.close()
    if options.json:
        json.dump(result_document(task, verdict, journal), sys.stdout, ensure_ascii=False, indent=2)
        print()
    return command_exit_code(verdict)


def _task(options: argparse.Namespace) -> Task:
    if not options.goal and not options.extract and not options.schema:
        raise TaskError("there is nothing to do: give --goal (what to do), --extract (what to read), or both")
    return Task(
        url=check_url(options.url, "--url"),
        goal=options.goal,
        extraction_goal=options.extract,
        schema=read_json(options.schema, "--schema") if options.schema else None,
        payload=read_json(options.payload, "--payload") if options.payload else None,
        max_steps=options.max_steps,
        max_retries=options.max_retries,
    )


def result_document(task: Task, verdict: Verdict, journal: Journal) -> dict[str, Any]:
    """The finished run as JSON, with the Tasks API's names."""
    usage = journal.usage
    return {
        "url": task.url,
        "status": verdict.outcome.value,
        "reason": verdict.reason.value,
        "failure_reason": verdict.failure_reason,
        "extracted_information": journal.result,
        "errors": [error.model_dump(mode="json") for error in journal.errors],
        "step_count": journal.step_count,
        "input_token_count": usage.input_tokens,
        "output_token_count": usage.output_tokens,
        "current_url": journal.current_url or None,
        "steps": [step.as_json() for step in journal.steps],
    }


def _access(url: str, private_hosts: Sequence[str]) -> WebAccess:
    """Public hosts, those that the user names, and the start page's own address: whoever gives it means it."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]
    addresses = [str(each) for each in LOCALHOST] if is_loopback_host(host) and literal(host) is None else [host]
    own = [f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address in addresses]
    return WebAccess(allow_private_hosts=[*own, *private_hosts])


def _host(text: str) -> str:
    try:
        parse_host_rule(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _seconds(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _count(field: str) -> Callable[[str], int]:
    """Parses a number within the limits of a field of the task's spec."""
    least, most = limit(SkyvernTaskSpec, field, "ge"), limit(SkyvernTaskSpec, field, "le")

    def count(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be {least} to {most}")
        return value

    return count
