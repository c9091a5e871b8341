"""The script that runs in every document of the browser, and calls into it."""

import json
from importlib.resources import files
from typing import Any, Final

from selenium.common.exceptions import JavascriptException
from selenium.webdriver.remote.webdriver import WebDriver

from skyvern_crds import wire
from skyvern_runner.browser.invisible import INVISIBLE
from skyvern_runner.browser.listeners import ask_listeners

_PARTS: Final = (
    "registry",
    "frames",
    "look/tree",
    "look/roles",
    "look/names",
    "look/states",
    "look/regions",
    "look/rows",
    "look/traversal",
    "look/outline",
    "aim",
    "effect/texts",
    "effect/values",
    "effect/watch",
    "settle",
    "fields",
    "options",
    "files",
    "page",
    "act/witness",
    "act/pointer",
    "act/reading",
    "api",
)
_CALL: Final = """
const [key, name, ...args] = arguments;
const script = window[Symbol.for(key)];
return script ? script[name](...args) : null;
"""
_LEARN: Final = """
(() => {
  const key = Symbol.for(%s);
  let root = window;
  try {
    while (root !== root.parent && (!root[key] || root.parent[key])) root = root.parent;
  } catch {}
  if (root[key]?.late) root[key].learn(getEventListeners, document);
})()
"""


class PageScript:
    """The page script of one session, stored under a random key."""

    def __init__(self, driver: WebDriver, key: str) -> None:
        self._driver = driver
        self._key = key
        parts = [files("skyvern_runner").joinpath("js", f"{part}.js").read_text(encoding="utf-8") for part in _PARTS]
        self._body = "\n".join(parts)

    def install(self) -> None:
        """Load the script into every new document of the current tab, before the page's scripts."""
        self._driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": self._source(late=False)})

    def call(self, name: str, *args: object) -> Any:
        """Call ``name`` in the current browsing context, loading the script there first if needed.

        Returns the parsed answer, with U+FFFD for lone surrogates. Raises Selenium's exceptions.
        """
        answer = self._driver.execute_script(_CALL, self._key, name, *args)
        if answer is None:
            self._load()
            answer = self._driver.execute_script(_CALL, self._key, name, *args)
        if not isinstance(answer, str):
            raise JavascriptException(f"the page script has no answer to {name}")
        return wire.loads(answer)

    def element(self, element_id: str) -> Any:
        """The WebElement with this id in the current browsing context, or None."""
        return self._driver.execute_script(_CALL, self._key, "elementOf", element_id)

    def _load(self) -> None:
        self._driver.execute_script(self._source(late=True))
        key = json.dumps(self._key)
        ask_listeners(self._driver, _LEARN % (key,))

    def _source(self, *, late: bool) -> str:
        key = json.dumps(self._key)
        return (
            f'(() => {{\n"use strict";\nconst KEY = Symbol.for({key});\nconst LATE = {json.dumps(late)};\n'
            f'const INVISIBLE = new RegExp({json.dumps(INVISIBLE)}, "gu");\n'
            f"if (window[KEY]) return;\n{self._body}\n}})();"
        )
