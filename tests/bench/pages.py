"""Pages of a given size for the agent's benchmark, and a server for them."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

OPTIONS: Final = 500
ELEMENTS_AN_ITEM: Final = 12
"""As ``ITEM`` has them; three can be acted on."""
STYLE: Final = """
body { margin: 0 20px; font: 14px sans-serif; }
.item { display: flex; gap: 12px; padding: 6px; border-bottom: 1px solid #ccc; }
.item .note { opacity: .8; }
.item .gone { display: none; }
"""
FORM: Final = """
<form onsubmit="return false">
<button type="button" id="count" onclick="this.nextElementSibling.textContent = ++this.value" value="0">Count</button>
<output>0</output>
<label for="name">Full name</label><input id="name">
<label><input type="checkbox" id="agree"> I agree</label>
</form>
"""
ITEM: Final = """
<li class="item" data-number="{n}"><h3><a href="/offer/{n}">Offer {n}</a></h3>
<p class="note">Place <b>{n}</b> of <i>many</i>, open <time>today</time></p>
<span class="gone">not shown</span>
<label><input type="checkbox"> Compare {n}</label>
<button type="button"><span>Apply</span></button></li>
"""


def listing(elements: int, *, options: int = 0) -> str:
    """A form and a list of offers, of about ``elements`` elements; with ``options``, also a select with that many."""
    items = "".join(ITEM.format(n=number) for number in range(1, elements // ELEMENTS_AN_ITEM + 1))
    choices = "".join(f"<option>City {number}</option>" for number in range(1, options + 1))
    select = f'<label for="city">City</label><select id="city">{choices}</select>' if options else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{elements} elements</title>'
        f"<style>{STYLE}</style></head><body><h1>Offers</h1>{FORM}{select}<ul>{items}</ul></body></html>"
    )


@contextmanager
def serving(pages: Mapping[str, str]) -> Iterator[str]:
    """Serve the pages by their paths until the block ends; yields the server's address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            body = (page or "").encode()
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
