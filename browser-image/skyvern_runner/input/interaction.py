"""What an action may do on the page: aim, click, use keys, open addresses, and wait for the effect."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from selenium.common.exceptions import WebDriverException

from skyvern_runner.browser.element_id import PAGE, SEPARATOR, ElementId, Frame
from skyvern_runner.browser.history import Direction, travel
from skyvern_runner.browser.navigate import open_page
from skyvern_runner.browser.session import Browser, lost_is_an_error
from skyvern_runner.browser.upload_source import SourceFile, UploadSources, load_file
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.held_keys import HeldKeys
from skyvern_runner.input.keyboard import Keyboard
from skyvern_runner.input.outcome import Effect, Target, TextChanges
from skyvern_runner.input.pointer import Pointer

SETTLE_MS: Final = 1000
"""Longest wait for a page to become quiet after an action."""
_ATTEMPTS: Final = 4
_ACTING: Final = frozenset({"press", "setValue", "pickNative", "filePlace"})
"""Calls of the page script that act on the page by themselves."""


class Interaction:
    """One action in progress, on the page as the last look showed it."""

    def __init__(
        self,
        browser: Browser,
        documents: Mapping[Frame, str],
        url: str,
        *,
        uploads: UploadSources,
        held: HeldKeys,
        sleep: Callable[[float], None],
    ) -> None:
        self.browser = browser
        self.sleep = sleep
        """Waits for a number of seconds; may raise Stopped."""
        self.acted = False
        """Whether anything was done to the page yet."""
        self.url = url
        """Address of the page before the action."""
        self.mark = browser.way_out.gate.count
        """Connections that had failed before the action."""
        self._keyboard = Keyboard(browser, held)
        self._pointer = Pointer(browser, held)
        self._documents = documents
        self._uploads = uploads

    @property
    def token(self) -> str | None:
        """The page's document before the action."""
        return self._documents.get(PAGE)

    @property
    def keyboard(self) -> Keyboard:
        """Types into what has the focus."""
        self.acted = True
        return self._keyboard

    @property
    def pointer(self) -> Pointer:
        """Moves over the page and presses its buttons."""
        self.acted = True
        return self._pointer

    def call(self, frame: Frame, name: str, *args: object) -> Any:
        """The page script's answer in a document, which may be ``{"error": ...}``."""
        return self.browser.call(frame, name, *args)

    def answered(self, frame: Frame, name: str, *args: object) -> Any:
        """The page script's answer in a document. Raises ActionFailedError with the error that it holds."""
        answer = self.browser.call(frame, name, *args)
        if isinstance(answer, dict) and "error" in answer:
            raise ActionFailedError(str(answer["error"]))
        return answer

    def ask_each(self, name: str, *args: object) -> list[tuple[Frame, Any]]:
        """The page script's answer in the page and in each frame of another origin that is there still."""
        answers = [(PAGE, self.call(PAGE, name, *args))]
        answers += [(frame, self.call_if_there(frame, name, *args)) for frame in self._documents if frame]
        return [(frame, answer) for frame, answer in answers if answer is not None]

    def call_if_there(self, frame: Frame, name: str, *args: object) -> Any:
        """The page script's answer in a document; None when that is gone, or just being replaced."""
        try:
            return self.call(frame, name, *args)
        except WebDriverException:
            return None

    def ask(self, element: ElementId, name: str, *args: object) -> Any:
        """The page script's answer about an element. Raises ActionFailedError."""
        self.acted = self.acted or name in _ACTING
        return self.answered(element.frame, name, element.own, *args)

    def aim(self, element: ElementId, *, typing: bool = False, force: bool = False) -> Target:
        """Find the element, bring it into view, and test what a click there would hit. Raises ActionFailedError.

        ``typing``: it must take text. ``force``: it may be covered.
        """
        frame = element.frame
        options: dict[str, object] = {"typing": typing, "force": force}
        if frame and frame not in self._documents:
            raise ActionFailedError(f"not found: no element has the id {element}")
        if frame in self._documents:
            options["seen"] = self._documents[frame]
        options["prefix"] = "".join(f"{each}{SEPARATOR}" for each in frame)
        answer = self.ask(element, "aim", options)
        x, y = self.origin(frame)
        return Target(
            id=element,
            label=answer["label"],
            tag=answer["tag"],
            type=answer["type"],
            token=answer["token"],
            x=answer["x"] + x,
            y=answer["y"] + y,
            state=answer["state"],
        )

    def click(self, target: Target) -> None:
        """Move the pointer to the target and click with the left button."""
        self.pointer.click(target.x, target.y)

    def open(self, url: str) -> None:
        """Load ``url``. Raises PageLoadError."""
        self.call(PAGE, "pageState")  # meets a dialog that waits before anything is done
        self.acted = True
        open_page(self.browser, url)

    def travel(self, direction: Direction) -> None:
        """Go back or forward, or load the page again. Raises ActionFailedError."""
        travel(self.browser, direction)
        self.acted = True

    def switch_tab(self, number: int) -> None:
        """Bring a tab to the front. Raises ActionFailedError."""
        with lost_is_an_error():
            self.browser.tabs.switch(number)
        self.acted = True

    def close_tab(self, number: int | None) -> str:
        """Close a tab, or the one in front, and return which one is in front then. Raises ActionFailedError."""
        with lost_is_an_error():
            said = self.browser.tabs.close(number)
        self.acted = True
        return said

    def answer_dialog(self, *, accept: bool, text: str | None) -> None:
        """Answer the dialog that waits. Raises ActionFailedError if there is none."""
        if not self.browser.answer_dialog(accept=accept, text=text):
            raise ActionFailedError("no dialog is open")
        self.acted = True

    def load_file(self, source: str) -> SourceFile:
        """The file at a path or an address. Raises FileSourceError."""
        return load_file(source, self._uploads, self.browser.way_out.gate)

    def settle(self, target: Target | None = None, *, quiet_ms: int | None = None) -> Effect:
        """Wait until the page is quiet, at most SETTLE_MS and a page load, and read back what happened.

        ``quiet_ms``: how long nothing must change.
        """
        limits = {"most": SETTLE_MS} if quiet_ms is None else {"most": SETTLE_MS, "least": quiet_ms}
        frame, own = (target.id.frame, target.id.own) if target else (PAGE, None)
        attempts_left = _ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                answer = self.browser.call(frame, "settle", own, limits)
                break
            except WebDriverException:
                # The document, or the frame, was replaced while the call waited in it.
                if not attempts_left:
                    raise
                frame, own = PAGE, None
        same = target is None or answer["token"] == target.token
        fresh = tuple((ElementId(frame, key), role, name) for key, role, name in answer["fresh"])
        return Effect(
            url=answer["url"],
            token=answer["token"],
            mutations=answer["mutations"],
            fresh=fresh if same else (),
            messages=tuple(answer["messages"]) if same else (),
            frame=frame,
            state=answer["state"] if same else None,
            events=answer["events"] if same else None,
            texts=_text_changes(answer) if same else TextChanges(),
            changes=(*answer["changes"], *_more(answer["otherwise"], "field")) if same else (),
            complaints=tuple(answer["complaints"]) if same else (),
            strayed=answer["strayed"] if same else "",
        )

    def origin(self, frame: Frame) -> tuple[float, float]:
        """Where the content of a document begins in the page."""
        x = y = 0.0
        for depth, own in enumerate(frame):
            box = self.answered(frame[:depth], "frameBox", own)
            x, y = x + box["x"], y + box["y"]
        return x, y


def _text_changes(answer: Mapping[str, Any]) -> TextChanges:
    appeared, vanished, flashed = (tuple(answer[key]) for key in ("appeared", "vanished", "flashed"))
    return TextChanges(appeared, answer["more"], vanished, flashed)


def _more(count: int, what: str) -> tuple[str, ...]:
    return (f"{count} more {what}{'s' * (count > 1)}",) if count else ()
