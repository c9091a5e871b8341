"""The site as an ASGI application."""

from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.site import gallery, hooks, layout, pages
from tests.site.applications import ApplicationStore

STATIC = Path(__file__).parent / "static"


async def healthz(_request: Request) -> Response:
    """Say that the site is up."""
    return PlainTextResponse("ok")


async def resume(_request: Request) -> Response:
    """Serve a resume that a task can send with its application."""
    return FileResponse(STATIC / "resume.pdf", media_type="application/pdf", content_disposition_type="inline")


async def http_error(_request: Request, error: Exception) -> Response:
    """Show an HTTP error as a page."""
    assert isinstance(error, HTTPException)
    detail = escape(error.detail)
    return layout.page(error.detail, f"<h1>{detail}</h1>", status=error.status_code)


def create_app() -> Starlette:
    """Return a new site with no applications."""
    app = Starlette(
        routes=[
            *pages.routes(),
            *gallery.routes(),
            *hooks.routes(),
            Route("/resume.pdf", resume),
            Route("/healthz", healthz),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={HTTPException: http_error},
    )
    app.state.applications = ApplicationStore()
    app.state.deliveries = hooks.new_deliveries()
    return app
