"""Writes the tables of the operator's settings and metrics in its README, as the sources have them.

`python -m tests.operator.settings_docs` writes, with --check it only checks whether the README is up to date.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_json

from skyvern_operator.__main__ import parser
from skyvern_operator.config import OperatorConfig
from skyvern_operator.process.metrics import Metrics, State
from skyvern_operator.process.watch_metrics import WatchState

README: Final = Path(__file__).parents[2] / "operator" / "README.md"
BEGIN, END = "<!-- settings: begin (generated) -->", "<!-- settings: end -->"
METRICS_BEGIN, METRICS_END = "<!-- metrics: begin (generated) -->", "<!-- metrics: end -->"
BY_THE_CHART: Final = "set by the chart"
CHART_VALUES: Final = {
    "images.browser": "images.browser",
    "images.runner": "images.runner",
    "imagePullPolicies.browser": "images.browser.pullPolicy",
    "imagePullPolicies.runner": "images.runner.pullPolicy",
    "imagePullSecrets": "imagePullSecrets",
    "serviceAccountName": "tasks.serviceAccount",
    "modelSecretName": "model.existingSecret",
    "artifactsUrl": BY_THE_CHART,
    "publicUrl": "apiserver.publicUrl",
    "facadeUrl": BY_THE_CHART,
    "artifactLinkTtlSeconds": "artifacts.linkTtlSeconds",
    "signingKeyFile": BY_THE_CHART,
    "webhook.signature": "webhook.signature",
    "webhook.allowedNetworks": "webhook.allowedNetworks",
    "limits.maxActive": "tasks.limits.maxActive",
    "limits.maxActivePerNamespace": "tasks.limits.maxActivePerNamespace",
    "limits.shares": "tasks.limits.shares",
    "limits.maxEndedPerNamespace": "tasks.limits.maxEndedPerNamespace",
    "endedPodSeconds": "tasks.endedPodSeconds",
    "defaultTtlSeconds": "tasks.defaultTtlSeconds",
    "resources": "tasks.resources",
    "webAccess.allow": "tasks.webAccess.allow",
    "webAccess.deny": "tasks.webAccess.deny",
    "webAccess.allowPrivateHosts": "tasks.webAccess.allowPrivateHosts",
    "leaderElection.enabled": BY_THE_CHART,
    "leaderElection.leaseName": BY_THE_CHART,
    "tracing.headersFrom": "tracing.headersFrom",
    "sandbox.seccompProfile": "tasks.sandbox.seccompProfile",
}
"""Settings that the chart writes, each with its value. All others are given below ``operator.config``."""


def settings(model: type[BaseModel] = OperatorConfig, path: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """(path, field) of every setting; ``<name>`` stands for a profile's name."""
    for name, field in model.model_fields.items():
        here = f"{path}{field.alias or name}"
        annotation, named = field.annotation, get_origin(field.annotation) is dict
        inner = get_args(annotation)[1] if named else annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from settings(inner, f"{here}.<name>." if named else f"{here}.")
        else:
            yield here, field


def default_of(path: str, field: FieldInfo) -> str:
    """The default as YAML in one line; taken from the whole configuration, whose parts may override their own."""
    value: Any = OperatorConfig(images={"browser": "b", "runner": "r"})
    if field.is_required():
        return "required"
    if "<name>" in path:
        value = field.get_default(call_default_factory=True)
    else:
        for part in path.split("."):
            value = getattr(value, re.sub(r"([A-Z])", r"_\1", part).lower())
    assert value is not PydanticUndefined, path
    return f"`{to_json(value, by_alias=True).decode()}`".replace('"', "")


def chart_value(path: str) -> str:
    """The value of the chart that gives a setting."""
    for setting, value in CHART_VALUES.items():
        if path == setting or path.startswith(f"{setting}."):
            return value if value == BY_THE_CHART else f"`{value}{path.removeprefix(setting)}`"
    return f"`operator.config.{path}`"


def tables() -> str:
    """Both tables."""
    lines = ["| flag | environment | default | meaning |", "| --- | --- | --- | --- |"]
    for action in parser({})._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._HelpAction):
            continue
        text, _, variable = (action.help or "").partition(" (")
        default = "" if action.default is None or action.dest == "release_namespace" else f"`{action.default}`"
        environment = f"`{variable.rstrip(')')}`" if variable else ""
        lines.append(f"| `{action.option_strings[0]}` | {environment} | {default.replace('``', '')} | {text} |")
    lines += ["", "| setting | value of the chart | default | meaning |", "| --- | --- | --- | --- |"]
    for path, field in settings():
        meaning = " ".join((field.description or "").replace("``", "`").split())
        lines.append(f"| `{path}` | {chart_value(path)} | {default_of(path, field)} | {meaning} |")
    return "\n".join(lines)


def metrics_table() -> str:
    """All metrics, as Prometheus names them."""
    metrics = Metrics()
    metrics.watch_streams(lambda: WatchState({}, {}, {}))
    metrics.watch_state(lambda: State({}, queued=0, active=0, held=0, unreadable=0))
    lines = ["| metric | type | meaning |", "| --- | --- | --- |"]
    for family in sorted(metrics.registry.collect(), key=lambda family: family.name):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        lines.append(f"| `{name}` | {family.type} | {family.documentation} |")
    return "\n".join(lines)


def updated(readme: str) -> str:
    """The README with its tables generated again."""
    with_settings = _between(readme, BEGIN, END, tables())
    return _between(with_settings, METRICS_BEGIN, METRICS_END, metrics_table())


def _between(text: str, begin: str, end: str, content: str) -> str:
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n{content}\n{end}{tail}"


def main(argv: list[str]) -> int:
    """Write or check; exit code 1 when the check finds a difference."""
    text = updated(README.read_text())
    if "--check" not in argv:
        README.write_text(text)
    elif text != README.read_text():
        print(f"{README} does not match the sources: run `make generate`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
