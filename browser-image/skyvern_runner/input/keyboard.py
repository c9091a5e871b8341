"""Keyboard input through DevTools."""

from typing import Final

from skyvern_runner.browser.session import Browser
from skyvern_runner.input.keys import NAMED, SHIFT, Key, character_key

# Headless Chromium has no window system that turns a shortcut into its editing command.
_COMMANDS: Final = {"a": "selectAll", "c": "copy", "x": "cut", "v": "paste", "z": "undo", "y": "redo"}


class Keyboard:
    """Types into whatever has the focus."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def press(self, key: Key, modifiers: int = 0) -> None:
        """Press and release ``key``."""
        text = key.text if not modifiers & ~SHIFT else ""
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
        if command and modifiers & ~SHIFT in (2, 4):
            down["commands"] = [command]
        self._browser.cdp("Input.dispatchKeyEvent", **down)
        self._browser.cdp("Input.dispatchKeyEvent", **common, type="keyUp")

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
