"""Pointer input through DevTools."""

from collections.abc import Callable
from typing import Any, Final, Literal

from selenium.common.exceptions import UnexpectedAlertPresentException, WebDriverException
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.mouse_button import MouseButton

from skyvern_runner.browser.session import Browser, lost_is_an_error
from skyvern_runner.input.held_keys import HeldKeys

Button = Literal["left", "right", "middle"]
_PRESSED: Final[dict[Button, int]] = {"left": 1, "right": 2, "middle": 4}
"""Bits of the buttons that are down."""
_APPROACH: Final = 1
"""Pixels from which the pointer comes: so it moves even if it was there already, and over nothing else."""
_DRAG_STEPS: Final = 8
"""Moves of a drag. Many pages take the first few for a clumsy click."""
_DRAG_MS: Final = 20
"""Time for each of them."""


class Pointer:
    """Moves over the page and presses buttons."""

    def __init__(self, browser: Browser, held: HeldKeys) -> None:
        self._browser = browser
        self._held = held

    def click(
        self,
        x: float,
        y: float,
        *,
        button: Button = "left",
        count: int = 1,
        modifiers: int = 0,
        hold: Callable[[], None] | None = None,
    ) -> None:
        """Move to a place and click there. ``hold`` takes the time between pressing and releasing."""
        keys = modifiers | self._held.modifiers
        self._send("mouseMoved", x, y, button="none", modifiers=keys)
        for number in range(1, count + 1):
            pressed = {"button": button, "clickCount": number, "modifiers": keys}
            self._send("mousePressed", x, y, **pressed, buttons=_PRESSED[button])
            if hold is not None:
                hold()
            self._send("mouseReleased", x, y, **pressed, buttons=0)

    def move(self, x: float, y: float) -> None:
        """Move to a place."""
        keys = self._held.modifiers
        self._send("mouseMoved", max(0.0, x - _APPROACH), y, button="none", modifiers=keys)
        self._send("mouseMoved", x, y, button="none", modifiers=keys)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at one place, move to another in steps, and release. Raises DialogWaitsError.

        WebDriver's actions do this, since chromedriver turns the moves into the events of drag and drop where the page
        begins one.
        """
        builder = self._mouse(start, end)
        with lost_is_an_error():
            try:
                builder.perform()
            except UnexpectedAlertPresentException:
                self._browser.meet_dialog()
            except WebDriverException:
                builder.clear_actions()  # the button must not stay down
                raise

    def _mouse(self, start: tuple[float, float], end: tuple[float, float]) -> ActionBuilder:
        builder = ActionBuilder(self._browser.driver, duration=_DRAG_MS)
        mouse: Any = builder.pointer_action  # its methods have no types
        mouse.move_to_location(round(start[0]), round(start[1]))
        mouse.pointer_down(MouseButton.LEFT)
        for step in range(1, _DRAG_STEPS + 1):
            share = step / _DRAG_STEPS
            x, y = (a + (b - a) * share for a, b in zip(start, end, strict=True))
            mouse.move_to_location(round(x), round(y))
        # Some pages take the place of the last move but one for that of the drop.
        mouse.move_to_location(round(end[0]), round(end[1]))
        mouse.pointer_up(MouseButton.LEFT)
        return builder

    def _send(self, kind: str, x: float, y: float, **more: object) -> None:
        self._browser.cdp("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)
