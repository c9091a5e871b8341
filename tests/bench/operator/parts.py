"""What is measured. Each part gives figures by name, and uses namespaces and an operator of its own."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from skyvern_crds.client import PODS, SKYVERNTASKS, JsonObject, Resource
from skyvern_crds.vocabulary import LABEL_TASK_UID
from tests.bench.operator import objects
from tests.bench.operator.observation import JOBS, Observation, observed, spans_ms
from tests.bench.operator.world import DEFAULTS, LIVE_NAMESPACE, TUNED, Tuning, World, cpu_ms
from tests.operator.process import OperatorProcess
from tests.operator.receiver import Receiver
from tests.waiting import eventually

DEADLINE_SECONDS: Final = 900.0
WRITES: Final = "skyvern_operator_api_writes_total"

Figures = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    """How many objects each part takes."""

    objects: int
    rate: float
    """Creates a second of the open loop."""
    rounds: int
    live: int
    step: int
    """Tasks whose cost is compared: the first so many of ``live``, and the last."""
    retained: int


async def throughput(world: World, sizes: Sizes) -> Figures:
    """All objects at once, to the last end: tasks and Jobs in turn, as shipped and with the same higher rates."""
    pace: dict[str, list[float]] = {}
    lags: list[dict[str, float]] = []
    cpu: list[float] = []
    for _ in range(sizes.rounds):
        for tuning, prefix in ((DEFAULTS, ""), (TUNED, "tuned_")):
            await world.job_controller(tuning)
            for owners, name in ((SKYVERNTASKS, "tasks_per_min"), (JOBS, "jobs_per_min")):
                figures = await _burst(world, owners, tuning, sizes.objects)
                pace.setdefault(prefix + name, []).append(figures["per_min"])
                if owners is SKYVERNTASKS and tuning is TUNED:
                    lags.append(figures["lag"])
                    cpu.append(figures["cpu_ms"])
    medians = {name: statistics.median(values) for name, values in pace.items()}
    return {
        **medians,
        "tuned_ratio": medians["tuned_tasks_per_min"] / medians["tuned_jobs_per_min"],
        "ratio": medians["tasks_per_min"] / medians["jobs_per_min"],
        "pod_end_to_task_end_ms": {key: statistics.median(lag[key] for lag in lags) for key in ("p50", "p99")},
        "burst_cpu_ms_per_task": statistics.median(cpu),
    }


async def _burst(world: World, owners: Resource, tuning: Tuning, count: int) -> Figures:
    namespace = await world.namespace()
    async with AsyncExitStack() as stack:
        operator = None
        if owners is SKYVERNTASKS:
            operator = await stack.enter_async_context(world.operator(namespace, tuning))
            await _warm_up(world, namespace)
        seen = await stack.enter_async_context(observed(world.client, namespace, owners))
        spent, begun = cpu_ms(operator) if operator else 0.0, time.monotonic()
        await objects.create_at_once(world.client, namespace, seen, objects.bodies(owners, count, "burst"))
        await _all_ended(seen, count)
        return {
            "per_min": count / (max(seen.ended.values()) - begun) * 60,
            "lag": spans_ms(seen.pod_ended, seen.ended),
            "cpu_ms": (cpu_ms(operator) - spent) / count if operator else 0.0,
        }


async def _warm_up(world: World, namespace: str) -> None:
    """Let the operator log in, import what it needs late, and open connections."""
    async with observed(world.client, namespace, SKYVERNTASKS) as seen:
        await objects.create_at_once(world.client, namespace, seen, objects.bodies(SKYVERNTASKS, 5, "warm-up"))
        await _all_ended(seen, 5)


async def latency(world: World, sizes: Sizes) -> Figures:
    """An open loop of tasks, each with a report of its runner and a webhook, and one of Jobs."""
    await world.job_controller(TUNED)
    figures: Figures = {}
    for owners, prefix in ((SKYVERNTASKS, ""), (JOBS, "job_")):
        figures |= await _open_loop(world, owners, prefix, sizes)
    ours, theirs = figures["create_to_pod_ms"], figures["job_create_to_pod_ms"]
    figures["create_to_pod_ratio"] = {key: ours[key] / theirs[key] for key in ("p50", "p99")}
    return figures


async def _open_loop(world: World, owners: Resource, prefix: str, sizes: Sizes) -> Figures:
    count, namespace, reports = sizes.objects, await world.namespace(), set[asyncio.Task[None]]()
    reported: set[str] = set()

    def runner(_kind: str, pod: JsonObject) -> None:
        owner = pod["metadata"]["ownerReferences"][0]["name"]
        if owners is SKYVERNTASKS and pod.get("status", {}).get("phase") == "Running" and owner not in reported:
            reported.add(owner)
            reports.add(asyncio.create_task(objects.report(world.client, namespace, owner)))

    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        operator = None
        if owners is SKYVERNTASKS:
            operator = await stack.enter_async_context(world.operator(namespace))
            await _warm_up(world, namespace)
        seen = await stack.enter_async_context(observed(world.client, namespace, owners, runner))
        spent, before = cpu_ms(operator) if operator else 0.0, world.writes()
        written = await operator.metric(WRITES) if operator else 0.0
        bodies = objects.bodies(owners, count, "loop", receiver.url)
        await objects.create_at_rate(world.client, namespace, seen, bodies, sizes.rate)
        await _all_ended(seen, count, webhooks=operator is not None)
        await asyncio.gather(*reports)
        figures: Figures = {
            f"{prefix}create_to_pod_ms": spans_ms(seen.created, seen.pod_seen),
            f"{prefix}loop_pod_end_to_end_ms": spans_ms(seen.pod_ended, seen.ended),
            f"{prefix}cluster_writes_per_object": (world.writes() - before) / count,
        }
        if operator is not None:
            figures["cpu_ms_per_task"] = (cpu_ms(operator) - spent) / count
            figures["operator_writes_per_task"] = (await operator.metric(WRITES) - written) / count
        return figures


async def live(world: World, sizes: Sizes) -> Figures:
    """Many running tasks: what each of the first and of the last costs, memory, and a restart after SIGKILL."""
    await world.job_controller(TUNED)
    namespace, step, total = await world.namespace(LIVE_NAMESPACE), sizes.step, sizes.live
    async with observed(world.client, namespace, SKYVERNTASKS) as seen:
        async with world.operator(namespace) as operator:
            first = await _more_live(world, operator, seen, step)
            await _more_live(world, operator, seen, max(0, total - 2 * step))
            last = await _more_live(world, operator, seen, step)
            rss = operator.resident_mib()
            operator.kill()
        begun = time.monotonic()
        async with world.operator(namespace) as operator:
            ready = time.monotonic() - begun
            await _idle(operator)
            restarted = {"rss_mib_after_restart": operator.resident_mib(), "restart_ready_s": ready}
        pods = [pod async for page in world.client.list_pages(PODS, namespace) for pod in page.items]
    tasks = {pod["metadata"]["labels"][LABEL_TASK_UID] for pod in pods}
    return {
        "live": total,
        "rss_mib": rss,
        **restarted,
        "duplicate_pods": len(pods) - len(tasks),
        "growth": {name: last[name] / first[name] - 1 for name in first},
        "cost_of_the_first": first,
        "cost_of_the_last": last,
    }


async def _more_live(world: World, operator: OperatorProcess, seen: Observation, count: int) -> dict[str, float]:
    """Run so many more tasks; what each cost the operator, and their pace."""
    there = len(seen.created)
    spent, begun = cpu_ms(operator), time.monotonic()
    bodies = objects.bodies(SKYVERNTASKS, count, f"live-{there}")
    await objects.create_at_once(world.client, LIVE_NAMESPACE, seen, bodies)
    await _counted(lambda: sum(p == "running" for p in seen.phases.values()), there + count, "running tasks")
    await _idle(operator)
    return {
        "cpu_ms": (cpu_ms(operator) - spent) / max(1, count),
        "ms": (time.monotonic() - begun) / max(1, count) * 1e3,
    }


async def retained(world: World, sizes: Sizes) -> Figures:
    """Memory with many ended tasks, which stay until their time to live is over."""
    namespace = await world.namespace()
    await objects.create_ended(world.client, namespace, sizes.retained)
    async with world.operator(namespace) as operator:
        await _idle(operator)
        return {"retained": sizes.retained, "rss_mib_retained": operator.resident_mib()}


async def _all_ended(seen: Observation, count: int, *, webhooks: bool = False) -> None:
    await _counted(lambda: min(len(seen.ended), len(seen.delivered) if webhooks else count), count, "ends")
    wrong = [phase for phase in seen.phases.values() if phase != "completed"]
    if wrong or seen.duplicates:
        raise AssertionError(f"{len(wrong)} did not complete ({wrong[:3]}), {seen.duplicates} pods too many")


async def _counted(look: Any, count: int, what: str) -> None:
    async def number() -> int:
        return int(look())

    await eventually(number, lambda found: found >= count, what=f"{count} {what}", within=DEADLINE_SECONDS)


async def _idle(operator: OperatorProcess) -> None:
    """Wait until the operator has taken in every object and has nothing to do."""

    async def queued() -> float:
        return await operator.metric("skyvern_operator_queue_depth")

    await eventually(queued, lambda depth: depth == 0, what="an idle operator", within=DEADLINE_SECONDS)


PARTS: Final = {"throughput": throughput, "latency": latency, "live": live, "retained": retained}


def chosen(only: str) -> Sequence[str]:
    """Names of parts from a comma list; empty is all of them. Raises ValueError."""
    names = [name.strip() for name in only.split(",") if name.strip()] or list(PARTS)
    if unknown := [name for name in names if name not in PARTS]:
        raise ValueError(f"--only: there is no part {unknown[0]!r}: choose from {', '.join(PARTS)}")
    return names
