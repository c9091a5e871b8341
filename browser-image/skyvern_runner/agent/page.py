"""What the agent needs from a browser: the protocol between the agent and the browser side."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from skyvern_runner.actions.base import PageAction
from skyvern_runner.browser.element_id import ElementId


class SnapshotLike(Protocol):
    """One look at the page."""

    @property
    def url(self) -> str:
        """Address of the page."""

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def outline(self) -> str:
        """The page as the model reads it: one node per line, ids in brackets."""

    @property
    def labels(self) -> Mapping[ElementId, str]:
        """Role and name, by id, of each element that actions can refer to."""

    @property
    def notes(self) -> Sequence[str]:
        """What happened by itself since the last action, for the history."""

    @property
    def situation(self) -> Sequence[str]:
        """What there is beside the page: other tabs, keys that are held down; one line each."""

    @property
    def fingerprint(self) -> str:
        """Digest of what the page shows; the same as long as nothing changes."""


class ActionResultLike(Protocol):
    """What an action did, read back from the page."""

    @property
    def ok(self) -> bool:
        """Whether the intended effect was seen."""

    @property
    def message(self) -> str:
        """The effect, or the cause of the failure, in one line."""

    @property
    def stale(self) -> bool:
        """Whether it failed because the page had changed before, so that its element is gone or another one."""

    @property
    def changed_page(self) -> bool:
        """Whether another page is in front now, so that ids from the last look may be stale."""

    @property
    def shown(self) -> str:
        """Text of the page that the action was to read."""


class Page(Protocol):
    """A browser with one page in front."""

    def open(self, url: str) -> None:
        """Load ``url``. Raises the browser side's PageLoadError or BrowserLostError."""

    def look(self) -> SnapshotLike:
        """Perceive the page as it is now."""

    def host_of(self, element: ElementId | None) -> str:
        """Host name of the document that holds the element; of the page without an id."""

    def do(self, action: PageAction) -> ActionResultLike:
        """Carry out one action and read its effect back."""

    def screenshot(self) -> bytes:
        """The visible part of the page as JPEG."""

    def final_screenshot(self) -> bytes:
        """The page as PNG."""

    def text(self) -> str:
        """The visible text of the page and its frames."""

    def close(self) -> None:
        """End the browser session; never raises."""
