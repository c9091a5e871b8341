"""Ids of elements, in the page and in frames of other origins."""

from typing import Final, NamedTuple

SEPARATOR: Final = "."
"""Separates the ids of nested frames and the element's own id, which cannot contain it."""

Frame = tuple[str, ...]
"""A document: the ids of the frames of other origins that lead to it, outermost first. Empty for the page."""
PAGE: Final[Frame] = ()


class ElementId(NamedTuple):
    """An element of the page or of a frame of another origin. Its text is what the model reads and writes."""

    frame: Frame
    """The document that holds it."""
    own: str
    """Number that the page script of that document gave it, in base 36."""

    @classmethod
    def parse(cls, text: str) -> "ElementId":
        """The id in ``text``, whether or not such an element exists."""
        *frame, own = text.split(SEPARATOR)
        return cls(tuple(frame), own)

    @property
    def content(self) -> Frame:
        """The document inside this element, which is a frame of another origin."""
        return (*self.frame, self.own)

    def __str__(self) -> str:
        return SEPARATOR.join(self.content)
