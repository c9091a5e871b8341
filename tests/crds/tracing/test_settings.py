"""Where spans go, read from OpenTelemetry's variables."""

import pytest

from skyvern_crds.tracing.settings import TracingSettings, read_tracing
from skyvern_crds.tracing.trace import Sampler

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318"}


@pytest.mark.parametrize(
    "environ", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, ENDPOINT | {"OTEL_SDK_DISABLED": "True"}]
)
def test_traces_are_off_without_a_collector(environ: dict[str, str]) -> None:
    assert read_tracing(environ) is None


def test_collector_is_named_by_its_base_or_by_its_whole_address() -> None:
    assert read_tracing(ENDPOINT) == TracingSettings("http://otel:4318/v1/traces", Sampler(1.0))
    whole = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://otel/traces"}
    assert read_tracing(ENDPOINT | whole) == TracingSettings("https://otel/traces", Sampler(1.0))


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("", Sampler(1.0)),
        ("always_on", Sampler(1.0, heeds_caller=False)),
        ("parentbased_always_off", Sampler(0.0)),
        ("traceidratio", Sampler(0.25, heeds_caller=False)),
        ("parentbased_traceidratio", Sampler(0.25)),
    ],
)
def test_sampler_is_one_of_the_standard_ones(name: str, sampler: Sampler) -> None:
    settings = read_tracing(ENDPOINT | {"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": "0.25"})
    assert settings is not None
    assert settings.sampler == sampler


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "otel:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT is 'otel:4318': give the address"),
        ({"OTEL_TRACES_SAMPLER": "dice"}, "OTEL_TRACES_SAMPLER is 'dice': give one of always_on"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, "OTEL_TRACES_SAMPLER_ARG is '2'"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc': only http/protobuf"),
    ],
)
def test_wrong_setting_is_named_with_its_remedy(changes: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_tracing(ENDPOINT | changes)
