"""Keyboard input through DevTools: named keys, combinations, characters, whole texts."""

from dataclasses import dataclass
from typing import Final

from skyvern_runner.browser.session import Browser


@dataclass(frozen=True)
class Key:
    """A key as DevTools wants it."""

    key: str
    code: str
    virtual: int
    text: str = ""


_NAMED: Final = {
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
_MODIFIERS: Final = {"alt": 1, "option": 1, "ctrl": 2, "control": 2, "meta": 4, "cmd": 4, "command": 4, "shift": 8}
_SHIFT: Final = 8
# Headless Chromium has no window system that would turn the shortcut into the editing command.
_COMMANDS: Final = {"a": "selectAll", "c": "copy", "x": "cut", "v": "paste", "z": "undo", "y": "redo"}


def find_key(name: str) -> tuple[Key, int]:
    """The key and the modifier bits of ``Enter``, ``Ctrl+A``, ``x`` ... Raises ValueError naming an unknown one."""
    if not name:
        raise ValueError("unknown key '': name a character, Enter, Tab, Escape, ArrowDown, PageDown ...")
    if name.isspace():
        name = "space"
    head, plus, last = name[:-1].rpartition("+")
    last += name[-1]
    parts = [*(part.strip() for part in head.split("+")), last.strip()] if plus else [last.strip()]
    modifiers = 0
    for part in parts[:-1]:
        if part.lower() not in _MODIFIERS:
            raise ValueError(f"unknown modifier {part!r} in {name!r}; use Ctrl, Alt, Shift or Meta")
        modifiers |= _MODIFIERS[part.lower()]
    last = parts[-1]
    if last.lower() in {"space", "spacebar"}:
        return Key(" ", "Space", 32, " "), modifiers
    named = _NAMED.get(_ALIASES.get(last.lower(), last.lower()))
    if named:
        return named, modifiers
    if len(last) != 1:
        raise ValueError(f"unknown key {name!r}; use a character, Enter, Tab, Escape, ArrowDown, PageDown ...")
    return _character(last), modifiers


def press(browser: Browser, key: Key, modifiers: int = 0) -> None:
    """Press and release ``key`` in whatever has the focus."""
    text = key.text if not modifiers & ~_SHIFT else ""
    common = {
        "key": key.key,
        "code": key.code,
        "windowsVirtualKeyCode": key.virtual,
        "modifiers": modifiers,
    }
    down: dict[str, object] = {**common, "type": "keyDown" if text else "rawKeyDown"}
    if text:
        down["text"] = text
    command = _COMMANDS.get(key.key.lower())
    if command and modifiers & ~_SHIFT in (2, 4):
        down["commands"] = [command]
    browser.cdp("Input.dispatchKeyEvent", **down)
    browser.cdp("Input.dispatchKeyEvent", **common, type="keyUp")


def insert(browser: Browser, text: str) -> None:
    """Put ``text`` in at once, its last character as a real key, so that handlers of keys run too."""
    if not text:
        return
    head, last = text[:-1], text[-1]
    if not last.isprintable():
        browser.cdp("Input.insertText", text=text)
        return
    if head:
        browser.cdp("Input.insertText", text=head)
    press(browser, _character(last))


def type_slowly(browser: Browser, text: str) -> None:
    """Type ``text`` key by key."""
    for character in text:
        if character == "\n":
            press(browser, _NAMED["enter"])
        else:
            press(browser, _character(character))


def clear(browser: Browser) -> None:
    """Delete what is selected."""
    press(browser, _NAMED["backspace"])


def _character(character: str) -> Key:
    upper = character.upper()
    if upper.isascii() and upper.isalpha():
        return Key(character, f"Key{upper}", ord(upper), character)
    if character.isascii() and character.isdigit():
        return Key(character, f"Digit{character}", ord(character), character)
    return Key(character, "", 0, character)
