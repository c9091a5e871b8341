"""The tabs of a session: which is in front, and their numbers, which the model names them by."""

from collections.abc import Callable
from dataclasses import dataclass

from selenium.webdriver.remote.webdriver import WebDriver

from skyvern_runner.errors import ActionFailedError, BrowserLostError


@dataclass(frozen=True)
class Tab:
    """An open tab."""

    number: int
    """Given once; a closed tab's number is not used again."""
    url: str
    title: str
    in_front: bool


class Tabs:
    """The open tabs. ``prepare`` sets up the one in front, once for each."""

    def __init__(self, driver: WebDriver, prepare: Callable[[], None]) -> None:
        self._driver = driver
        self._prepare = prepare
        self._numbers: dict[str, int] = {}
        """By handle, which is also the id of the tab's DevTools target."""
        self._given = 0
        self._fronts: list[str] = []
        """Tabs that were in front, the current one last."""
        self._prepared: set[str] = set()

    def adopt(self) -> str | None:
        """Switch to a tab that was opened, or away from one that was closed. Returns what happened, if anything."""
        first = not self._numbers
        before = self._front
        opened = self._update()
        if not self._numbers:
            raise BrowserLostError("every tab of the browser was closed")
        if first:
            self._bring(self._driver.current_window_handle)
            return None
        if opened:
            self._bring(opened[-1])
            back = f"; tab {self._numbers[before]} is still open" if before in self._numbers else ""
            return f"a new tab was opened and is now in front{back}"
        if before not in self._numbers:
            self._bring(self._front or next(iter(self._numbers)))
            return "the tab was closed and the previous one is in front"
        return None

    def listed(self) -> tuple[Tab, ...]:
        """The open tabs; empty when there is only one."""
        if len(self._numbers) < 2:
            return ()
        infos = self._driver.execute_cdp_cmd("Target.getTargets", {})["targetInfos"]
        known = {info["targetId"]: info for info in infos}
        return tuple(
            Tab(number, known[handle]["url"], known[handle]["title"], in_front=handle == self._front)
            for handle, number in self._numbers.items()
            if handle in known
        )

    def switch(self, number: int) -> None:
        """Bring a tab to the front. Raises ActionFailedError."""
        self._bring(self._handle(number))

    def close(self, number: int | None = None) -> str:
        """Close a tab, or the one in front, and return which one is in front then. Raises ActionFailedError."""
        here = self._driver.current_window_handle
        handle = self._handle(number) if number is not None else here
        if len(self._numbers) < 2:
            raise ActionFailedError("this is the only tab: it must stay open")
        if handle != here:
            self._driver.switch_to.window(handle)
        self._driver.close()
        self._numbers.pop(handle, None)
        there = here if handle != here else self._front or next(iter(self._numbers))
        self._bring(there)
        return f"tab {self._numbers[there]} is in front"

    @property
    def _front(self) -> str | None:
        """The tab that was brought to the front last, of those that are open."""
        return next((handle for handle in reversed(self._fronts) if handle in self._numbers), None)

    def _update(self) -> list[str]:
        """Note which tabs are open. Returns those that are new."""
        handles: list[str] = self._driver.window_handles
        opened = [handle for handle in handles if handle not in self._numbers]
        for handle in opened:
            self._given += 1
            self._numbers[handle] = self._given
        self._numbers = {handle: number for handle, number in self._numbers.items() if handle in handles}
        return opened

    def _handle(self, number: int) -> str:
        handle = next((handle for handle, each in self._numbers.items() if each == number), None)
        if handle is None:
            open_ones = ", ".join(map(str, self._numbers.values()))
            raise ActionFailedError(f"there is no tab {number}; open are {open_ones}")
        return handle

    def _bring(self, handle: str) -> None:
        self._driver.switch_to.window(handle)
        self._fronts = [each for each in self._fronts if each in self._numbers and each != handle]
        self._fronts.append(handle)
        if handle not in self._prepared:
            self._prepared.add(handle)
            self._prepare()
