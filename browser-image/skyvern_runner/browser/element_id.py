"""Ids of elements, in the page and in frames of other origins."""

from typing import Final, NamedTuple

SEPARATOR: Final = "."
"""Between the ids of nested frames and the element's own, none of which can hold it."""

Frame = tuple[str, ...]
"""A document: the ids of the frames of other origins that lead to it, the outermost first. Empty for the page."""
PAGE: Final[Frame] = ()


class ElementId(NamedTuple):
    """An element of the page or of a frame of another origin. Its text is what the model reads and writes."""

    frame: Frame
    """The document that holds it."""
    own: str
    """As the page script of that document counts its elements, in base 36."""

    @classmethod
    def parse(cls, text: str) -> "ElementId":
        """The id that ``text`` names, whether or not there is such an element."""
        *frame, own = text.split(SEPARATOR)
        return cls(tuple(frame), own)

    @property
    def content(self) -> Frame:
        """The document inside this element, which is a frame of another origin."""
        return (*self.frame, self.own)

    def __str__(self) -> str:
        return SEPARATOR.join(self.content)
