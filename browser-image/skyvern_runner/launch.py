"""Starting the browser for a run. Selenium is loaded here, and the model's library right behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from skyvern_runner.agent.page import Page


@dataclass(frozen=True)
class BrowserSettings:
    """Which browser, and how it is started."""

    webdriver_url: str | None = None
    """A WebDriver server; without it a chromedriver of our own is started."""
    chrome_binary: str | None = None
    """Browser to start."""
    sandbox: bool = True
    """Chrome's own sandbox."""
    headless: bool = True
    """Without a window."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request."""
    upload_folders: tuple[Path, ...] = ()
    """Local folders that files may be uploaded from; none in a pod."""


class Launcher:
    """Starts browsers; the first time, the model's library is then loaded in the background."""

    def __init__(self, settings: BrowserSettings, preload: Callable[[], None]) -> None:
        self._settings = settings
        self._preload: Callable[[], None] | None = preload
        self._page: Page | None = None

    def connect(self) -> Page:
        """Start a browser. Raises BrowserStartError."""
        # Selenium is loaded where it is needed first.
        from skyvern_runner.browser.session import BrowserOptions  # noqa: PLC0415
        from skyvern_runner.browser.upload_source import UploadSources  # noqa: PLC0415
        from skyvern_runner.chrome_page import ChromePage  # noqa: PLC0415

        settings = self._settings
        self._page = page = ChromePage.start(
            BrowserOptions(
                webdriver_url=settings.webdriver_url,
                chrome_binary=settings.chrome_binary,
                sandbox=settings.sandbox,
                headless=settings.headless,
                headers=settings.headers,
            ),
            UploadSources(folders=settings.upload_folders),
        )
        # Not earlier: while Chromium starts it needs the processor itself, and the first page would come later.
        if self._preload is not None:
            self._preload()
            self._preload = None
        return page

    def close(self) -> None:
        """End the newest browser, if there is one."""
        if self._page is not None:
            self._page.close()
            self._page = None
