"""What the operator's pod template and the runner agree on: places, environment, task document, verdict, exit codes."""

from enum import IntEnum
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from skyvern_crds import wire
from skyvern_crds.models import ApiModel, ShortText
from skyvern_crds.spec import SkyvernTaskSpec
from skyvern_crds.vocabulary import PHASE_OF_REASON, Phase, Reason

CONTAINER_BROWSER: Final = "browser"
"""Native sidecar with Chromium and chromedriver."""
CONTAINER_RUNNER: Final = "runner"
"""The agent; its end is the task's end."""

WEBDRIVER_URL: Final = "http://127.0.0.1:9515"
"""chromedriver in the browser container, on the loopback that the pod's containers share."""
CHROME_BINARY: Final = "/usr/local/bin/chromium-task"
"""Browser binary in the browser image."""

TASK_FILE: Final = "/etc/skyvern/task/task.json"
"""TaskDocument JSON: the annotation ``skyvern.io/task`` through the downward API."""
PAYLOAD_FILE: Final = "/etc/skyvern/payload/payload.json"
"""navigationPayloadFrom's JSON."""
SECRETS_DIR: Final = "/etc/skyvern/secrets"
"""One file per entry of spec.secrets, named by the entry."""
ARTIFACTS_TOKEN_FILE: Final = "/var/run/secrets/skyvern/artifacts/token"  # noqa: S105
"""Projected token with audience ARTIFACTS_AUDIENCE, bound to the pod."""
ARTIFACTS_AUDIENCE: Final = "skyvern-artifacts"
"""Audience of the runner's token for the artifacts gateway."""
SERVICE_ACCOUNT_DIR: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Projected token, CA and namespace for the API server; mounted in the runner only."""
TERMINATION_LOG: Final = "/dev/termination-log"
"""Where the runner leaves its TerminationRecord."""
WORK_DIR: Final = "/tmp"  # noqa: S108
"""Writable, memory-backed."""

ENV_TASK_FILE: Final = "SKYVERN_TASK_FILE"
ENV_WEBDRIVER_URL: Final = "SKYVERN_WEBDRIVER_URL"
ENV_CHROME_BINARY: Final = "SKYVERN_CHROME_BINARY"
ENV_CHROME_SANDBOX: Final = "SKYVERN_CHROME_SANDBOX"
"""``on`` or ``off`` (``--no-sandbox``)."""
ENV_ARTIFACTS_URL: Final = "SKYVERN_ARTIFACTS_URL"
"""Base URL of the artifacts gateway's internal port; uploads are off without it."""
ENV_WEB_ACCESS: Final = "SKYVERN_WEB_ACCESS"
"""WebAccess JSON: where the browser may go; public hosts only without it."""
ENV_MODEL: Final = "SKYVERN_MODEL"
"""Name of the language model."""
ENV_MODEL_API_KEY: Final = "OPENAI_API_KEY"
ENV_MODEL_BASE_URL: Final = "OPENAI_BASE_URL"

MODEL_SECRET_API_KEY: Final = "api-key"  # noqa: S105
MODEL_SECRET_BASE_URL: Final = "base-url"  # noqa: S105
MODEL_SECRET_MODEL: Final = "model"  # noqa: S105
"""Keys of the Secret with the model's settings."""

MAX_TERMINATION_BYTES: Final = 3 * 1024
"""The kubelet keeps 4 KiB of a container's message and 12 KiB of a pod's."""
MAX_TERMINATION_REASON: Final = 1024
"""Characters of the record's failure reason."""
TERMINATION_GRACE_SECONDS: Final = 30
"""Seconds the runner has between SIGTERM and SIGKILL to stop and flush."""


class ExitCode(IntEnum):
    """Exit codes of the runner, in the pod and on the command line."""

    VERDICT = 0
    """A verdict was written (any outcome; on the command line: completed)."""
    FAILED = 1
    """Command line: the task failed."""
    USAGE = 2
    """Bad arguments or an unreadable task document."""
    TERMINATED = 3
    """Command line: the agent judged the goal out of reach."""
    STOPPED = 143
    """SIGTERM: stopped before the next action, reports flushed."""


class TaskDocument(ApiModel):
    """The task as it travels to the runner."""

    name: str
    """Name of the object."""
    namespace: str
    """Its namespace."""
    uid: str
    """Its uid."""
    attempt: Annotated[int, Field(ge=1)]
    """Which pod of the task this is."""
    spec: SkyvernTaskSpec
    """What to do."""


class TerminationRecord(ApiModel):
    """The runner's verdict, as its container's termination message."""

    outcome: Phase
    """completed, terminated, failed or canceled (stopped by SIGTERM)."""
    reason: Reason
    """A reason of Succeeded whose phase is the outcome."""
    failure_reason: Annotated[str, Field(max_length=MAX_TERMINATION_REASON)] | None = None
    """For people; set for every outcome but completed."""
    step_count: Annotated[int, Field(ge=0)] = 0
    """Steps done."""
    result_sha256: Annotated[str, Field(max_length=64)] | None = None
    """SHA-256 of the extracted information as compact JSON, which is also its artifact's digest."""

    def message(self) -> str:
        """The termination message, at most MAX_TERMINATION_BYTES bytes; the failure reason is cut to fit."""
        record = self
        while len(text := wire.dumps(record.wire())) > 0:
            excess = len(text.encode()) - MAX_TERMINATION_BYTES
            if excess <= 0 or not record.failure_reason:
                return text
            keep = max(0, len(record.failure_reason) - max(excess, 16))
            record = record.model_copy(update={"failure_reason": record.failure_reason[:keep]})
        return text


def parse_termination(message: str | None) -> TerminationRecord | None:
    """Read a termination message; None when it is not a record, or its reason and outcome disagree."""
    if not message:
        return None
    try:
        record = TerminationRecord.model_validate_json(message)
    except ValidationError:
        return None
    return record if PHASE_OF_REASON.get(record.reason) == record.outcome else None


class ModelSettings(ApiModel):
    """Address, key and name of the language model."""

    api_key: str | None = None
    """Bearer key."""
    base_url: ShortText | None = None
    """OpenAI-compatible base URL; the provider's own without it."""
    model: str | None = None
    """Name of the model."""


def parse_task_document(text: str) -> TaskDocument:
    """Read the task file. Raises pydantic's ValidationError, which names each field."""
    return TaskDocument.model_validate_json(text)


def task_document(obj: dict[str, Any], attempt: int) -> TaskDocument:
    """The document for attempt number ``attempt`` of a SkyvernTask given as Kubernetes JSON."""
    meta = obj["metadata"]
    return TaskDocument(
        name=meta["name"],
        namespace=meta["namespace"],
        uid=meta["uid"],
        attempt=attempt,
        spec=SkyvernTaskSpec.model_validate(obj["spec"]),
    )
