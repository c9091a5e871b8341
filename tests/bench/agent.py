"""How long the agent's own part of a step takes in a real browser: looking, acting with verification, a screenshot.

``python -m tests.bench.agent [--rounds N]`` prints tables and writes build/bench/agent.json. Times depend on the
machine, so each is also given as a ratio to something simple done in the same rounds: a plain walk through the page and
chromedriver's ``page_source`` for looking, chromedriver's own click for actions.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from skyvern_crds.network.web_access import WebAccess
from skyvern_runner.actions.base import PageAction
from skyvern_runner.actions.fields.check import Check
from skyvern_runner.actions.fields.input_text import InputText
from skyvern_runner.actions.fields.select_option import SelectOption
from skyvern_runner.actions.pointer.click import Click
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.browser.session import Browser, BrowserOptions, start_browser
from skyvern_runner.chrome_page import ChromePage
from skyvern_runner.errors import RunnerError
from skyvern_runner.perceive.look import DEFAULT_BUDGET, TEXT_LIMIT, Snapshot, perceive
from tests.bench.pages import OPTIONS, listing, serving
from tests.bench.samples import Samples, by_turns, grid, keep, stopwatch
from tests.bench.web_access import guard_ms, measure_way, way_table
from tests.cluster import Progress, SetupError

SIZES: Final = (1000, 6000)
ROUNDS: Final = 10
SESSIONS: Final = 3
CHARS_PER_TOKEN: Final = 4
COMPARED: Final = {("perceive", "naive walk"), ("page script", "naive walk in the page"), ("perceive", "page_source")}
WALK: Final = """
const NATIVE = "a[href],button,input,select,textarea,[role],[onclick],[contenteditable]";
const begun = performance.now();
const found = [];
const visit = (root) => {
  for (const el of root.querySelectorAll("*")) {
    const style = getComputedStyle(el);
    if (style.display === "none" || style.visibility === "hidden" || style.opacity === "0") continue;
    const box = el.getBoundingClientRect();
    if (el.shadowRoot) visit(el.shadowRoot);
    if (box.width < 1 || box.height < 1) continue;
    if (!el.matches(NATIVE) && style.cursor !== "pointer") continue;
    found.push({
      tag: el.localName,
      role: el.getAttribute("role") ?? "",
      name: (el.getAttribute("aria-label") ?? el.labels?.[0]?.textContent ?? el.textContent).trim().slice(0, 100),
      box: [box.x, box.y, box.width, box.height],
    });
  }
};
visit(document);
const text = JSON.stringify(found);
return { ms: performance.now() - begun, text };
"""
"""The least that finds what can be acted on: no frames, listeners, states, lists, proper names or stable ids."""
LOOK_IN_PAGE: Final = """
const key = Object.getOwnPropertySymbols(window).find((each) => each.description?.startsWith("skyvern:"));
const begun = performance.now();
window[key].look({ textLimit: arguments[0] });
return performance.now() - begun;
"""
"""The page script's part of a look, without the way to the page and back."""


@dataclass(frozen=True)
class Look:
    """Looking at one page."""

    elements: int
    """Of the document."""
    chars: int
    """Of the outline within its budget."""
    chars_whole: int
    """Of the outline without a budget."""
    budget: int
    """Tokens that the outline may have."""
    rows: int
    hidden: int
    """Rows that the budget left out."""
    first_ms: float
    """The first look after the page has loaded."""
    samples: dict[str, Samples]


def in_page(call: Callable[[], float], into: list[float]) -> Callable[[int], None]:
    """A call that reports its own milliseconds, kept beside those of the stopwatch; round 0 is not."""

    def run(number: int) -> None:
        ms = call()
        if number:
            into.append(ms)

    return run


def measure_look(browser: Browser, page: ChromePage, url: str, rounds: int) -> Look:
    """Look at a page again and again, beside a plain walk and chromedriver's ``page_source``."""
    driver = browser.driver
    page.open(url)
    first = stopwatch(page.look)
    walks: list[float] = []
    looks: list[float] = []
    samples = by_turns(
        rounds,
        {
            "perceive": lambda _: page.look(),
            "page script": in_page(lambda: float(driver.execute_script(LOOK_IN_PAGE, TEXT_LIMIT)), looks),
            "naive walk": in_page(lambda: float(driver.execute_script(WALK)["ms"]), walks),
            "page_source": lambda _: driver.page_source,
            "JPEG screenshot": lambda _: page.screenshot(),
        },
    )
    # The stopwatch's figure for it is meaningless: `perceive` makes the same call.
    samples |= {"page script": Samples.of(looks), "naive walk in the page": Samples.of(walks)}
    snapshot = page.look()
    whole = len(perceive(browser, budget=sys.maxsize).outline)
    stats = snapshot.stats
    elements = int(driver.execute_script("return document.getElementsByTagName('*').length"))
    return Look(
        elements, len(snapshot.outline), whole, DEFAULT_BUDGET, stats.rows, stats.hidden, round(first, 1), samples
    )


def measure_actions(browser: Browser, page: ChromePage, url: str, rounds: int) -> dict[str, Samples]:
    """Act as the loop does, each effect read back, beside chromedriver's click. Raises SetupError if one fails."""
    page.open(url)
    snapshot = page.look()

    def do(action: PageAction) -> None:
        result = page.do(action)
        if not result.ok:
            raise SetupError(f"{action.describe('')} did not work at {url}: {result.message}")

    count, name, agree, city = (id_of(snapshot, label) for label in ("Count", "Full name", "I agree", "City"))

    button = browser.driver.find_element(By.ID, "count")
    samples = by_turns(
        rounds,
        {
            "click": lambda _: do(Click(id=count)),
            "input_text": lambda n: do(InputText(id=name, text=f"Chris P. Bacon {n:05}")),
            "check": lambda n: do(Check(id=agree, checked=n % 2 == 0)),
            "select_option": lambda n: do(SelectOption(id=city, text=f"City {OPTIONS - n % OPTIONS}")),
            "element.click": lambda _: button.click(),
        },
    )
    found = held(browser.driver)
    wanted = {
        "count": 2 * (rounds + 1),
        "name": f"Chris P. Bacon {rounds:05}",
        "agree": rounds % 2 == 0,
        "city": f"City {OPTIONS - rounds % OPTIONS}",
    }
    if found != wanted:
        raise SetupError(f"the page at {url} holds {found} instead of {wanted}")
    return samples


def id_of(snapshot: Snapshot, label: str) -> ElementId:
    """Id of the element with this name. Raises SetupError."""
    for element in snapshot.elements.values():
        if element.name == label:
            return element.id
    raise SetupError(f"the outline of {snapshot.url} has no element {label!r}")


def held(driver: WebDriver) -> dict[str, Any]:
    """What the form holds, asked without the runner."""
    script = """
    const of = (id) => document.getElementById(id);
    const [count, name, agree, city] = ["count", "name", "agree", "city"].map(of);
    return { count: Number(count.value), name: name.value, agree: agree.checked, city: city.value };
    """
    state: dict[str, Any] = driver.execute_script(script)
    return state


def options(webdriver_url: str | None = None) -> BrowserOptions:
    """A session as in a pod. Chrome's sandbox does not work for root."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    local = WebAccess(allow_private_hosts=["127.0.0.1"])
    return BrowserOptions(webdriver_url=webdriver_url, chrome_binary=binary, sandbox=os.geteuid() != 0, access=local)


def measure_starts(first: Browser) -> Samples:
    """Sessions at a chromedriver that runs already, as it does in a pod."""

    def start() -> None:
        sessions.append(start_browser(options(first.local_url)))

    taken = []
    for _ in range(SESSIONS):
        sessions: list[Browser] = []
        taken.append(stopwatch(start))
        sessions[0].close()
    return Samples.of(taken)


def look_table(looks: dict[int, Look]) -> str:
    """Looking, as a table."""
    rows = []
    for look in looks.values():
        for name, samples in look.samples.items():
            ratios = [
                f"{samples.median / look.samples[base].median:.1f} x" if (name, base) in COMPARED else ""
                for base in ("naive walk", "naive walk in the page", "page_source")
            ]
            rows.append([name, f"{look.elements}", f"{samples.least:.1f}", f"{samples.median:.1f}", *ratios])
    return grid(["looking, ms", "elements", "min", "median", "of walk", "of it in the page", "of page_source"], rows)


def outline_table(looks: dict[int, Look]) -> str:
    """The outlines, as a table."""
    rows = [
        [
            f"{look.elements} elements",
            *(f"{chars // CHARS_PER_TOKEN}" for chars in (look.chars, look.chars_whole)),
            *(f"{number}" for number in (look.budget, look.rows, look.hidden)),
            f"{look.first_ms:.1f}",
        ]
        for look in looks.values()
    ]
    return grid(
        ["outline, tokens (chars / 4)", "printed", "whole", "budget", "rows", "left out", "first look, ms"], rows
    )


def action_table(actions: dict[int, dict[str, Samples]]) -> str:
    """Acting, as a table."""
    rows = []
    for size, measured in actions.items():
        for name, samples in measured.items():
            ratio = "" if name == "element.click" else f"{samples.median / measured['element.click'].median:.1f} x"
            rows.append([name, f"{size}", f"{samples.least:.1f}", f"{samples.median:.1f}", ratio])
    return grid(
        [f"acting and verifying, ms ({OPTIONS} options)", "elements", "min", "median", "of element.click"], rows
    )


def run(rounds: int, progress: Progress) -> dict[str, Any]:
    """Measure everything, print the tables, return what goes into the file."""
    pages = {f"/{size}": listing(size) for size in SIZES}
    pages |= {f"/{size}/select": listing(size, options=OPTIONS) for size in SIZES}
    looks: dict[int, Look] = {}
    actions: dict[int, dict[str, Samples]] = {}
    browsers: list[Browser] = []
    with serving(pages) as address:
        cold = stopwatch(lambda: browsers.append(start_browser(options())))
        with browsers[0] as browser:
            with progress.step(f"start {SESSIONS} sessions"):
                starts = measure_starts(browser)
            page = ChromePage(browser)
            for size in SIZES:
                with progress.step(f"{rounds} rounds on a page of {size} elements"):
                    looks[size] = measure_look(browser, page, f"{address}/{size}", rounds)
                    actions[size] = measure_actions(browser, page, f"{address}/{size}/select", rounds)
            with progress.step(f"{rounds} rounds with and without the way to the network"):
                ways = measure_way(options(), rounds)
            version = browser.driver.capabilities["browserVersion"]
    print(look_table(looks), outline_table(looks), action_table(actions), way_table(ways), sep="\n\n")
    print(f"\n  session start, ms: {starts.least:.0f} min, {starts.median:.0f} median; with chromedriver's {cold:.0f}")
    return {
        "chromium": version,
        "rounds": rounds,
        "guard_ms": guard_ms(ways),
        "session_start_ms": starts.ms,
        "first_session_start_with_chromedriver_ms": cold,
        "looking": {
            size: {**vars(look), "samples": {name: each.ms for name, each in look.samples.items()}}
            for size, look in looks.items()
        },
        "acting": {size: {name: each.ms for name, each in measured.items()} for size, measured in actions.items()},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark: 0 unless something did not work."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.agent", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds to measure (default: {ROUNDS})")
    chosen = parser.parse_args(arguments)
    try:
        figures = run(max(1, chosen.rounds), Progress())
    except (SetupError, RunnerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"  written to {keep('agent', figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
