"""The browser's way to the network: started before it, and the only one that its flags leave open."""

import urllib.parse
from collections.abc import Sequence
from typing import Final

from skyvern_crds.network.addresses import is_loopback_host
from skyvern_crds.network.web_access import WebPolicy
from skyvern_runner.errors import BrowserStartError
from skyvern_runner.network.gate import Failure, Gate
from skyvern_runner.network.socks import SocksServer

MAX_TOLD: Final = 3
"""Most refused hosts that one action's result names."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_BY_SERVER: Final = ("ERR_SOCKS_CONNECTION_FAILED", "ERR_SOCKS_CONNECTION_HOST_UNREACHABLE")
"""What the browser calls every failure to connect: it does not hear the cause."""


class WayOut:
    """The policy, and the server that connects by it."""

    def __init__(self, policy: WebPolicy) -> None:
        """Start the server. Raises OSError."""
        self.gate = Gate(policy)
        self._server = SocksServer(self.gate)
        self.gate.close_ports((self._server.port,))
        self._told: set[str] = set()

    def close(self) -> None:
        """End the server and its connections."""
        self._server.close()

    def close_ports_of(self, *addresses: str) -> None:
        """Refuse the ports of what controls the browser. Raises BrowserStartError where it is on another machine."""
        for address in addresses:
            parts = urllib.parse.urlsplit(address if "://" in address else f"//{address}")
            if not is_loopback_host(parts.hostname or ""):
                raise BrowserStartError(
                    f"the browser at {address} is on another machine, where it cannot use the runner's way to the "
                    "network: start the WebDriver server beside the runner, on the loopback"
                )
            self.gate.close_ports((parts.port or DEFAULT_PORTS.get(parts.scheme, 80),))

    @property
    def flags(self) -> Sequence[str]:
        """Flags that leave Chromium this way and no other."""
        return (
            f"--proxy-server=socks5://127.0.0.1:{self._server.port}",
            # Without it, Chromium goes to the loopback directly.
            "--proxy-bypass-list=<-loopback>",
            # Chromium itself can look up nothing, so no prefetch and no secure DNS tells a name to anyone.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--dns-prefetch-disable",
            # WebRTC has no way but this one either: it can use TCP only.
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
            "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        )

    def cause(self, url: str, code: str, mark: int) -> Failure | None:
        """Why ``url`` did not load since ``mark``, when the browser says ``code``; None when it knows better."""
        if code and code not in _BY_SERVER:
            return None
        failures = self.gate.since(mark)
        place = _place(url)
        own = [failure for failure in failures if (failure.host, failure.port) == place]
        # It may have redirected to another host.
        others = [failure for failure in failures if failure.refusal] or (list(failures) if code else [])
        found = own or others
        return found[-1] if found else None

    def refusals(self, mark: int) -> list[str]:
        """Hosts that were refused since ``mark``, with the reason, and were not told before."""
        fresh = dict.fromkeys(failure.refusal for failure in self.gate.since(mark) if failure.refusal)
        told = [refusal for refusal in fresh if refusal not in self._told][:MAX_TOLD]
        self._told.update(told)
        return [f"refused: {refusal}" for refusal in told]


def _place(url: str) -> tuple[str, int]:
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", 0
