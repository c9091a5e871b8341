"""A task that cannot succeed ends on its own and in time, with a reason that names the cause."""

from datetime import datetime, timedelta

import pytest

from tests.e2e.cluster_fixture import System, condition, outcome
from tests.e2e.manifests import SITE

pytestmark = pytest.mark.node


@pytest.mark.parametrize(
    ("purpose", "reason", "words"),
    [
        ("wrong-key", "ModelFailed", ("refuses the API key", "401")),
        ("nonsense", "ModelFailed", ("the model's answers cannot be used",)),
        ("unresolved", "PageFailed", ("http://nowhere.skyvern-demo.svc:8090/", "cannot be resolved")),
        ("status-500", "PageFailed", (f"{SITE}/status/500", "HTTP status 500")),
        ("download", "PageFailed", (f"{SITE}/download", "is a download")),
        ("certificate", "PageFailed", ("the certificate of https://kubernetes.default.svc/ is not valid",)),
        ("no-image", "ImagePullFailed", ("127.0.0.1:1/skyvern/absent:none", "image of the browser")),
        ("no-profile", "SpecInvalid", ("unheard-of",)),
    ],
)
async def test_task_fails_and_names_the_cause(
    system: System, by_kubectl: dict[str, str], purpose: str, reason: str, words: tuple[str, ...]
) -> None:
    task = await system.ended(by_kubectl[purpose])
    assert outcome(task) == ("failed", reason), system.story(task)
    failure = task["status"]["failureReason"]
    assert not [word for word in words if word not in failure], failure
    assert (condition(task, "Succeeded")["message"], task["status"]["failure"]["reason"]) == (failure, reason)


async def test_deadline_ends_a_task_that_would_never_end(system: System, by_kubectl: dict[str, str]) -> None:
    task = await system.ended(by_kubectl["deadline"])
    assert outcome(task) == ("timed_out", "DeadlineExceeded"), system.story(task)
    assert "activeDeadlineSeconds (10)" in task["status"]["failureReason"]
    lasted = datetime.fromisoformat(task["status"]["finishedAt"]) - datetime.fromisoformat(task["status"]["startedAt"])
    assert timedelta(seconds=9) <= lasted <= timedelta(seconds=25)  # startedAt is of the kubelet, in whole seconds


async def test_failure_is_an_event_of_the_task(system: System, by_kubectl: dict[str, str]) -> None:
    await system.ended(by_kubectl["status-500"])
    events = system.kubectl(
        "get", "events", "--field-selector=involvedObject.name=status-500", "-o", "jsonpath={.items[*].reason}"
    )
    assert "PageFailed" in events.stdout.split()
