"""Characters that a reader does not see and that could carry hidden words."""

import re
from typing import Final

_RANGES: Final = (
    (0x0000, 0x0008),  # control characters, except white space
    (0x000E, 0x001F),
    (0x007F, 0x009F),
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x200B, 0x200F),  # zero-width characters and direction marks
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # half-width Hangul filler
    (0xFFF0, 0xFFFB),
    (0xE0000, 0xE0FFF),  # tags
)
INVISIBLE: Final = f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in _RANGES)}]"
"""A regular expression for both Python and JavaScript (with the flag u)."""
_PATTERN: Final = re.compile(INVISIBLE)


def visible(text: str) -> str:
    """``text`` without invisible characters."""
    return _PATTERN.sub("", text)
