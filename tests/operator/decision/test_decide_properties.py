"""Properties of decisions over random lives of a task, with crashes of the operator after any action.

Another operator acts on what it once knew. The world itself asserts that no pod is made once an agent may have started,
that no two agents act, and that a verdict comes after the end of its pod.
"""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from skyvern_operator.decision.actions import LookUpPod, WakeAt
from skyvern_operator.decision.decide import decide
from skyvern_operator.state.records import PodLife
from tests.operator.decision.simulation import World
from tests.operator.examples import a_task

STEADY = ("start", "report", "finish", "crash", "evict", "cancel", "suspend", "resume", "wait")
EVENTS = (
    *STEADY, "withdraw", "unknown", "unlabel", "delete", "remove", "vanish", "confirm", "restart", "lost answer",
    "interfere", "lose secret",
)  # fmt: skip
Lives = list[tuple[str, int | None]]
LIVES = st.lists(st.tuples(st.sampled_from(EVENTS), st.none() | st.integers(0, 3)), max_size=14)
STEADY_LIVES = st.lists(st.tuples(st.sampled_from(STEADY), st.none() | st.integers(0, 3)), max_size=12)


def live(events: Lives, infra_retries: int = 2) -> World:
    """A task's life: after each event the operator reconciles, crashing after so many actions if a number is given."""
    world = World(a_task(infra_retries=infra_retries, ttl_seconds=10**8))
    world.reconcile()
    for what, crash_after in events:
        if what == "interfere":
            world.interfere()
        else:
            world.happen(what)
        world.reconcile(crash_after=crash_after)
    return world


@settings(max_examples=400, deadline=None)
@given(LIVES)
@example([("remove", None), ("interfere", None), ("wait", None), ("remove", None), ("interfere", None)])
def test_each_attempt_has_one_pod_and_each_task_one_verdict(events: Lives) -> None:
    world = live(events)
    assert len(world.created) == len(set(world.created))
    assert len(world.verdicts) <= 1


@settings(max_examples=250, deadline=None)
@given(LIVES)
def test_deciding_again_asks_for_nothing_but_another_look(events: Lives) -> None:
    world = live(events)
    view = world.leader.view(world.clock)
    actions = decide(view)
    unlabeled = {pod.name for pod in (view.pod, *view.strays) if pod is not None and not pod.labeled}
    for action in actions:
        looks_later = isinstance(action, WakeAt) and action.at > view.now
        assert looks_later or (isinstance(action, LookUpPod) and action.name in unlabeled)


@settings(max_examples=250, deadline=None)
@given(LIVES)
def test_task_that_is_canceled_ends_with_its_pods(events: Lives) -> None:
    world = live(events)
    for what in ("cancel", "confirm", "confirm"):
        world.happen(what)
        world.reconcile()
    assert world.task.ended
    assert not [pod for pod in world.pods.values() if not pod.ended and pod.life is PodLife.LIVE]


@settings(max_examples=250, deadline=None)
@given(LIVES)
def test_every_task_comes_to_its_end_once_its_pod_ends(events: Lives) -> None:
    """Nothing is stuck: whatever has happened, a task that is not suspended runs and completes, or has ended."""
    world = live([*events, ("resume", None)])
    for _ in range(8):
        for what in ("confirm", "wait", "start", "report", "finish", "crash"):
            world.happen(what)
            world.reconcile()
    assert world.task.ended


@settings(max_examples=250, deadline=None)
@given(STEADY_LIVES)
def test_crashes_change_nothing_about_what_is_decided(events: Lives) -> None:
    """The operator that crashes between actions reaches the same end as the one that does not."""
    crashing, steady = live(events), live([(what, None) for what, _ in events])
    assert crashing.task.status.phase == steady.task.status.phase
    assert crashing.created == steady.created
