"""What scrolls: the page, and the parts of it that scroll by themselves, with the rows of each that are in view."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.perceive.rows import APART, IN_VIEW, SCROLLS, Tree

_BEGINS: Final = "--- view begins ---"
_ENDS: Final = "--- view ends ---"


@dataclass(slots=True)
class Area:
    """The page, or a part of it that scrolls by itself."""

    id: ElementId | None
    """What to name in order to scroll it; None for the page."""
    depth: int
    """Of the rows in it."""
    scrolls: bool = True
    outer: int = 0
    """Number of the area around it."""
    first: int = -1
    """The first row of its own that is in view; rows of areas inside it, and those placed apart, are not its own."""
    last: int = -1
    start: int = -1
    """The first row of its own."""
    after: int = -1
    """The first row of its own after the last one in view."""


@dataclass(frozen=True)
class Areas:
    """All areas of an outline."""

    of: Sequence[int]
    """The innermost area of each row; that of an area's own row is the one around it."""
    all: Sequence[Area] = field(repr=False)
    """By number; 0 is the page."""

    def place(self, start: int, stop: int) -> str:
        """Where the rows from ``start`` to before ``stop`` are, seen from what is in view; empty if that is unclear."""
        number = self.of[start]
        area = self.all[number]
        if not area.scrolls or area.first < 0 or not self._within(self.of[stop - 1], number):
            return ""
        inside = f" in [{area.id}]" if area.id else ""
        if stop <= area.first:
            return f", above{inside}"
        return f", below{inside}" if start > area.last else ""

    def _within(self, inner: int, outer: int) -> bool:
        while inner > outer:
            inner = self.all[inner].outer
        return inner == outer

    def boundaries(self) -> dict[int, list[str]]:
        """Lines to print in front of rows, where the view of an area begins or ends within it."""
        lines: dict[int, list[str]] = {}
        for area in self.all:
            if not area.scrolls or area.first < 0:
                continue
            indent = "  " * area.depth
            if area.after >= 0:
                lines.setdefault(area.after, []).insert(0, f"{indent}{_ENDS}")
            if area.start < area.first:
                lines.setdefault(area.first, []).append(f"{indent}{_BEGINS}")
        return lines


def find_areas(tree: Tree) -> Areas:
    """The areas of an outline."""
    found = [Area(None, 0, tree.scrolls)]
    numbers = []
    stack = [0]
    current, depth = found[0], 0
    for index, row in enumerate(tree.rows):
        while row.depth < depth:
            stack.pop()
            current = found[stack[-1]]
            depth = current.depth
        numbers.append(stack[-1])
        flags = row.flags
        if not flags & APART:
            _note(current, index, flags)
        if flags & SCROLLS:
            depth = row.depth + 1
            current = Area(row.id, depth, outer=stack[-1])
            found.append(current)
            stack.append(len(found) - 1)
    return Areas(numbers, found)


def _note(area: Area, index: int, flags: int) -> None:
    if area.start < 0:
        area.start = index
    if flags & IN_VIEW:
        if area.first < 0:
            area.first = index
        area.last, area.after = index, -1
    elif area.after < 0 <= area.first:
        area.after = index
