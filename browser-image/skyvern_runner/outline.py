"""The page outline: rows from the page script become text within a budget, with marks for what is new."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

ACTIONABLE: Final = 1
IN_VIEW: Final = 2
FORM_CONTROL: Final = 4
CONTAINER: Final = 8
FOREIGN_FRAME: Final = 16

CHARS_PER_TOKEN: Final = 3.6
"""Characters of an outline a token, on the low side (o200k on outlines of real pages: 3.6 to 4.1)."""
_GAP_CHARS: Final = 120
"""Room for the lines that say what is missing."""
_FENCE: Final = re.compile(r"<(?=/?\s*page\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A node of the outline."""

    depth: int
    """Nesting."""
    id: str
    """Empty for what no action can address."""
    role: str
    """ARIA role, ``text``, ``frame``, ``file``, ``date`` and the like."""
    name: str
    """Accessible name, or the text."""
    states: str
    """Value and states as printed, with a leading space each."""
    flags: int
    """ACTIONABLE and the others."""
    groups: tuple[tuple[int, int], ...]
    """Lists that the row belongs to, outermost first, each with the ordinal of the list's item."""
    href: str = ""
    """Target of a link."""

    @property
    def signature(self) -> tuple[str, str, str]:
        """What counts as a change."""
        return (self.role, self.name, self.states)

    def line(self, *, marked: bool = False) -> str:
        """The printed row."""
        mark = "*" if marked else ""
        number = f"[{self.id}] " if self.id and not self.flags & FOREIGN_FRAME else ""
        name = f" {json.dumps(self.name, ensure_ascii=False)}" if self.name or self.id else ""
        return "  " * self.depth + _FENCE.sub("‹", f"{mark}{number}{self.role}{name}{self.states}")


@dataclass(frozen=True)
class ItemList:
    """A container with many children of one kind."""

    name: str
    count: int


@dataclass(frozen=True)
class Tree:
    """What the page script saw of a page and its frames."""

    rows: tuple[Row, ...]
    lists: tuple[ItemList, ...]


@dataclass(frozen=True)
class Printed:
    """An outline as text."""

    text: str
    tokens: int
    """Estimated."""
    shown: frozenset[str]
    """Ids that are printed."""
    hidden: int
    """Rows that are left out."""


def parse(
    answer: Mapping[str, Any],
    *,
    prefix: str = "",
    depth: int = 0,
    list_base: int = 0,
    outer: tuple[tuple[int, int], ...] = (),
    in_view: bool = True,
) -> Tree:
    """Rows of one document. ``prefix`` is the id of the frame that holds it, ``outer`` the lists around that frame."""
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
    for level, key, role, name, states, flags, index, item, *href in answer["rows"]:
        rows.append(
            Row(
                depth=level + depth,
                id=join(prefix, key) if key else "",
                role=role,
                name=name,
                states=states,
                flags=flags if in_view else flags & ~IN_VIEW,
                groups=chain(index, item),
                href=href[0] if href else "",
            )
        )
    return Tree(tuple(rows), tuple(ItemList(entry[0], entry[2]) for entry in lists))


def join(prefix: str, element_id: str) -> str:
    """The id of an element inside the frame ``prefix``: the frame's id and three digits."""
    return prefix + element_id.rjust(3, "0") if prefix else element_id


def split(element_id: str) -> tuple[str, str]:
    """The frame's id (empty: the page itself) and the element's own id in it."""
    if len(element_id) <= 3:
        return "", element_id
    return element_id[:-3], element_id[-3:].lstrip("0")


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


def render(tree: Tree, budget: int, marked: Collection[int] = ()) -> Printed:
    """Print the outline in about ``budget`` tokens.

    Folded first are the longest lists, then text outside the view, then links and buttons outside the view; form
    controls, marked rows and what is in view go last. Each gap is one line that says how much is missing.
    """
    lines = [row.line(marked=index in marked) for index, row in enumerate(tree.rows)]
    fold = _Fold(tree, [len(line) + 1 for line in lines], frozenset(marked), int(budget * CHARS_PER_TOKEN) - _GAP_CHARS)
    kept = fold.kept()
    text = "\n".join(_printed(tree, lines, kept, fold))
    shown = frozenset(row.id for row, keep in zip(tree.rows, kept, strict=True) if keep and row.id)
    return Printed(text, round(len(text) / CHARS_PER_TOKEN), shown, kept.count(False))


@dataclass
class _Fold:
    """Which rows stay, decided step by step until the rest fits."""

    tree: Tree
    sizes: list[int]
    marked: frozenset[int]
    limit: int
    dropped_for: dict[int, int] = field(default_factory=dict)
    """Row -> the list for which it was dropped, -1 for no list."""
    total: int = 0

    def kept(self) -> list[bool]:
        self.total = sum(self.sizes)
        for first in (10, 5, 3, 1):
            self._fold_lists(first)
        for mask in (CONTAINER | ACTIONABLE | IN_VIEW, CONTAINER | FORM_CONTROL | IN_VIEW, CONTAINER | FORM_CONTROL, 0):
            self._drop_rows(mask)
        return [index not in self.dropped_for for index in range(len(self.tree.rows))]

    def _drop(self, index: int, group: int) -> None:
        if index not in self.dropped_for:
            self.dropped_for[index] = group
            self.total -= self.sizes[index]

    def _fold_lists(self, first: int) -> None:
        """Keep the first items of each list, those in view, marked ones, and those with form controls."""
        if self.total <= self.limit:
            return
        size: Counter[int] = Counter()
        precious: set[tuple[int, int]] = set()
        members: dict[int, list[tuple[int, int]]] = {}
        for index, row in enumerate(self.tree.rows):
            if index in self.dropped_for:
                continue
            for group, item in row.groups:
                size[group] += self.sizes[index]
                members.setdefault(group, []).append((index, item))
                if row.flags & FORM_CONTROL or index in self.marked or (row.flags & IN_VIEW and first > 1):
                    precious.add((group, item))
        for group, _ in size.most_common():
            if self.total <= self.limit:
                return
            last = -1
            for index, item in reversed(members[group]):
                # An item goes as a whole, so that the number of missing ones is true.
                if self.total <= self.limit and item != last:
                    break
                if item >= first and (group, item) not in precious:
                    self._drop(index, group)
                    last = item

    def _drop_rows(self, mask: int) -> None:
        """Drop rows without any flag of ``mask`` from the end of the page until the rest fits."""
        for index in range(len(self.tree.rows) - 1, -1, -1):
            if self.total <= self.limit:
                return
            if not self.tree.rows[index].flags & mask and (index not in self.marked or mask == 0):
                self._drop(index, -1)


def _printed(tree: Tree, lines: Sequence[str], kept: Sequence[bool], fold: _Fold) -> Iterator[str]:
    gap: list[int] = []
    for index, line in enumerate(lines):
        if not kept[index]:
            gap.append(index)
            continue
        yield from _gap_lines(tree, gap, fold)
        gap = []
        yield line
    yield from _gap_lines(tree, gap, fold)


def _gap_lines(tree: Tree, gap: Sequence[int], fold: _Fold) -> Iterator[str]:
    for group, run in groupby(gap, fold.dropped_for.__getitem__):
        yield _gap_line(tree, list(run), group)


def _gap_line(tree: Tree, gap: Sequence[int], group: int) -> str:
    """What a run of rows held that were left out for one list, or for none."""
    indent = "  " * tree.rows[gap[0]].depth
    if group >= 0:
        items = {item for index in gap for key, item in tree.rows[index].groups if key == group}
        name = tree.lists[group].name
        where = f"list {json.dumps(name, ensure_ascii=False)}" if name else "this list"
        return f"{indent}... {len(items)} more in {where}"
    controls = sum(1 for index in gap if tree.rows[index].flags & ACTIONABLE)
    parts = [f"{controls} more controls"] if controls else []
    if len(gap) > controls:
        parts.append(f"{len(gap) - controls} more lines of text")
    return f"{indent}... {' and '.join(parts)} not shown"
