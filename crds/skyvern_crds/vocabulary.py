"""Every name that more than one program must agree on: API group, labels, annotations, field managers,
phases, conditions and reasons.

This file is the only source of these strings. A reason is an exported constant whose docstring says what it
means and when it is set (see also failures.py); metrics use reasons as their only label values.
"""

import re
from enum import StrEnum
from typing import Final

GROUP: Final = "skyvern.io"
"""API group of the custom resource and prefix of every label and annotation."""
VERSION: Final = "v1"
"""The one served and stored version."""
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "SkyvernTask"
LIST_KIND: Final = "SkyvernTaskList"
PLURAL: Final = "skyverntasks"
SINGULAR: Final = "skyverntask"
SHORT_NAMES: Final = ("skt",)
CATEGORIES: Final = ("skyvern",)
CRD_NAME: Final = f"{PLURAL}.{GROUP}"
OBJECT_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""What the API server takes as the name of an object."""

# Labels ---------------------------------------------------------------------------------------------------------

LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
"""On every object the operator creates; with MANAGED_BY it selects our pods on the server."""
MANAGED_BY: Final = "skyvern-operator"
LABEL_TASK_UID: Final = f"{GROUP}/task-uid"
"""On a pod: uid of its task."""
LABEL_ATTEMPT: Final = f"{GROUP}/attempt"
"""On a pod: attempt number, from 1."""
LABEL_API_KEY: Final = f"{GROUP}/api-key"
"""On a Secret of the release's namespace: ``"true"`` marks it as an API key of the REST facade."""
LABEL_API_KEY_SECRET: Final = f"{GROUP}/api-key-secret"
"""On a task made over REST: the name of the API-key Secret that made it; its key signs the webhook."""
LABEL_ORGANIZATION: Final = f"{GROUP}/organization"
"""On a task made over REST: organization id of the API key."""
LABEL_QUEUE_NAME: Final = "kueue.x-k8s.io/queue-name"
"""Passed through from the task to its pod, for Kueue."""

# Annotations ----------------------------------------------------------------------------------------------------

ANNOTATION_CANCEL: Final = f"{GROUP}/cancel"
"""On a task: any value but ``"false"`` asks the operator to cancel it. Ignored once the task has ended."""
ANNOTATION_TASK: Final = f"{GROUP}/task"
"""On a pod: the TaskDocument JSON, read by the runner through the downward API."""
ANNOTATION_REQUEST: Final = f"{GROUP}/request"
"""On a task made over REST: JSON of the request fields that the spec has no place for, echoed by GET."""
ANNOTATION_CREATION: Final = f"{GROUP}/creation"
"""On a task made over REST: tells whether the object of a name is the one that a request has made. The digest of the
request where it had an idempotency key, else random."""
ANNOTATION_RETRY_WEBHOOK: Final = f"{GROUP}/retry-webhook"
"""On a task: a changed value asks the operator to deliver the webhook once more."""
ANNOTATION_TRACEPARENT: Final = f"{GROUP}/traceparent"
"""On a task: the span of its caller, as W3C Trace Context's ``traceparent``. Anything else is ignored."""

# Field managers -------------------------------------------------------------------------------------------------

MANAGER_OPERATOR: Final = "skyvern-operator"
"""Field manager of everything in status but the runner's fields."""
MANAGER_RUNNER: Final = "skyvern-runner"
"""Field manager of the runner's fields in status."""
MANAGER_APISERVER: Final = "skyvern-apiserver"
"""Field manager of the facade's writes (annotations)."""


class Phase(StrEnum):
    """Derived from the conditions; what the REST API calls ``status``."""

    CREATED = "created"
    """The operator has not seen the task yet."""
    QUEUED = "queued"
    """Waiting for admission, quota, a node, an image or the next attempt."""
    RUNNING = "running"
    """The runner's container has started."""
    COMPLETED = "completed"
    """The goal was reached (terminal)."""
    FAILED = "failed"
    """The system or a limit stopped the task (terminal)."""
    TERMINATED = "terminated"
    """The agent judged the goal out of reach (terminal)."""
    TIMED_OUT = "timed_out"
    """A deadline passed (terminal)."""
    CANCELED = "canceled"
    """The user canceled the task and its pod has ended (terminal)."""

    @property
    def terminal(self) -> bool:
        """Whether the phase never changes again."""
        return self in TERMINAL_PHASES


TERMINAL_PHASES: Final = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.TERMINATED, Phase.TIMED_OUT, Phase.CANCELED})


class ConditionType(StrEnum):
    """Types of the entries of ``status.conditions``."""

    ADMITTED = "Admitted"
    """The task has passed the queue (limits, suspend, scheduling gates)."""
    POD_SCHEDULED = "PodScheduled"
    """Mirror of the pod's own condition, with the scheduler's message."""
    BROWSER_READY = "BrowserReady"
    """The browser's container is running."""
    BROWSER_SANDBOXED = "BrowserSandboxed"
    """Chrome's own sandbox is on. False says that the cluster has no seccomp profile for it."""
    SPEC_HONORED = "SpecHonored"
    """Present, as False, only when the spec has fields that have no effect here; the message lists them."""
    STOPPING = "Stopping"
    """Present, as True, while the task's pod is being taken away. Its reason is the one that the task will end with, or
    Suspended; a first report of the runner is refused from then on."""
    SUCCEEDED = "Succeeded"
    """Unknown until the task ends, True when it completed, False for any other end. Its reason says which."""


class Reason(StrEnum):
    """Reasons of conditions. Those of ``Succeeded`` imply the phase: see :data:`PHASE_OF_REASON`."""

    # Of Succeeded while Unknown
    QUEUED = "Queued"
    """Held back by a concurrency limit or by ``spec.suspend``."""
    PENDING = "Pending"
    """The pod exists but its runner has not started; the message is the scheduler's or the kubelet's."""
    SCHEDULING_GATED = "SchedulingGated"
    """The pod is held by a scheduling gate, as Kueue's. The start deadline counts from its removal, since Admitted is
    False with this reason until then."""
    QUOTA_EXCEEDED = "QuotaExceeded"
    """A ResourceQuota refuses the pod for now; one task of the namespace and profile at a time tries again."""
    CREATE_BLOCKED = "CreateBlocked"
    """The pod cannot be created for now (rights, a namespace under deletion, a webhook, a missing service account); the
    message is the API server's. Admitted is False with this reason, and the start deadline counts from its transition
    time."""
    STARTING = "Starting"
    """The runner's container runs and has not reported yet."""
    RUNNING = "Running"
    """The runner has reported."""
    CANCELING = "Canceling"
    """The pod has been asked to stop and has not ended."""
    STOPPING = "Stopping"
    """The pod, whose agent has not started, is being taken away; the task ends once it is gone."""
    SUSPENDING = "Suspending"
    """The pod, whose agent has not started, is being taken away because ``spec.suspend`` is set."""
    INFRA_RETRY = "InfraRetry"
    """The pod died before the agent started; another attempt is due."""

    # Of Succeeded when True
    COMPLETED = "Completed"
    """The runner's verdict: the goal was reached."""

    # Of Succeeded when False
    TERMINATED = "Terminated"
    """The runner's verdict: the agent judged the goal out of reach."""
    AGENT_FAILED = "AgentFailed"
    """The runner ended without reaching the goal: its own failed verdict, or a non-zero exit code."""
    MAX_STEPS_REACHED = "MaxStepsReached"
    """The runner's verdict: the step budget is used up."""
    MODEL_FAILED = "ModelFailed"
    """The runner's verdict: the language model could not be used (key, address, limits, unreadable answers)."""
    PAGE_FAILED = "PageFailed"
    """The runner's verdict: the start page could not be opened."""
    BROWSER_FAILED = "BrowserFailed"
    """The runner's verdict: the browser did not start, or was lost and could not be replaced."""
    REPORT_REFUSED = "ReportRefused"
    """The runner's verdict: none of its reports was accepted, so the agent did nothing."""
    OUT_OF_MEMORY = "OutOfMemory"
    """A container was killed for memory, whatever its exit code."""
    IMAGE_PULL_FAILED = "ImagePullFailed"
    """An image could not be pulled within the grace period."""
    CONTAINER_CONFIG_ERROR = "ContainerConfigError"
    """A container could not be created within the grace period (missing Secret, profile, key ...)."""
    START_DEADLINE_EXCEEDED = "StartDeadlineExceeded"
    """The runner did not start within ``startDeadlineSeconds``."""
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    """The task did not end within ``activeDeadlineSeconds`` of its start."""
    EVICTED = "Evicted"
    """The pod was evicted, after the agent had started or with no infrastructure retry left."""
    NODE_REFUSED = "NodeRefused"
    """The node's kubelet refused the pod (OutOfcpu, NodeAffinity ...), with no infrastructure retry left."""
    PREEMPTED = "Preempted"
    """A pod of higher priority took its place, after the agent had started or with no infrastructure retry left."""
    NODE_SHUTDOWN = "NodeShutdown"
    """The node shut down, after the agent had started or with no infrastructure retry left."""
    NODE_LOST = "NodeLost"
    """The node is gone or silent, after the agent had started or with no infrastructure retry left."""
    POD_DELETED = "PodDeleted"
    """Somebody other than the operator deleted the pod."""
    POD_SPEC_INVALID = "PodSpecInvalid"
    """The API server finds the pod invalid; the message is its own."""
    POD_REJECTED = "PodRejected"
    """An admission policy or Pod Security refuses the pod; the message is its own."""
    NAME_CONFLICT = "NameConflict"
    """A pod of this name exists and belongs to something else."""
    RESULT_MISSING = "ResultMissing"
    """The runner ended with exit code 0 and left no readable verdict."""
    CANCELED = "Canceled"
    """Canceled on request; confirmed by the pod's end."""
    SPEC_INVALID = "SpecInvalid"
    """The stored spec does not satisfy the models (for example an object older than the CRD's rules)."""

    # Of Admitted
    ADMITTED = "Admitted"
    """Admitted = True."""
    SUSPENDED = "Suspended"
    """Admitted = False: ``spec.suspend`` is set."""
    LIMIT_REACHED = "LimitReached"
    """Admitted = False: a concurrency limit of the operator is reached; the message gives the place in the queue."""

    # Of BrowserReady, BrowserSandboxed, SpecHonored
    CONTAINER_RUNNING = "ContainerRunning"
    """BrowserReady = True."""
    CONTAINER_NOT_RUNNING = "ContainerNotRunning"
    """BrowserReady = False."""
    SECCOMP_PROFILE = "SeccompProfile"
    """BrowserSandboxed = True: the browser runs under the Localhost profile named in the message."""
    NO_SECCOMP_PROFILE = "NoSeccompProfile"
    """BrowserSandboxed = False: no profile is configured, so Chrome runs with ``--no-sandbox``."""
    FIELDS_WITHOUT_EFFECT = "FieldsWithoutEffect"
    """SpecHonored = False."""

    # Of Events only
    MULTIPLE_PODS = "MultiplePods"
    """The task has another pod beside the one that status names; it is deleted, and never acts."""
    UNREADABLE = "Unreadable"
    """The stored object holds a field that this version cannot read; the message names it and the remedy."""


PHASE_OF_REASON: Final[dict[Reason, Phase]] = {
    Reason.QUEUED: Phase.QUEUED,
    Reason.PENDING: Phase.QUEUED,
    Reason.SCHEDULING_GATED: Phase.QUEUED,
    Reason.STOPPING: Phase.QUEUED,
    Reason.SUSPENDING: Phase.QUEUED,
    Reason.QUOTA_EXCEEDED: Phase.QUEUED,
    Reason.CREATE_BLOCKED: Phase.QUEUED,
    Reason.INFRA_RETRY: Phase.QUEUED,
    Reason.STARTING: Phase.RUNNING,
    Reason.RUNNING: Phase.RUNNING,
    Reason.CANCELING: Phase.RUNNING,
    Reason.COMPLETED: Phase.COMPLETED,
    Reason.TERMINATED: Phase.TERMINATED,
    Reason.AGENT_FAILED: Phase.FAILED,
    Reason.MAX_STEPS_REACHED: Phase.FAILED,
    Reason.MODEL_FAILED: Phase.FAILED,
    Reason.PAGE_FAILED: Phase.FAILED,
    Reason.BROWSER_FAILED: Phase.FAILED,
    Reason.REPORT_REFUSED: Phase.FAILED,
    Reason.OUT_OF_MEMORY: Phase.FAILED,
    Reason.IMAGE_PULL_FAILED: Phase.FAILED,
    Reason.CONTAINER_CONFIG_ERROR: Phase.FAILED,
    Reason.EVICTED: Phase.FAILED,
    Reason.NODE_REFUSED: Phase.FAILED,
    Reason.PREEMPTED: Phase.FAILED,
    Reason.NODE_SHUTDOWN: Phase.FAILED,
    Reason.NODE_LOST: Phase.FAILED,
    Reason.POD_DELETED: Phase.FAILED,
    Reason.POD_SPEC_INVALID: Phase.FAILED,
    Reason.POD_REJECTED: Phase.FAILED,
    Reason.NAME_CONFLICT: Phase.FAILED,
    Reason.RESULT_MISSING: Phase.FAILED,
    Reason.SPEC_INVALID: Phase.FAILED,
    Reason.START_DEADLINE_EXCEEDED: Phase.TIMED_OUT,
    Reason.DEADLINE_EXCEEDED: Phase.TIMED_OUT,
    Reason.CANCELED: Phase.CANCELED,
}
"""Phase for each reason of the condition ``Succeeded``."""
