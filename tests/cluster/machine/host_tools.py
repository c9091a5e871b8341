"""The machine's programs that the bare node, the image builds and the browser tests call."""

from tests.cluster.base.progress import Progress
from tests.cluster.machine.apt import install_missing

NODE = {
    "runc": "runc",
    "iptables": "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "sysctl": "procps",
    "nsenter": "util-linux",
    "mount": "mount",
    "openssl": "openssl",
}
"""Program -> Debian package."""
IMAGES = {"buildah": "buildah", "debootstrap": "debootstrap", "runc": "runc"}
BROWSER = {
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "/usr/share/fonts/truetype/dejavu": "fonts-dejavu",
}


def ensure_node_tools(progress: Progress) -> None:
    """Install what the bare node needs besides the programs that are built for it."""
    install_missing(NODE, progress)


def ensure_image_tools(progress: Progress) -> None:
    """Install what builds images where no container engine answers."""
    install_missing(IMAGES, progress)


def ensure_browser(progress: Progress) -> None:
    """Install Chromium and its driver, for tests that drive a browser on this machine."""
    install_missing(BROWSER, progress)
