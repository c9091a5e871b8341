"""Keyboard input through DevTools."""

from typing import Final

from skyvern_runner.browser.session import Browser
from skyvern_runner.input.held_keys import HeldKeys
from skyvern_runner.input.keys import NAMED, SHIFT, Key, character_key, modifier_keys

# Headless Chromium has no window system that turns a shortcut into its editing command.
_COMMANDS: Final = {"a": "selectAll", "c": "copy", "x": "cut", "v": "paste", "z": "undo", "y": "redo"}


class Keyboard:
    """Types into whatever has the focus."""

    def __init__(self, browser: Browser, held: HeldKeys) -> None:
        self._browser = browser
        self._held = held

    def press_combination(self, key: Key, modifiers: int = 0) -> None:
        """Press ``key`` while modifiers are down, each of which goes down before and up afterwards."""
        pressed = [each for each in modifier_keys(modifiers) if each not in self._held]
        for each in pressed:
            self.down(each)
        try:
            self.press(key)
        finally:
            for each in reversed(pressed):
                self.up(each)

    def press(self, key: Key) -> None:
        """Press and release ``key``, together with the modifiers that are held."""
        self._down(key)
        self._up(key)

    def down(self, key: Key) -> None:
        """Press ``key`` and keep it down."""
        self._held.add(key)
        self._down(key)

    def up(self, key: Key) -> None:
        """Let go of ``key``."""
        self._held.remove(key)
        self._up(key)

    def _down(self, key: Key) -> None:
        modifiers = self._held.modifiers
        text = key.text if not modifiers & ~SHIFT else ""
        down = _event(key, modifiers, "keyDown" if text else "rawKeyDown")
        if text:
            down["text"] = text
        command = _COMMANDS.get(key.key.lower())
        if command and modifiers & ~SHIFT in (2, 4):
            down["commands"] = [command]
        self._browser.cdp("Input.dispatchKeyEvent", **down)

    def _up(self, key: Key) -> None:
        self._browser.cdp("Input.dispatchKeyEvent", **_event(key, self._held.modifiers, "keyUp"))

    def insert(self, text: str) -> None:
        """Insert ``text`` at once, except for the last character, which is a key press so that key handlers run."""
        if not text:
            return
        head, last = text[:-1], text[-1]
        if not last.isprintable():
            self._browser.cdp("Input.insertText", text=text)
            return
        if head:
            self._browser.cdp("Input.insertText", text=head)
        self.press(character_key(last))

    def type(self, text: str) -> None:
        """Type ``text`` key by key, but line breaks without their key: in many boxes Enter sends."""
        for character in text:
            if character.isprintable():
                self.press(character_key(character))
            else:
                self._browser.cdp("Input.insertText", text=character)

    def delete(self) -> None:
        """Delete what is selected."""
        self.press(NAMED["backspace"])


def _event(key: Key, modifiers: int, kind: str) -> dict[str, object]:
    return {
        "type": kind,
        "key": key.key,
        "code": key.code,
        "windowsVirtualKeyCode": key.virtual,
        "modifiers": modifiers,
    }
