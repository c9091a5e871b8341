"""Deliveries in the order in which they are made: namespaces take turns, and none may have all of the tries."""

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field

from skyvern_operator.state.records import TaskRecord


@dataclass(slots=True)
class _Line:
    """What waits in one namespace: tasks by the host that they call, the host whose turn it is first."""

    hosts: OrderedDict[str, deque[TaskRecord]] = field(default_factory=OrderedDict)
    active: int = 0


class DeliveryQueue:
    """A line for each namespace, with bounds on the tries that one namespace and one host have at once.

    Namespaces take turns, and so do the hosts within a namespace. What has reached its bound is passed over.
    """

    def __init__(self, *, per_namespace: int, per_host: int) -> None:
        self._per_namespace = per_namespace
        self._per_host = per_host
        self._lines: OrderedDict[str, _Line] = OrderedDict()
        self._active: Counter[str] = Counter()
        """Tries at each host."""
        self._idle: deque[asyncio.Future[TaskRecord]] = deque()

    def put(self, task: TaskRecord) -> None:
        """Line up a delivery."""
        line = self._lines.setdefault(task.key.namespace, _Line())
        line.hosts.setdefault(task.webhook_host, deque()).append(task)
        self._hand_out()

    async def get(self) -> TaskRecord:
        """The next delivery. Call :meth:`done` when its try has ended."""
        if (task := self._take()) is not None:
            return task
        waiter: asyncio.Future[TaskRecord] = asyncio.get_running_loop().create_future()
        self._idle.append(waiter)
        return await waiter

    def done(self, task: TaskRecord) -> None:
        """The try has ended."""
        namespace, host = task.key.namespace, task.webhook_host
        line = self._lines[namespace]
        line.active -= 1
        if not line.active and not line.hosts:
            del self._lines[namespace]
        self._active[host] -= 1
        if not self._active[host]:
            del self._active[host]
        self._hand_out()

    def _hand_out(self) -> None:
        while self._idle:
            if self._idle[0].done():  # its worker was canceled
                self._idle.popleft()
            elif (task := self._take()) is not None:
                self._idle.popleft().set_result(task)
            else:
                return

    def _take(self) -> TaskRecord | None:
        for namespace, line in self._lines.items():
            if line.active >= self._per_namespace:
                continue
            for host, tasks in line.hosts.items():
                if self._active[host] < self._per_host:
                    task = tasks.popleft()
                    line.active += 1
                    self._active[host] += 1
                    self._lines.move_to_end(namespace)
                    line.hosts.move_to_end(host)
                    if not tasks:
                        del line.hosts[host]
                    return task
        return None
