"""Pages that are hard for a browser task: frames, shadow roots, overlays, dialogs, errors, slowness."""

import asyncio
from html import escape
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.site import layout

GALLERY = Path(__file__).parent / "gallery"
MAX_SLOW_SECONDS = 120.0

PAGES = {
    "js-counter": "A button whose text changes",
    "alert": "Alert and confirm dialogs",
    "popup": "Links and scripts that open another window",
    "covered": "A button under an overlay",
    "listeners": "Controls that are only divs with listeners",
    "shadow": "Inputs in open shadow roots",
    "frames": "Forms in frames, one from another origin",
    "custom": "Custom controls: styled radios, a combobox, an editable text",
}


async def index(_request: Request) -> Response:
    """List the pages of the gallery."""
    items = "".join(f'<li><a href="/{name}">{title}</a></li>' for name, title in PAGES.items())
    more = (
        '<li><a href="/slow?seconds=2">A page that takes its time</a></li>'
        '<li><a href="/status/500">A page that answers 500</a></li>'
        '<li><a href="/download">A download instead of a page</a></li>'
    )
    return layout.page("Page gallery", f"<h1>Page gallery</h1><ul>{items}{more}</ul>")


async def gallery_page(request: Request) -> Response:
    """Return one page of the gallery in the site's frame."""
    name = request.url.path.strip("/")
    body = (GALLERY / f"{name}.html").read_text(encoding="utf-8")
    return layout.page(PAGES[name], body.replace("{{other_origin}}", str(other_origin(request.url))))


def other_origin(url: URL) -> URL:
    """Return this site under another name of the same server: what a browser takes for a foreign origin."""
    names = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}
    host = url.hostname or "localhost"
    # A closing dot makes a fully qualified name: the same address, another origin.
    other = names.get(host) or (host.removesuffix(".") if host.endswith(".") else f"{host}.")
    return URL(f"{url.scheme}://{other}" + (f":{url.port}" if url.port else ""))


async def frame_form(request: Request) -> Response:
    """Return the form that the frames page embeds; a POST shows what was sent."""
    if request.method == "POST":
        async with request.form() as form:
            holder = str(form.get("holder", ""))
        return _bare(f"<h2>Saved</h2><p>Holder: {escape(holder)}</p>")
    return _bare(
        '<form method="post"><div class="field"><label for="holder">Card holder</label>'
        '<input type="text" id="holder" name="holder"></div><button>Save card</button></form>'
    )


async def popup_child(_request: Request) -> Response:
    """Return the page that opens in a new window."""
    return layout.page("New window", "<h1>New window</h1><p>The code of this window is 7319.</p>")


async def slow(request: Request) -> Response:
    """Answer after ?seconds= (at most two minutes)."""
    try:
        seconds = float(request.query_params.get("seconds", "1"))
    except ValueError:
        return layout.page("Bad request", "<h1>seconds must be a number</h1>", status=400)
    await asyncio.sleep(min(max(seconds, 0.0), MAX_SLOW_SECONDS))
    return layout.page("Slow page", f"<h1>Slow page</h1><p>This took {seconds:g} seconds.</p>")


async def status(request: Request) -> Response:
    """Answer with the HTTP status of the path."""
    code = request.path_params["code"]
    if code not in {item.value for item in HTTPStatus if item.value >= 400}:
        return layout.page("Not found", f"<h1>There is no error {code}</h1>", status=404)
    phrase = HTTPStatus(code).phrase
    return layout.page(phrase, f"<h1>{code} {phrase}</h1>", status=code)


async def download(_request: Request) -> Response:
    """Answer with an attachment."""
    headers = {"content-disposition": 'attachment; filename="tides.csv"'}
    return Response("day,high,low\nMonday,06:12,12:31\n", media_type="text/csv", headers=headers)


def _bare(body: str) -> HTMLResponse:
    return HTMLResponse(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Card</title>'
        '<link rel="stylesheet" href="/static/site.css"></head>'
        f'<body style="padding:1rem">{body}</body></html>'
    )


def routes() -> list[Route]:
    """Return the routes of the gallery."""
    return [
        Route("/gallery", index),
        *(Route(f"/{name}", gallery_page) for name in PAGES),
        Route("/frames/form", frame_form, methods=["GET", "POST"]),
        Route("/popup/child", popup_child),
        Route("/slow", slow),
        Route("/status/{code:int}", status),
        Route("/download", download),
    ]
