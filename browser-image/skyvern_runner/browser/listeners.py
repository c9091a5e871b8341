"""Asking the console's ``getEventListeners`` about documents whose scripts ran before the page script was loaded.

Popups and frames of other sites are separate targets: a script for new documents reaches them only from their second
document on. WebDriver's DevTools channel reaches neither frames of other sites nor more than one frame of a page. So
this module uses the browser's DevTools port, and where that is out of reach asks about the page's main frame only.
"""

import json
from typing import Any, Final

import websocket
from selenium.webdriver.remote.webdriver import WebDriver

from skyvern_crds import wire

_SECONDS: Final = 2.0


def ask_listeners(driver: WebDriver, expression: str) -> None:
    """Evaluate ``expression`` with the console's functions in every frame of the current tab."""
    page = driver.current_window_handle
    address = driver.capabilities.get("goog:chromeOptions", {}).get("debuggerAddress")
    infos = driver.execute_cdp_cmd("Target.getTargets", {})["targetInfos"]
    for target in [page, *(info["targetId"] for info in infos if info["type"] == "iframe")]:
        try:
            if not address:
                raise ConnectionError
            _ask(f"ws://{address}/devtools/page/{target}", expression)
        except (OSError, websocket.WebSocketException):
            # The frame is gone, or the port is out of reach.
            if target == page:
                driver.execute_cdp_cmd("Runtime.evaluate", {"expression": expression, "includeCommandLineAPI": True})


def _ask(url: str, expression: str) -> None:
    # Without an Origin header: DevTools refuses requests from web pages by it.
    socket = websocket.create_connection(url, timeout=_SECONDS, suppress_origin=True)
    try:
        contexts = [
            event["params"]["context"]["id"]
            for event in _command(socket, 1, "Runtime.enable", {})
            if event.get("method") == "Runtime.executionContextCreated"
            and event["params"]["context"].get("auxData", {}).get("isDefault")
        ]
        for number, context in enumerate(contexts, start=2):
            parameters = {"expression": expression, "includeCommandLineAPI": True, "contextId": context}
            _command(socket, number, "Runtime.evaluate", parameters)
    finally:
        socket.close()


def _command(socket: websocket.WebSocket, number: int, method: str, parameters: dict[str, object]) -> list[Any]:
    """Send a command and return the events that came before its answer."""
    socket.send(wire.dumps({"id": number, "method": method, "params": parameters}))
    events: list[Any] = []
    while True:
        message = json.loads(socket.recv())
        if message.get("id") == number:
            return events
        events.append(message)
