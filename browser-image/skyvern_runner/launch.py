"""Starting the browser for a run. Loads Selenium, and right after it the model's library."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from skyvern_crds.network.web_access import WebAccess

if TYPE_CHECKING:
    from skyvern_runner.chrome_page import ChromePage


@dataclass(frozen=True)
class BrowserSettings:
    """Which browser to start, and how."""

    webdriver_url: str | None = None
    """A WebDriver server; without it a local chromedriver is started."""
    chrome_binary: str | None = None
    """Path of the browser where chromedriver runs."""
    sandbox: bool = True
    """Whether Chrome's sandbox is on."""
    headless: bool = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request."""
    access: WebAccess = field(default_factory=WebAccess)
    """Where the browser may go."""
    hosts: Sequence[str] | None = None
    """The only hosts of the task, within that."""
    upload_folders: tuple[Path, ...] = ()
    """Local folders that files may be uploaded from; none in a pod."""


class Launcher:
    """Starts browsers. After the first start it loads the model's library in the background."""

    def __init__(self, settings: BrowserSettings, preload: Callable[[], None], sleep: Callable[[float], None]) -> None:
        self._settings = settings
        self._sleep = sleep
        self._preload: Callable[[], None] | None = preload
        self._page: ChromePage | None = None

    def connect(self) -> "ChromePage":
        """Start a browser. Raises BrowserStartError."""
        # Selenium is slow to load; errors in the task are reported without it.
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
                access=settings.access,
                hosts=settings.hosts,
            ),
            UploadSources(folders=settings.upload_folders),
            self._sleep,
        )
        # Loading it earlier would compete with Chromium's start for the processor and delay the first page.
        if self._preload is not None:
            self._preload()
            self._preload = None
        return page

    def close(self) -> None:
        """End the newest browser, if there is one."""
        if self._page is not None:
            self._page.close()
            self._page = None
