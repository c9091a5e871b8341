"""One look at the page and its frames."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from selenium.common.exceptions import WebDriverException

from skyvern_runner.browser.element_id import PAGE, ElementId, Frame
from skyvern_runner.browser.session import Browser
from skyvern_runner.errors import BrowserError, DialogWaitsError, first_line
from skyvern_runner.perceive.fold import CHARS_PER_TOKEN, render
from skyvern_runner.perceive.rows import ACTIONABLE, CONTAINER, FOREIGN_FRAME, IN_VIEW, SCROLLS, Row, Tree, marks, parse

DEFAULT_BUDGET: Final = 6000
"""Tokens of an outline."""
TEXT_LIMIT: Final = 600
"""Characters of one line of text."""
MAX_FOREIGN_FRAMES: Final = 20
MAX_FRAME_DEPTH: Final = 4
_FRAME_ATTEMPTS: Final = 2


@dataclass(frozen=True)
class Element:
    """Something that an action can refer to."""

    id: ElementId
    role: str
    name: str
    states: str
    """As printed."""
    in_view: bool


@dataclass(frozen=True)
class Stats:
    """Sizes of a look."""

    elements: int
    """DOM elements visited."""
    rows: int
    """Rows of the whole outline."""
    hidden: int
    """Rows that the budget left out."""
    tokens: int
    """Estimate for the printed outline."""
    screens: float
    """Height of the page in screens."""
    scrolled: float
    """Screens above the view."""
    truncated: bool
    """Whether the page has more elements than a look visits."""


@dataclass(frozen=True)
class Snapshot:
    """What the page shows."""

    url: str
    title: str
    outline: str
    elements: Mapping[ElementId, Element]
    """By id; those of the whole page, printed or not."""
    documents: Mapping[Frame, str]
    """Token of each document; an id is valid only as long as its document."""
    stats: Stats
    rows: tuple[Row, ...] = field(repr=False)
    notes: tuple[str, ...] = ()
    """What happened by itself since the last action: dialogs closed, a tab that opened."""
    situation: tuple[str, ...] = ()
    """Beside the page: tabs, keys that are held down."""

    @property
    def labels(self) -> Mapping[ElementId, str]:
        """Role and name of every element, by id."""
        return {key: f'{element.role} "{element.name}"' for key, element in self.elements.items()}

    @property
    def fingerprint(self) -> str:
        """Digest of what the page shows and where it is scrolled to."""
        digest = hashlib.sha256(f"{self.url} {self.stats.scrolled}".encode())
        for row in self.rows:
            digest.update(repr(row.signature).encode())
        return digest.hexdigest()[:16]


def perceive(browser: Browser, previous: Snapshot | None = None, budget: int = DEFAULT_BUDGET) -> Snapshot:
    """Look at the page. If the document is the same as in ``previous``, changes since then are marked.

    Raises DialogWaitsError, BrowserError, and BrowserLostError when the browser is gone.
    """
    try:
        answer = browser.call(PAGE, "look", {"textLimit": TEXT_LIMIT})
    except WebDriverException as error:
        raise BrowserError(f"the page cannot be looked at: {first_line(error)}") from error
    documents = {PAGE: str(answer["token"])}
    tree = _with_frames(browser, parse(answer), documents)
    same = previous is not None and previous.documents.get(PAGE) == documents[PAGE]
    marked = marks(tree.rows, previous.rows if same and previous else None)
    head = _position(answer)
    printed = render(tree, budget - round(len(head) / CHARS_PER_TOKEN), marked)
    elements = {
        row.id: Element(row.id, row.role, row.name, row.states, bool(row.flags & IN_VIEW))
        for row in tree.rows
        if row.id and row.flags & (ACTIONABLE | SCROLLS)
    }
    stats = Stats(
        elements=answer["seen"],
        rows=len(tree.rows),
        hidden=printed.hidden,
        tokens=printed.tokens,
        screens=round(answer["screens"], 1),
        scrolled=round(answer["scrolled"], 1),
        truncated=answer["truncated"],
    )
    return Snapshot(
        url=answer["url"],
        title=answer["title"],
        outline=head + printed.text,
        elements=MappingProxyType(elements),
        documents=MappingProxyType(documents),
        stats=stats,
        rows=tree.rows,
        notes=tuple(f'shown for a moment since then: "{text}"' for text in answer["meanwhile"]),
    )


def dialog_in_front(dialog: DialogWaitsError, url: str, title: str) -> Snapshot:
    """What can be seen while a dialog waits: nothing of the page behind it can be used, or read."""
    row = Row(0, None, "dialog", dialog.text, f" {dialog.kind} waits for answer_dialog", IN_VIEW, ())
    stats = Stats(elements=0, rows=1, hidden=0, tokens=0, screens=1.0, scrolled=0.0, truncated=False)
    nothing: Mapping[ElementId, Element] = MappingProxyType({})
    return Snapshot(url, title, row.line(), nothing, MappingProxyType({}), stats, (row,))


def _with_frames(browser: Browser, tree: Tree, documents: dict[Frame, str], depth: int = 1) -> Tree:
    """Insert the rows of frames of other origins after the row of their frame."""
    if depth > MAX_FRAME_DEPTH or not any(row.flags & FOREIGN_FRAME for row in tree.rows):
        return tree
    rows: list[Row] = []
    lists = list(tree.lists)
    for row in tree.rows:
        if not row.id or not row.flags & FOREIGN_FRAME or len(documents) > MAX_FOREIGN_FRAMES:
            rows.append(row)
            continue
        frame = row.id.content
        answer = _foreign(browser, frame)
        rows.append(_scrolling(row, frame, answer) if answer and answer["scroll"] else row)
        if answer is None:
            continue
        documents[frame] = str(answer["token"])
        inner = parse(
            answer,
            frame=frame,
            depth=row.depth + 1,
            list_base=len(lists),
            outer=row.groups,
            in_view=bool(row.flags & IN_VIEW),
        )
        lists.extend(inner.lists)
        inner = _with_frames(browser, Tree(inner.rows, tuple(lists)), documents, depth + 1)
        lists = list(inner.lists)
        rows.extend(inner.rows)
    return Tree(tuple(rows), tuple(lists), tree.scrolls)


def _position(answer: Mapping[str, Any]) -> str:
    """A line about the page as a whole."""
    parts = [f"page{answer['scroll']}"] if answer["scroll"] else []
    if answer["truncated"]:
        parts.append(f"only the first {answer['seen']} elements are shown")
    return f"{'; '.join(parts)}\n" if parts else ""


def _scrolling(row: Row, frame: Frame, answer: Mapping[str, Any]) -> Row:
    """The row of a frame, with the id of its document, which scrolls."""
    flags = row.flags & ~FOREIGN_FRAME | CONTAINER | SCROLLS
    return row._replace(id=ElementId(frame, str(answer["root"])), states=row.states + answer["scroll"], flags=flags)


def _foreign(browser: Browser, frame: Frame) -> Any:
    """The look of one frame; None if it cannot be entered, which does not affect the rest of the page."""
    for _ in range(_FRAME_ATTEMPTS):
        try:
            return browser.call(frame, "look", {"textLimit": TEXT_LIMIT})
        except WebDriverException:
            continue  # the frame's document is being replaced
    return None
