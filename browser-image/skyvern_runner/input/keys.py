"""Keys by name: named keys, combinations, characters."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from skyvern_runner.errors import ActionFailedError


@dataclass(frozen=True)
class Key:
    """A key as DevTools wants it."""

    key: str
    code: str
    virtual: int
    text: str = ""


NAMED: Final = {
    key.key.lower(): key
    for key in (
        Key("Enter", "Enter", 13, "\r"),
        Key("Tab", "Tab", 9),
        Key("Escape", "Escape", 27),
        Key("Backspace", "Backspace", 8),
        Key("Delete", "Delete", 46),
        Key("Insert", "Insert", 45),
        Key("Home", "Home", 36),
        Key("End", "End", 35),
        Key("PageUp", "PageUp", 33),
        Key("PageDown", "PageDown", 34),
        Key("ArrowLeft", "ArrowLeft", 37),
        Key("ArrowUp", "ArrowUp", 38),
        Key("ArrowRight", "ArrowRight", 39),
        Key("ArrowDown", "ArrowDown", 40),
        *(Key(f"F{number}", f"F{number}", 111 + number) for number in range(1, 13)),
    )
}
_ALIASES: Final = {
    "return": "enter",
    "esc": "escape",
    "del": "delete",
    "left": "arrowleft",
    "right": "arrowright",
    "up": "arrowup",
    "down": "arrowdown",
    "pgup": "pageup",
    "pgdn": "pagedown",
}
ModifierName = Literal["Ctrl", "Alt", "Shift", "Meta"]
_ALT: Final = Key("Alt", "AltLeft", 18)
_CTRL: Final = Key("Control", "ControlLeft", 17)
_META: Final = Key("Meta", "MetaLeft", 91)
_SHIFT: Final = Key("Shift", "ShiftLeft", 16)
_MODIFIERS: Final = {
    **dict.fromkeys(("alt", "option"), _ALT),
    **dict.fromkeys(("ctrl", "control"), _CTRL),
    **dict.fromkeys(("meta", "cmd", "command"), _META),
    "shift": _SHIFT,
}
MODIFIER_BITS: Final = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
"""Bits of DevTools, by the key's name."""
SHIFT: Final = 8


def find_key(name: str) -> tuple[Key, int]:
    """The key and the modifier bits of ``Enter``, ``Ctrl+A``, ``x`` ... Raises ActionFailedError."""
    if not name:
        raise ActionFailedError("unknown key '': name a character, Enter, Tab, Escape, ArrowDown, PageDown ...")
    if name.isspace():
        name = "space"
    head, plus, last = name[:-1].rpartition("+")
    last += name[-1]
    parts = [*(part.strip() for part in head.split("+")), last.strip()] if plus else [last.strip()]
    modifiers = 0
    for part in parts[:-1]:
        if part.lower() not in _MODIFIERS:
            raise ActionFailedError(f"unknown modifier {part!r} in {name!r}; use Ctrl, Alt, Shift or Meta")
        modifiers |= MODIFIER_BITS[_MODIFIERS[part.lower()].key]
    last = parts[-1]
    if last.lower() in {"space", "spacebar"}:
        return Key(" ", "Space", 32, " "), modifiers
    if last.lower() in _MODIFIERS:
        return _MODIFIERS[last.lower()], modifiers
    named = NAMED.get(_ALIASES.get(last.lower(), last.lower()))
    if named:
        return named, modifiers
    if len(last) != 1:
        raise ActionFailedError(f"unknown key {name!r}; use a character, Enter, Tab, Escape, ArrowDown, PageDown ...")
    return character_key(last), modifiers


def modifier_bits(names: Iterable[ModifierName]) -> int:
    """The bits of modifiers by their names."""
    return sum({MODIFIER_BITS[_MODIFIERS[name.lower()].key] for name in names})


def modifier_keys(bits: int) -> tuple[Key, ...]:
    """The keys of modifier bits."""
    return tuple(key for key in (_CTRL, _ALT, _META, _SHIFT) if bits & MODIFIER_BITS[key.key])


def character_key(character: str) -> Key:
    """The key that types ``character``."""
    upper = character.upper()
    if upper.isascii() and upper.isalpha():
        return Key(character, f"Key{upper}", ord(upper), character)
    if character.isascii() and character.isdigit():
        return Key(character, f"Digit{character}", ord(character), character)
    return Key(character, "", 0, character)
