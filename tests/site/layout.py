"""HTML of the site: the frame of a page and the fields of a form."""

from collections.abc import Sequence
from html import escape

from starlette.responses import HTMLResponse


def page(title: str, body: str, *, status: int = 200, wide: bool = False) -> HTMLResponse:
    """Return a whole page; `body` is HTML already."""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - Tidewater Harbour</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/static/site.css">
</head>
<body>
<header class="top"><div class="inner"><a class="brand" href="/">Tidewater Harbour</a>
<nav aria-label="Main"><a href="/">Jobs</a><a href="/gallery">Page gallery</a></nav></div></header>
<main class="{"wide" if wide else "narrow"}">
{body}
</main>
<footer class="bottom">A site for trying browser tasks. No job here is real.</footer>
</body>
</html>""",
        status_code=status,
    )


def error_summary(errors: dict[str, str]) -> str:
    """Return the list of problems shown above a form, or nothing."""
    if not errors:
        return ""
    items = "".join(f'<li><a href="#{name}">{escape(message)}</a></li>' for name, message in errors.items())
    return f'<div class="problem" role="alert"><h2>There is a problem</h2><ul>{items}</ul></div>'


def _error(name: str, errors: dict[str, str]) -> str:
    return f'<p class="error" id="{name}-error">{escape(errors[name])}</p>' if name in errors else ""


def _aria(name: str, errors: dict[str, str]) -> str:
    return f' aria-invalid="true" aria-describedby="{name}-error"' if name in errors else ""


def text_field(
    name: str, label: str, value: str, errors: dict[str, str], *, kind: str = "text", extra: str = ""
) -> str:
    """Return a labeled one-line input."""
    return (
        f'<div class="field"><label for="{name}">{escape(label)}</label>{_error(name, errors)}'
        f'<input id="{name}" name="{name}" type="{kind}" value="{escape(value)}"{_aria(name, errors)} {extra}></div>'
    )


def text_area(name: str, label: str, value: str, errors: dict[str, str]) -> str:
    """Return a labeled text area."""
    return (
        f'<div class="field"><label for="{name}">{escape(label)}</label>{_error(name, errors)}'
        f'<textarea id="{name}" name="{name}" rows="5"{_aria(name, errors)}>{escape(value)}</textarea></div>'
    )


def select_field(name: str, label: str, value: str, options: Sequence[str], errors: dict[str, str]) -> str:
    """Return a labeled select whose first option is a placeholder."""
    choices = "".join(
        f"<option{' selected' if option == value else ''}>{escape(option)}</option>" for option in options
    )
    return (
        f'<div class="field"><label for="{name}">{escape(label)}</label>{_error(name, errors)}'
        f'<select id="{name}" name="{name}"{_aria(name, errors)}>'
        f'<option value="">Select...</option>{choices}</select></div>'
    )


def radio_group(name: str, legend: str, value: str, options: Sequence[str], errors: dict[str, str]) -> str:
    """Return a fieldset of radio buttons."""
    radios = "".join(
        f'<label class="choice"><input type="radio" name="{name}" value="{escape(option)}"'
        f"{' checked' if option == value else ''}> {escape(option)}</label>"
        for option in options
    )
    return (
        f'<fieldset class="field" id="{name}"{_aria(name, errors)}><legend>{escape(legend)}</legend>'
        f'{_error(name, errors)}<div class="choices">{radios}</div></fieldset>'
    )


def custom_checkbox_group(name: str, legend: str, values: Sequence[str], options: Sequence[str]) -> str:
    """Return a group of checkboxes made of divs, as component libraries make them."""
    boxes = "".join(
        f'<div class="tick" role="checkbox" tabindex="0" aria-checked="{"true" if option in values else "false"}"'
        f' data-name="{name}" data-value="{escape(option)}">{escape(option)}</div>'
        for option in options
    )
    return (
        f'<div class="field" role="group" aria-labelledby="{name}-legend">'
        f'<span class="legend" id="{name}-legend">{escape(legend)}</span><div class="choices">{boxes}</div></div>'
        '<script src="/static/ticks.js"></script>'
    )


def summary_list(rows: Sequence[tuple[str, str]]) -> str:
    """Return terms with their values."""
    items = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(value)}</dd></div>" for term, value in rows)
    return f'<dl class="summary">{items}</dl>'


def step_mark(number: int, of: int = 3) -> str:
    """Return the line that says which step the applicant is at."""
    return f'<p class="step">Step {number} of {of}</p>'
