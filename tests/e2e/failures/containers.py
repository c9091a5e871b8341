"""Containers that cannot start, cannot be placed, or run out of something."""

from collections.abc import Sequence

from skyvern_crds.client import JsonObject
from tests.e2e.failures.release import CONFIG_ERROR_SECONDS, IMAGE_PULL_SECONDS
from tests.e2e.failures.row import Row, Scene

FILL = "head -c 20000000 /dev/zero | tr '\\0' x | fold -w 1000 > /proc/1/fd/1"
"""Writes 20 MB to the container's log, which counts as its disk."""


async def browser_memory(scene: Scene) -> Sequence[JsonObject]:
    """The browser needs more than its limit."""
    return [await scene.end(await scene.begin("browser-memory", profile="tight-browser"))]


async def runner_memory(scene: Scene) -> Sequence[JsonObject]:
    """The runner needs more than its limit."""
    return [await scene.end(await scene.begin("runner-memory", profile="tight-runner"))]


async def disk(scene: Scene) -> Sequence[JsonObject]:
    """The kubelet evicts a pod that writes too much."""
    pod = await scene.busy(await scene.begin("disk", working=True, profile="little-disk"))
    await scene.do("exec", pod, "-c", "browser", "--", "sh", "-c", FILL, check=False)  # it may be killed meanwhile
    return [await scene.end("disk")]


async def image(scene: Scene) -> Sequence[JsonObject]:
    """A registry does not answer."""
    return [await scene.end(await scene.begin("image", profile="absent-image"))]


async def too_large(scene: Scene) -> Sequence[JsonObject]:
    """No node is large enough."""
    return [await scene.end(await scene.begin("too-large", profile="too-large", startDeadlineSeconds=10))]


async def secret(scene: Scene) -> Sequence[JsonObject]:
    """A Secret of the task is missing."""
    reference = {"secretKeyRef": {"name": "absent", "key": "payload"}}
    return [await scene.end(await scene.begin("secret", navigationPayloadFrom=reference))]


async def secret_key(scene: Scene) -> Sequence[JsonObject]:
    """A Secret of the task has not the key that it names."""
    await scene.do("create", "secret", "generic", "login", "--from-literal=user=robin")
    reference = {"name": "login", "key": "password"}
    entry = {"name": "password", "hosts": ["example.test"], "secretKeyRef": reference}
    return [await scene.end(await scene.begin("secret-key", secrets=[entry]))]


ROWS = (
    Row(
        "the browser runs out of memory",
        "a profile with a limit of 72Mi",
        browser_memory,
        ("failed", "OutOfMemory"),
        ("the browser ran out of memory",),
    ),
    Row(
        "the runner runs out of memory",
        "a profile with a limit of 40Mi",
        runner_memory,
        ("failed", "OutOfMemory"),
        ("the runner ran out of memory",),
    ),
    Row(
        "the pod fills its disk",
        "20 MB of log where 2Mi are allowed",
        disk,
        ("failed", "Evicted"),
        ("ephemeral local storage usage exceeds",),
    ),
    Row(
        "an image cannot be pulled",
        f"a registry that refuses connections, for {IMAGE_PULL_SECONDS} s",
        image,
        ("failed", "ImagePullFailed"),
        ("the image of the browser cannot be pulled", "127.0.0.1:1/skyvern/absent:none"),
    ),
    Row(
        "a Secret of the task is missing",
        f"`navigationPayloadFrom` names one, `configErrorSeconds: {CONFIG_ERROR_SECONDS}`",
        secret,
        ("failed", "ContainerConfigError"),
        ("FailedMount", 'secret "absent" not found'),
    ),
    Row(
        "a key of a Secret is missing",
        "`secrets` names one that the Secret has not",
        secret_key,
        ("failed", "ContainerConfigError"),
        ("FailedMount", "references non-existent secret key: password"),
    ),
    Row(
        "no node is large enough",
        "a profile that asks for 1000 CPUs, `startDeadlineSeconds: 10`",
        too_large,
        ("timed_out", "StartDeadlineExceeded"),
        ("not schedulable", "Insufficient cpu"),
    ),
)
