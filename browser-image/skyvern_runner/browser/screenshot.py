"""Screenshots through DevTools."""

import base64
from typing import Final

from selenium.common.exceptions import WebDriverException

from skyvern_runner.browser.session import Browser
from skyvern_runner.errors import BrowserError, first_line

MAX_HEIGHT: Final = 8000
"""Height in pixels at which a screenshot of a whole page is cut."""
JPEG_QUALITY: Final = 70


def view_jpeg(browser: Browser, quality: int = JPEG_QUALITY) -> bytes:
    """The visible part of the page. Raises BrowserError."""
    return _capture(browser, format="jpeg", quality=quality, optimizeForSpeed=True)


def page_png(browser: Browser, max_height: int = MAX_HEIGHT) -> bytes:
    """The whole page, cut at ``max_height`` pixels. Raises BrowserError."""
    size = browser.cdp("Page.getLayoutMetrics")["cssContentSize"]
    clip = {
        "x": 0,
        "y": 0,
        "width": min(max(size["width"], 1), 4000),
        "height": min(max(size["height"], 1), max_height),
        "scale": 1,
    }
    return _capture(browser, format="png", captureBeyondViewport=True, clip=clip)


def _capture(browser: Browser, **parameters: object) -> bytes:
    try:
        return base64.b64decode(browser.cdp("Page.captureScreenshot", **parameters)["data"])
    except WebDriverException as error:
        raise BrowserError(f"no screenshot: {first_line(error)}") from error
