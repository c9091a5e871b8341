"""The page that describes the API and tries it out, in a real browser."""

import asyncio
import json
from pathlib import Path

import pytest

from skyvern_apiserver.server.app import public_app
from skyvern_apiserver.server.serve import make_server
from skyvern_runner.browser.session import Browser, start_browser
from tests.apiserver.api_server import FakeApiServer
from tests.apiserver.program import free_port
from tests.apiserver.small_facade import RELEASE, small_services, small_settings
from tests.runner.browser.conftest import browser_options
from tests.waiting import until

pytestmark = pytest.mark.browser

TRY = """
const [summary, key, fields, done] = arguments;
const wait = (look) => new Promise((found) => {
  const again = () => { const value = look(); value ? found(value) : setTimeout(again, 20); };
  again();
});
(async () => {
  const find = () => [...document.querySelectorAll("details")].find((each) => each.textContent.includes(summary));
  const box = await wait(find);
  document.getElementById("key").value = key;
  for (const label of box.querySelectorAll("label"))
    for (const [name, value] of Object.entries(fields))
      if (label.textContent.startsWith(name)) label.querySelector("input").value = value;
  [...box.querySelectorAll("button")].find((each) => each.textContent === "Send").click();
  const output = box.querySelector("pre");
  done(await wait(() => /^\\d{3}\\n[^]*\\n\\n./.test(output.textContent) && output.textContent));
})();
"""


def attempt(browser: Browser, summary: str, key: str, **fields: str) -> str:
    """What the page shows after an operation has been tried."""
    return str(browser.driver.execute_async_script(TRY, summary, key, fields))


async def test_page_tries_operations_out_and_asks_no_other_host(tmp_path: Path) -> None:
    settings = small_settings(tmp_path, ["a"], host="127.0.0.1")
    async with FakeApiServer() as cluster, small_services(cluster, tmp_path, settings) as services:
        key = cluster.put_key(RELEASE, "alice", tenant="a")["x-api-key"]
        await until(services.freshness.can_serve)
        server = make_server(public_app(services), settings, free_port())
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started)
        try:
            await asyncio.to_thread(look_around, f"http://127.0.0.1:{server.config.port}", key)
        finally:
            server.should_exit = True
            await serving
        assert len(cluster.collection("skyverntasks", "a")) == 1


def look_around(url: str, key: str) -> None:
    with start_browser(browser_options()) as browser:
        browser.driver.set_script_timeout(60)
        browser.driver.get(f"{url}/docs")
        assert attempt(browser, "/api/v1/heartbeat", "").endswith("Server is running.")
        assert attempt(browser, "Create a task", "").startswith("403\n")
        created = attempt(browser, "Create a task", key)
        assert created.startswith("200\n")
        task_id = json.loads(created.partition("\n\n")[2])["task_id"]
        read = attempt(browser, "Read a task", key, task_id=task_id)
        assert json.loads(read.partition("\n\n")[2])["task_id"] == task_id
        followed = attempt(browser, "Follow a task", key, task_id=task_id)
        assert "text/event-stream" in followed
        asked = browser.driver.execute_script(
            "return performance.getEntriesByType('resource').map((each) => each.name)"
        )
        assert asked
        assert all(each.startswith(url) for each in asked)
