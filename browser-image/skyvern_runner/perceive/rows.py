"""Rows of an outline, as the page script sends them and as they are printed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from skyvern_crds import wire
from skyvern_runner.browser.element_id import PAGE, ElementId, Frame

ACTIONABLE: Final = 1
IN_VIEW: Final = 2
FORM_CONTROL: Final = 4
CONTAINER: Final = 8
FOREIGN_FRAME: Final = 16
SCROLLS: Final = 32
APART: Final = 64
"""Not in the flow of what is around it: it may be in view wherever that is scrolled to."""

MARK: Final = "*"
"""Stands before a row that is new or changed."""


class Row(NamedTuple):
    """A node of the outline."""

    depth: int
    """Nesting."""
    id: ElementId | None
    """None if no action can refer to it."""
    role: str
    """ARIA role, ``text``, ``frame``, ``file``, ``date`` and the like."""
    name: str
    """Accessible name, or the text."""
    states: str
    """Value and states as printed, with a leading space each."""
    flags: int
    """ACTIONABLE and the others."""
    groups: tuple[tuple[int, int], ...]
    """Lists around the row, outermost first, each with the index of the item."""

    @property
    def signature(self) -> tuple[str, str, str]:
        """What counts as a change."""
        return (self.role, self.name, self.states)

    def line(self, *, marked: bool = False) -> str:
        """The printed row, on one line whatever the page put into its states."""
        mark = MARK if marked else ""
        number = f"[{self.id}] " if self.id and not self.flags & FOREIGN_FRAME else ""
        name = f" {wire.dumps(self.name)}" if self.name or self.flags & ACTIONABLE else ""
        states = " ".join(self.states.splitlines())
        return "  " * self.depth + f"{mark}{number}{self.role}{name}{states}"


@dataclass(frozen=True)
class ItemList:
    """A container with many children of one kind."""

    name: str
    count: int


@dataclass(frozen=True)
class Tree:
    """The rows of a page and its frames."""

    rows: tuple[Row, ...]
    lists: tuple[ItemList, ...]
    scrolls: bool = False
    """Whether the page itself can be scrolled."""


def parse(
    answer: Mapping[str, Any],
    *,
    frame: Frame = PAGE,
    depth: int = 0,
    list_base: int = 0,
    outer: tuple[tuple[int, int], ...] = (),
    in_view: bool = True,
) -> Tree:
    """Parse the rows of one document. ``outer`` are the lists around the frame that holds it."""
    lists = answer["lists"]
    chains: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {}

    def chain(index: int, item: int) -> tuple[tuple[int, int], ...]:
        if index < 0:
            return outer
        known = chains.get((index, item))
        if known is None:
            known = (*chain(lists[index][3], lists[index][4]), (index + list_base, item))
            chains[(index, item)] = known
        return known

    rows = []
    for level, key, role, name, states, flags, index, item in answer["rows"]:
        rows.append(
            Row(
                depth=level + depth,
                id=ElementId(frame, key) if key else None,
                role=role,
                name=name,
                states=states,
                flags=flags if in_view else flags & ~IN_VIEW,
                groups=chain(index, item),
            )
        )
    return Tree(tuple(rows), tuple(ItemList(entry[0], entry[2]) for entry in lists), bool(answer.get("scroll")))


def marks(rows: Sequence[Row], before: Sequence[Row] | None) -> frozenset[int]:
    """Indices of rows that are new or changed since ``before``; none without an earlier look."""
    if before is None:
        return frozenset()
    known = {row.id: row.signature for row in before if row.id}
    texts = Counter(row.signature for row in before if not row.id)
    marked = set()
    for index, row in enumerate(rows):
        if row.id:
            if known.get(row.id) != row.signature:
                marked.add(index)
        elif texts[row.signature] > 0:
            texts[row.signature] -= 1
        elif not row.flags & CONTAINER:
            marked.add(index)
    return frozenset(marked)
