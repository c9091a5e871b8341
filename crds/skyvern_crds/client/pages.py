"""How many objects to ask for in a page of a list, so that no page is large, however large its objects are."""

from typing import Final

PAGE_BYTES: Final = 2 * 1024 * 1024
"""What a page should have: it is parsed in one go, in which nothing else is done."""
MAX_PAGE_BYTES: Final = 8 * 1024 * 1024
"""The rest of a longer page of several objects is not taken in: it is asked for again, with fewer of them."""
FIRST_LIMIT: Final = 50
"""Nothing is known of the objects then."""
_GROWTH: Final = 8


class PageSizes:
    """Learns from each page of a list how many objects the next one may have."""

    def __init__(self, limit: int) -> None:
        """``limit`` is the most objects in a page."""
        self._most = limit
        self.limit = min(limit, FIRST_LIMIT)
        """For the next page."""

    @property
    def max_bytes(self) -> int | None:
        """The most bytes of the next page; None for a single object, which has to be taken as it is."""
        return MAX_PAGE_BYTES if self.limit > 1 else None

    def took(self, objects: int, size: int) -> None:
        """A page had so many objects and bytes."""
        fitting = PAGE_BYTES * objects // max(1, size)
        self.limit = max(1, min(self._most, self.limit * _GROWTH, fitting if objects else self._most))

    def too_large(self) -> None:
        """A page had more than :attr:`max_bytes`."""
        self.limit = max(1, self.limit // _GROWTH)
