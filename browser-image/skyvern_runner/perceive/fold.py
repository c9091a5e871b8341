"""Folding: an outline within a budget of tokens, with a line for each part that is left out."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, groupby
from typing import Final, NamedTuple

from skyvern_crds import wire
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.perceive.areas import Areas, find_areas
from skyvern_runner.perceive.rows import ACTIONABLE, CONTAINER, FORM_CONTROL, IN_VIEW, MARK, Tree

CHARS_PER_TOKEN: Final = 3.6
"""Characters of an outline per token, a low estimate (o200k on outlines of real pages: 3.6 to 4.1)."""
MIN_BUDGET: Final = 20
"""Tokens of the shortest possible outline: one line for everything that is left out."""
_HANDFUL: Final = 20
"""A kind of form control in more items than this repeats with the list; in fewer, it may be a form's fields."""
_KEPT: Final = -2
_LOOSE: Final = -1
"""Left out alone, not with a list."""


@dataclass(frozen=True)
class Printed:
    """An outline as text."""

    text: str
    tokens: int
    """Estimated."""
    shown: frozenset[ElementId]
    """Ids that are printed."""
    hidden: int
    """Rows that are left out."""


def render(tree: Tree, budget: int, marked: Collection[int] = ()) -> Printed:
    """Print the outline in at most ``budget`` tokens (MIN_BUDGET at least).

    Folded first are the longest lists, then text outside the view, then links and buttons outside the view; form
    controls, marked rows and what is in view go last. What every item of a long list repeats, a checkbox or a mark,
    folds with the list. Each row is printed or counted by one line that says how much is missing there.
    """
    lines = [row.line(marked=index in marked) for index, row in enumerate(tree.rows)]
    areas = find_areas(tree)
    for index, boundaries in areas.boundaries().items():
        lines[index] = "\n".join([*boundaries, lines[index]])
    fold = _Fold(tree, lines, areas, frozenset(marked), int(max(budget, MIN_BUDGET) * CHARS_PER_TOKEN))
    printed: list[str] = []
    shown: set[ElementId] = set()
    hidden = 0
    for start, stop, gap in fold.pieces(fold.fitted()):
        if gap is None:
            printed += lines[start:stop]
            shown.update(row.id for row in tree.rows[start:stop] if row.id)
        else:
            printed.append(gap)
            hidden += stop - start
    text = "\n".join(printed)
    return Printed(text, round(len(text) / CHARS_PER_TOKEN), frozenset(shown), hidden)


@dataclass
class _Item:
    """The rows of one item of a list. They stay or go together, so that the number of missing items is right."""

    ordinal: int
    start: int
    stop: int
    in_view: bool = False
    holds: set[str] = field(default_factory=set)
    """Roles of its form controls; ``MARK`` for a marked row."""


class _Drop(NamedTuple):
    """Rows to leave out together, and the list they belong to."""

    start: int
    stop: int
    cause: int


class _Fold:
    """Finds what to leave out. Its state is a cause for each row: _KEPT, _LOOSE, or the list with which it folds."""

    def __init__(self, tree: Tree, lines: Sequence[str], areas: Areas, marked: frozenset[int], limit: int) -> None:
        self._tree = tree
        self._areas = areas
        self._marked = marked
        self._limit = limit
        self._chars = [0, *accumulate(len(line) + 1 for line in lines)]
        self._controls = [0, *accumulate(row.flags & ACTIONABLE for row in tree.rows)]
        self._items = _items(tree, marked)
        self._starts = {group: [item.start for item in items] for group, items in self._items.items()}
        self._repeats = {group: _repeated(items) for group, items in self._items.items()}

    def fitted(self) -> list[int]:
        """The causes with which the rest fits, with as few drops as possible."""
        causes = [_KEPT] * len(self._tree.rows)
        if self._fits(causes):
            return causes
        for drops_of in self._stages():
            drops = list(drops_of(causes))
            whole = _applied(causes, drops)
            if self._fits(whole):
                # A drop may also add characters: the line for its gap. So any number of drops that fits will do.
                few = bisect_left(range(len(drops)), True, key=partial(self._fits_after, causes, drops))
                return _applied(causes, drops[:few])
            causes = whole
        return causes

    def pieces(self, causes: Sequence[int]) -> Iterator[tuple[int, int, str | None]]:
        """Runs of rows, each with the line to print instead, or None where that line would not be shorter."""
        start = 0
        for cause, run in groupby(causes):
            stop = start + sum(1 for _ in run)
            gap = None if cause == _KEPT else self._gap(start, stop, cause)
            yield start, stop, gap if gap and len(gap) + 1 < self._chars[stop] - self._chars[start] else None
            start = stop

    def _fits(self, causes: Sequence[int]) -> bool:
        chars = 0
        for start, stop, gap in self.pieces(causes):
            chars += self._chars[stop] - self._chars[start] if gap is None else len(gap) + 1
        return chars <= self._limit

    def _fits_after(self, causes: Sequence[int], drops: Sequence[_Drop], count: int) -> bool:
        return self._fits(_applied(causes, drops[:count]))

    def _gap(self, start: int, stop: int, cause: int) -> str:
        """The line for a run of rows that were left out, with one list or alone."""
        indent = "  " * self._tree.rows[start].depth
        if cause >= 0:
            starts = self._starts[cause]
            name = self._tree.lists[cause].name
            where = f"list {wire.dumps(name)}" if name else "this list"
            count = bisect_left(starts, stop) - bisect_left(starts, start)
            return f"{indent}... {count} more in {where}{self._areas.place(start, stop)}"
        controls = self._controls[stop] - self._controls[start]
        texts = stop - start - controls
        parts = [f"{controls} more control{'s' * (controls > 1)}"] if controls else []
        if texts:
            parts.append(f"{texts} more line{'s' * (texts > 1)} of text")
        return f"{indent}... {' and '.join(parts)} not shown{self._areas.place(start, stop)}"

    def _stages(self) -> Iterator[Callable[[Sequence[int]], Iterator[_Drop]]]:
        """What to leave out, the least important first; the last stage leaves one line for the whole page."""
        for first in (10, 5, 3, 1):
            yield partial(self._items_after, first)
        for mask in (CONTAINER | ACTIONABLE | IN_VIEW, CONTAINER | FORM_CONTROL | IN_VIEW, CONTAINER | FORM_CONTROL):
            yield partial(self._rows_without, mask, self._marked)
        yield partial(self._rows_without, IN_VIEW, self._marked)
        yield partial(self._rows_without, IN_VIEW, frozenset())
        yield self._tail

    def _items_after(self, first: int, causes: Sequence[int]) -> Iterator[_Drop]:
        """Items from the ``first`` on, longest list first, unless they are in view or hold something rare."""
        size: Counter[int] = Counter()
        for index, row in enumerate(self._tree.rows):
            if causes[index] == _KEPT:
                for group, _ in row.groups:
                    size[group] += self._chars[index + 1] - self._chars[index]
        for group, _ in size.most_common():
            for item in reversed(self._items[group]):
                precious = (item.in_view and first > 1) or item.holds - self._repeats[group]
                if item.ordinal >= first and not precious:
                    yield _Drop(item.start, item.stop, group)

    def _rows_without(self, mask: int, spared: frozenset[int], causes: Sequence[int]) -> Iterator[_Drop]:
        """Rows without any flag of ``mask``, from the end of the page."""
        for index in range(len(causes) - 1, -1, -1):
            if causes[index] == _KEPT and not self._tree.rows[index].flags & mask and index not in spared:
                yield _Drop(index, index + 1, _LOOSE)

    def _tail(self, causes: Sequence[int]) -> Iterator[_Drop]:
        """Everything from the end of the page, including the lines for lists."""
        stop = len(causes)
        for cause, run in groupby(reversed(causes)):
            count = sum(1 for _ in run)
            for size in [count] if cause >= 0 else [1] * count:
                yield _Drop(stop - size, stop, _LOOSE)
                stop -= size


def _items(tree: Tree, marked: frozenset[int]) -> dict[int, list[_Item]]:
    """Items by list, in the order of the page."""
    found: dict[int, list[_Item]] = {}
    for index, row in enumerate(tree.rows):
        for group, ordinal in row.groups:
            items = found.setdefault(group, [])
            if not items or items[-1].ordinal != ordinal:
                items.append(_Item(ordinal, index, index))
            item = items[-1]
            item.stop = index + 1
            item.in_view |= bool(row.flags & IN_VIEW)
            if row.flags & FORM_CONTROL:
                item.holds.add(row.role)
            if index in marked:
                item.holds.add(MARK)
    return found


def _repeated(items: Sequence[_Item]) -> set[str]:
    """Kinds that more than a handful of the items hold."""
    counts = Counter(kind for item in items for kind in item.holds)
    return {kind for kind, count in counts.items() if count > _HANDFUL}


def _applied(causes: Sequence[int], drops: Sequence[_Drop]) -> list[int]:
    result = list(causes)
    for start, stop, cause in drops:
        # Outer lists have lower numbers. Rows left out with an outer list are counted by it alone.
        if not 0 <= result[start] < cause:
            result[start:stop] = [cause] * (stop - start)
    return result
