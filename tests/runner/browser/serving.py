"""A small web server for these tests: the pages, and responses that are not pages."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGES = Path(__file__).parent.parent / "pages"


@dataclass
class Site:
    """The running server."""

    port: int
    release: threading.Event = field(default_factory=threading.Event)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def foreign_url(self) -> str:
        """The same server under another host name, which is another site to the browser."""
        return f"http://localhost:{self.port}"


@contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve until the block ends."""
    site = Site(0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.release.set()
        server.shutdown()
        server.server_close()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.headers = {key.lower(): value for key, value in self.headers.items()}
            path = self.path.split("?")[0]
            match path:
                case "/missing":
                    self._answer(404, "text/html", b"<h1>There is no such page</h1>")
                case "/broken":
                    self._answer(500, "text/html", b"")
                case "/archive":
                    self._answer(200, "application/zip", b"PK", {"Content-Disposition": "attachment; filename=a.zip"})
                case "/nothing":
                    self.send_response(204)
                    self.end_headers()
                case "/never":
                    site.release.wait(20)
                    self._answer(200, "text/html", b"<p>late")
                case "/slow":
                    site.release.wait(0.4)
                    self._answer(200, "text/html", b"<title>Slow</title><h1>Here at last</h1>")
                case "/to":
                    self.send_response(302)
                    self.send_header("Location", self.path.partition("?")[2])
                    self.end_headers()
                case "/redirect":
                    self.send_response(302)
                    self.send_header("Location", "/resume")
                    self.end_headers()
                case "/resume":
                    self._answer(
                        200, "application/pdf", b"%PDF-1.4 resume", {"Content-Disposition": 'inline; filename="cv.pdf"'}
                    )
                case "/large":
                    self._answer(200, "application/pdf", b"x" * 300_000)
                case _:
                    self._page(path)

        def _page(self, path: str) -> None:
            file = PAGES / path.removeprefix("/")
            if not file.is_file():
                self._answer(404, "text/html", b"<h1>There is no such page</h1>")
                return
            text = (
                file.read_text(encoding="utf-8").replace("{{foreign}}", site.foreign_url).replace("{{home}}", site.url)
            )
            self._answer(200, "text/html; charset=utf-8", text.encode())

        def _answer(self, status: int, content_type: str, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    return Handler
