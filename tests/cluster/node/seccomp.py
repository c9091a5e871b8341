"""The seccomp profile under which Chromium keeps its own sandbox."""

from pathlib import Path

SOURCE = Path(__file__).parents[3] / "browser-image" / "seccomp" / "chrome.json"


def profile_text() -> str | None:
    """The profile of the browser image; None in a tree without it."""
    return SOURCE.read_text() if SOURCE.is_file() else None


def install_profile(directory: Path) -> bool:
    """Install the profile in a kubelet's seccomp directory, as skyvern/chrome.json."""
    text = profile_text()
    if text is None:
        return False
    target = directory / "skyvern" / "chrome.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return True
