"""Properties of decisions over random lives of a task, with crashes of the operator after any action."""

from hypothesis import given, settings
from hypothesis import strategies as st

from skyvern_operator.decision.actions import WakeAt
from skyvern_operator.decision.decide import decide
from skyvern_operator.state.records import PodLife
from tests.operator.decision.simulation import World
from tests.operator.examples import a_task

EVENTS = ("start", "finish", "crash", "evict", "remove", "confirm", "cancel", "suspend", "resume", "wait", "restart")
LIVES = st.lists(st.tuples(st.sampled_from(EVENTS), st.none() | st.integers(0, 3)), max_size=12)


def live(events: list[tuple[str, int | None]], infra_retries: int = 2) -> World:
    """A task's life: after each event the operator reconciles, crashing after so many actions if a number is given."""
    world = World(a_task(infra_retries=infra_retries, ttl_seconds=10**8))
    world.reconcile()
    for what, crash_after in events:
        world.happen(what)
        world.reconcile(crash_after=crash_after)
    return world


@settings(max_examples=250, deadline=None)
@given(LIVES)
def test_never_two_pods_for_an_attempt_and_a_started_task_is_never_run_again(
    events: list[tuple[str, int | None]],
) -> None:
    world = live(events)  # the world itself asserts that no pod is made once the agent has started
    assert len(world.created) == len(set(world.created))
    assert len(world.verdicts) <= 1


@settings(max_examples=250, deadline=None)
@given(LIVES)
def test_deciding_again_asks_for_nothing_but_a_later_look(events: list[tuple[str, int | None]]) -> None:
    world = live(events)
    view = world.view()
    actions = decide(view)
    assert all(isinstance(action, WakeAt) and action.at > view.now for action in actions)


@settings(max_examples=250, deadline=None)
@given(LIVES)
def test_task_that_is_canceled_or_whose_pod_is_gone_ends(events: list[tuple[str, int | None]]) -> None:
    world = live(events)
    world.happen("cancel")
    world.reconcile()
    world.happen("confirm")
    world.reconcile()
    assert world.task.ended
    assert not [pod for pod in world.pods.values() if not pod.ended and pod.life is PodLife.LIVE]


@settings(max_examples=250, deadline=None)
@given(LIVES)
def test_crashes_change_nothing_about_what_is_decided(events: list[tuple[str, int | None]]) -> None:
    """The operator that crashes between actions reaches the same end as the one that does not.

    What is only in memory may be lost with a crash: how far a pod came that is gone. Lives without that are compared.
    """
    kept = [(what, crash) for what, crash in events if what not in ("remove", "confirm", "restart")]
    crashing, steady = live(kept), live([(what, None) for what, _ in kept])
    assert crashing.task.status.phase == steady.task.status.phase
    assert crashing.created == steady.created
