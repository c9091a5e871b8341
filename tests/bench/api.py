"""How fast the facade answers and how much memory it takes, over a real control plane.

``python -m tests.bench.api [--rounds N] [--tasks N]`` prints a table and writes build/bench/api.json. The facade runs
as a process with the rights of its release; no operator runs, so that tasks stay as they are. Times depend on the
machine, so those of calls one after the other are also given as a ratio to ``GET /heartbeat``, which does nothing, in
the same rounds.
"""

import argparse
import http.client
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from skyvern_crds.rest.key_limits import KeyLimits
from tests.apiserver.calls import REQUEST
from tests.apiserver.cluster import Tenants, create_tenants
from tests.apiserver.program import Program, facade_environment, start
from tests.bench.samples import Samples, by_turns, grid, keep
from tests.cluster import ControlPlane, Progress, SetupError, control_plane

TASKS: Final = 500
"""Tasks of the tenant whose list is read, unless another number is given."""
CLIENTS: Final = 16
ROUNDS: Final = 200
TASKS_PATH: Final = "/api/v1/tasks"
BODY: Final = json.dumps(REQUEST).encode()


class Caller:
    """One connection that stays open, with as little as possible between the stopwatch and the facade."""

    def __init__(self, url: str, key: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._headers = {"x-api-key": key, "content-type": "application/json"}
        self.etag = ""
        """Of the last answer."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.close()

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = MappingProxyType({})
    ) -> bytes:
        """The answer's body. Raises SetupError unless the status is 200, or 304 for a body that is known."""
        self._connection.request(method, path, body, {**self._headers, **headers})
        answer = self._connection.getresponse()
        content = answer.read()
        self.etag = answer.headers.get("etag", "")
        if answer.status != 200 and not (answer.status == 304 and headers):
            raise SetupError(f"{method} {path} was answered with {answer.status}: {content[:300].decode()}")
        return content

    def create(self) -> str:
        """Create a task; return its id."""
        return str(json.loads(self.call("POST", TASKS_PATH, BODY))["task_id"])

    def heartbeat(self, _round: int) -> None:
        """The cheapest request to the facade."""
        self.call("GET", "/api/v1/heartbeat")


@contextmanager
def facade(tenants: Tenants) -> Iterator[Program]:
    """The facade as a process, until the block ends."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        kubeconfig = tenants.plane.kubeconfig_for(tenants.release, "facade")
        environment = facade_environment(tenants, kubeconfig, folder, drain_seconds=0)
        environment |= {f"SKYVERN_{each.name.upper()}": "0" for each in fields(KeyLimits)}  # one key makes all the load
        program = start(environment, folder)
        try:
            yield program
        finally:
            program.process.kill()
            program.process.wait(10)


def create_at_once(program: Program, key: str, count: int) -> tuple[Samples, float]:
    """Create tasks with several clients at once: the time of each, and seconds for all. Raises what a client raised."""
    numbers = iter(range(count))
    lock = threading.Lock()
    taken: list[float] = []
    raised: list[Exception] = []

    def client() -> None:
        try:
            with Caller(program.public, key) as caller:
                while True:
                    with lock:
                        if raised or next(numbers, None) is None:
                            return
                    begun = time.perf_counter()
                    caller.create()
                    taken.append((time.perf_counter() - begun) * 1000)
        except (SetupError, OSError, http.client.HTTPException) as error:
            raised.append(error)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    if raised:
        raise raised[0]
    return Samples.of(taken), seconds


def turns(rounds: int, caller: Caller, **calls: Callable[[int], object]) -> dict[str, Samples]:
    """Time calls, with the heartbeat in every round."""
    return by_turns(rounds, {"heartbeat": caller.heartbeat, **calls})


def read(rounds: int, caller: Caller, tasks: int) -> dict[str, Samples]:
    """Read one task and lists of them. Raises SetupError unless all are listed."""
    listed = json.loads(caller.call("GET", f"{TASKS_PATH}?page_size={tasks * 2}"))
    if len(listed) != tasks:
        raise SetupError(f"{len(listed)} tasks are listed instead of {tasks}")
    one = f"{TASKS_PATH}/{listed[tasks // 2]['task_id']}"
    caller.call("GET", one)
    known, packed = {"if-none-match": caller.etag}, {"accept-encoding": "gzip"}
    return turns(
        rounds,
        caller,
        get=lambda _: caller.call("GET", one),
        known=lambda _: caller.call("GET", one, headers=known),
        list=lambda _: caller.call("GET", f"{TASKS_PATH}?page_size=10"),
        packed=lambda _: caller.call("GET", f"{TASKS_PATH}?page_size=10", headers=packed),
        last=lambda _: caller.call("GET", f"{TASKS_PATH}?page_size=10&sort=modified_at&page={tasks // 10}"),
        none=lambda _: caller.call("GET", f"{TASKS_PATH}?task_status=failed"),
        all=lambda _: caller.call("GET", f"{TASKS_PATH}?page_size={tasks}"),
    )


def measure(plane: ControlPlane, rounds: int, tasks: int, progress: Progress) -> dict[str, Any]:
    """Measure, print the table, return what goes into the file."""
    with progress.step("start the facade"):
        tenants = create_tenants(plane)
    alice, bob = tenants.key("alice"), tenants.key("bob")
    with facade(tenants) as program, Caller(program.public, alice) as reader, Caller(program.public, bob) as writer:
        rss = {"idle": program.rss_mib()}
        with progress.step(f"{rounds} rounds of a create"):
            creating = turns(rounds, writer, create=lambda _: writer.create())
        with progress.step(f"{tasks} creates by {CLIENTS} clients"):
            crowd, seconds = create_at_once(program, alice, tasks)
        rss["after the creates"] = program.rss_mib()
        with progress.step(f"{rounds} rounds of reading, with {tasks} tasks"):
            reading = read(rounds, reader, tasks)
        rss["at the end"] = program.rss_mib()
    rows = [
        ("POST /tasks, one after the other", creating["create"], creating["heartbeat"]),
        (f"POST /tasks, {CLIENTS} clients at once", crowd, None),
        (f"GET one of {tasks}", reading["get"], reading["heartbeat"]),
        ("GET one with If-None-Match", reading["known"], reading["heartbeat"]),
        (f"GET a list of 10 of {tasks}", reading["list"], reading["heartbeat"]),
        ("GET it with gzip", reading["packed"], reading["heartbeat"]),
        ("GET its last page by modified_at", reading["last"], reading["heartbeat"]),
        ("GET the tasks of a status that none has", reading["none"], reading["heartbeat"]),
        ("GET all of them", reading["all"], reading["heartbeat"]),
        ("GET /heartbeat, between creates", creating["heartbeat"], None),
        ("GET /heartbeat, between reads", reading["heartbeat"], None),
    ]
    print(grid(["ms", "p50", "p99", "min", "of heartbeat"], [line(*row) for row in rows]))
    print(f"\n  creates by {CLIENTS} clients: {tasks / seconds:.0f} a second")
    print("  facade RSS, MiB: " + ", ".join(f"{when} {mib:.0f}" for when, mib in rss.items()))
    return {
        "rounds": rounds,
        "ms": {title: samples.ms for title, samples, _ in rows},
        "of_heartbeat": {title: samples.median / base.median for title, samples, base in rows if base},
        "creates_at_once": {"tasks": tasks, "clients": CLIENTS, "seconds": seconds},
        "rss_mib": rss,
    }


def line(title: str, samples: Samples, base: Samples | None) -> list[str]:
    """A row of the table."""
    ratio = f"{samples.median / base.median:.1f} x" if base else ""
    return [title, f"{samples.median:.1f}", f"{samples.p99:.1f}", f"{samples.least:.1f}", ratio]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark: 0 unless something did not work."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds to measure (default: {ROUNDS})")
    parser.add_argument("--tasks", type=int, default=TASKS, help=f"tasks to create and read (default: {TASKS})")
    chosen = parser.parse_args(arguments)
    progress = Progress()
    try:
        with control_plane(progress) as plane:
            figures = measure(plane, max(1, chosen.rounds), max(10, chosen.tasks), progress)
    except (SetupError, OSError, http.client.HTTPException) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"  written to {keep('api', figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
