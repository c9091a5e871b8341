"""The agent's page, in a real browser."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from selenium.common.exceptions import WebDriverException

from skyvern_crds import wire
from skyvern_runner.actions.base import PageAction
from skyvern_runner.browser import screenshot
from skyvern_runner.browser.element_id import PAGE, ElementId, Frame
from skyvern_runner.browser.navigate import await_tab, open_page
from skyvern_runner.browser.session import Browser, BrowserOptions, start_browser
from skyvern_runner.browser.upload_source import UploadSources
from skyvern_runner.errors import DialogWaitsError
from skyvern_runner.input.held_keys import HeldKeys
from skyvern_runner.input.interaction import Interaction
from skyvern_runner.input.outcome import ActionResult
from skyvern_runner.input.result import carry_out
from skyvern_runner.perceive.look import DEFAULT_BUDGET, Snapshot, dialog_in_front, perceive

_NO_UPLOADS: Final = UploadSources()


class ChromePage:
    """Implements the agent's ``Page``. It remembers the last look, and the next one marks what changed since."""

    def __init__(
        self,
        browser: Browser,
        uploads: UploadSources = _NO_UPLOADS,
        budget: int = DEFAULT_BUDGET,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._browser = browser
        self._uploads = uploads
        self._budget = budget
        self._sleep = sleep
        self._held = HeldKeys()
        self._last: Snapshot | None = None
        """The last look at the page itself, which a dialog does not end."""
        self._opened = ""

    @classmethod
    def start(
        cls, options: BrowserOptions, uploads: UploadSources = _NO_UPLOADS, sleep: Callable[[float], None] = time.sleep
    ) -> "ChromePage":
        """Start a browser. ``sleep`` waits, and may raise Stopped. Raises BrowserStartError."""
        return cls(start_browser(options), uploads, sleep=sleep)

    def open(self, url: str) -> None:
        """Load ``url``. Raises PageLoadError, BrowserLostError. A dialog that comes up waits for the next look."""
        self._clear_dialog()
        self._opened = url
        with suppress(DialogWaitsError):
            open_page(self._browser, url)

    def look(self) -> Snapshot:
        """Perceive the page as it is now, in a tab that opened since if there is one, and the dialog in front of it."""
        browser = self._browser
        try:
            said = None if browser.waiting else browser.adopt_tab()
            if said:
                await_tab(browser)
            seen = self._last = perceive(browser, self._last, self._budget)
        except DialogWaitsError as dialog:
            last = self._last
            return dialog_in_front(dialog, last.url if last else self._opened, last.title if last else "")
        notes = (*seen.notes, *([said] if said else []), *browser.notes)
        browser.notes.clear()
        return replace(seen, notes=notes, situation=self._situation())

    def _situation(self) -> tuple[str, ...]:
        """What else the model must know to act: the tabs, if there are several, and the keys that are down."""
        lines = [
            f"Tab {tab.number}{' (in front)' if tab.in_front else ''}: {wire.dumps(tab.title)} {tab.url}"
            for tab in self._browser.tabs.listed()
        ]
        if self._held.names:
            lines.append(f"Keys held down: {', '.join(self._held.names)}")
        return tuple(lines)

    def do(self, action: PageAction) -> ActionResult:
        """Carry out one action and read its effect back. Raises BrowserLostError."""
        snapshot = self._last or self.look()
        interaction = Interaction(
            self._browser,
            snapshot.documents,
            snapshot.url,
            uploads=self._uploads,
            held=self._held,
            sleep=self._sleep,
        )
        return carry_out(interaction, action.run)

    def host_of(self, element: ElementId | None) -> str:
        """Host name of the document that holds the element, of the page when there is no such element."""
        frame, own = element or (PAGE, "")
        try:
            return str(self._browser.call(frame, "hostOf", own)["host"])
        except WebDriverException:
            return ""

    def screenshot(self) -> bytes:
        """The visible part of the page as JPEG."""
        return screenshot.view_jpeg(self._browser)

    def final_screenshot(self) -> bytes:
        """The whole page as PNG, cut at MAX_HEIGHT."""
        self._clear_dialog()
        return screenshot.page_png(self._browser)

    def text(self) -> str:
        """The visible text of the page and its frames."""
        self._clear_dialog()
        texts = [str(self._browser.call(PAGE, "pageText")["text"])]
        for frame in self._documents():
            if frame:
                try:
                    texts.append(str(self._browser.call(frame, "pageText")["text"]))
                except WebDriverException:
                    continue  # the frame is gone; the page's own text is still good
        return "\n".join(texts)

    def close(self) -> None:
        """End the browser session; never raises."""
        self._browser.close()

    def _clear_dialog(self) -> None:
        """Nobody is asked anymore; Cancel does the least."""
        if self._browser.waiting:
            self._browser.answer_dialog(accept=False)

    def _documents(self) -> Mapping[Frame, str]:
        return self._last.documents if self._last else MappingProxyType({})
