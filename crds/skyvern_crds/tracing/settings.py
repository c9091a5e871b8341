"""Where spans go, and which: OpenTelemetry's own environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from skyvern_crds.tracing.trace import Sampler
from skyvern_crds.urls import split_http_url

ENV_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
ENV_TRACES_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
ENV_HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
ENV_TRACEPARENT: Final = "TRACEPARENT"
"""In a runner's pod: the operator's span that the runner continues."""
_ENV_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_ENV_DISABLED: Final = "OTEL_SDK_DISABLED"
_ENV_SAMPLER: Final = "OTEL_TRACES_SAMPLER"
_ENV_RATIO: Final = "OTEL_TRACES_SAMPLER_ARG"
_PROTOCOL: Final = "http/protobuf"
_PARENT_BASED: Final = "parentbased_"
_SAMPLERS: Final = ("always_on", "always_off", "traceidratio")


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """What it takes to export traces. Headers, certificates and limits are read by the exporter itself."""

    endpoint: str
    """URL that takes spans by OTLP over HTTP."""
    sampler: Sampler


def read_tracing(environ: Mapping[str, str]) -> TracingSettings | None:
    """The settings; None when no collector is named. Raises ValueError, which names the variable and the remedy."""
    traces, base = environ.get(ENV_TRACES_ENDPOINT, "").strip(), environ.get(ENV_ENDPOINT, "").strip()
    if not (traces or base) or environ.get(_ENV_DISABLED, "").strip().lower() == "true":
        return None
    name, endpoint = (ENV_TRACES_ENDPOINT, traces) if traces else (ENV_ENDPOINT, f"{base.rstrip('/')}/v1/traces")
    if split_http_url(endpoint) is None:
        raise ValueError(f"{name} is {traces or base!r}: give the address of a collector, such as http://otel:4318")
    for variable in _ENV_PROTOCOLS:
        protocol = environ.get(variable, "").strip() or _PROTOCOL
        if protocol != _PROTOCOL:
            raise ValueError(f"{variable} is {protocol!r}: only {_PROTOCOL} is spoken, on port 4318 of most collectors")
    return TracingSettings(endpoint, _sampler(environ))


def _sampler(environ: Mapping[str, str]) -> Sampler:
    name = environ.get(_ENV_SAMPLER, "").strip().lower() or "parentbased_always_on"
    kind = name.removeprefix(_PARENT_BASED)
    if kind not in _SAMPLERS:
        known = ", ".join([*_SAMPLERS, *(f"{_PARENT_BASED}{sampler}" for sampler in _SAMPLERS)])
        raise ValueError(f"{_ENV_SAMPLER} is {name!r}: give one of {known}")
    ratio = {"always_on": 1.0, "always_off": 0.0}.get(kind)
    return Sampler(_ratio(environ) if ratio is None else ratio, name.startswith(_PARENT_BASED))


def _ratio(environ: Mapping[str, str]) -> float:
    text = environ.get(_ENV_RATIO, "").strip() or "1"
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise ValueError(f"{_ENV_RATIO} is {text!r}: give a number from 0 to 1")
    return ratio
