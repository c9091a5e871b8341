"""The pages of the job-application site, from the list of jobs to the confirmation."""

from html import escape

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.site import layout
from tests.site.applications import (
    Answers,
    ApplicationStore,
    Draft,
    about_answers,
    about_errors,
    document_answers,
    document_errors,
    read_resume,
)
from tests.site.jobs import EMPLOYMENT_TYPES, HEARD_FROM, JOBS, POSITIONS, Job, find_job

COOKIE_NOTICE = """
<div class="veil" id="veil"><div class="notice" role="dialog" aria-modal="true" aria-labelledby="notice-title">
<h2 id="notice-title">Cookies on this site</h2>
<p>We would like to count visits. Choose what we may keep before you go on.</p>
<div class="actions"><button type="button" data-keep="all">Accept all cookies</button>
<button type="button" class="quiet" data-keep="needed">Only the needed ones</button></div></div></div>
<script>
for (const button of document.querySelectorAll("[data-keep]")) {
  button.addEventListener("click", () => {
    document.cookie = `notice=${button.dataset.keep}; path=/; SameSite=Lax`;
    document.getElementById("veil").remove();
  });
}
</script>"""


def store_of(request: Request) -> ApplicationStore:
    """Return the store of the app that serves this request."""
    store: ApplicationStore = request.app.state.applications
    return store


async def home(request: Request) -> Response:
    """Show the jobs, under a cookie notice on the first visit."""
    cards = "".join(
        f'<li class="card"><h2><a href="/jobs/{job.slug}">{escape(job.title)}</a></h2>'
        f'<p class="meta">{escape(job.team)} - {escape(job.place)} - {escape(job.pay)}</p>'
        f"<p>{escape(job.summary)}</p></li>"
        for job in JOBS
    )
    body = (
        '<h1>Work by the water</h1><p class="lead">Four jobs are open at Tidewater Harbour this season.</p>'
        f'<ul class="jobs" aria-label="Open jobs">{cards}</ul>'
    )
    notice = "" if "notice" in request.cookies else COOKIE_NOTICE
    return layout.page("Jobs", body + notice, wide=True)


def _job(request: Request) -> Job:
    job = find_job(request.path_params["slug"])
    if job is None:
        raise HTTPException(404, f"There is no job {request.path_params['slug']!r}")
    return job


async def job_page(request: Request) -> Response:
    """Describe one job."""
    job = _job(request)
    duties = "".join(f"<li>{escape(duty)}</li>" for duty in job.duties)
    body = (
        f'<h1>{escape(job.title)}</h1><p class="lead">{escape(job.summary)}</p>'
        + layout.summary_list([("Team", job.team), ("Place", job.place), ("Pay", job.pay)])
        + f"<h2>What you will do</h2><ul>{duties}</ul>"
        f'<form method="post" action="/jobs/{job.slug}/apply"><button>Apply for this job</button></form>'
    )
    return layout.page(job.title, body)


async def start(request: Request) -> Response:
    """Open a draft and go to its first page."""
    draft = store_of(request).start(_job(request).slug)
    return RedirectResponse(f"/applications/{draft.number}/about", status_code=303)


def _draft(request: Request) -> Draft:
    draft = store_of(request).get(request.path_params["number"])
    if draft is None:
        raise HTTPException(404, f"There is no application {request.path_params['number']}")
    return draft


def _go(draft: Draft, to: str) -> RedirectResponse:
    return RedirectResponse(f"/applications/{draft.number}/{to}", status_code=303)


async def about(request: Request) -> Response:
    """Ask for the person and the position: page 1."""
    draft = _draft(request)
    if draft.submitted:
        return _go(draft, "done")
    if request.method == "GET":
        return _about_page(draft.answers, {})
    async with request.form() as form:
        answers = about_answers(draft.answers, _texts(form))
    store_of(request).save(draft, answers)
    errors = about_errors(answers)
    return _about_page(answers, errors) if errors else _go(draft, "documents")


def _texts(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _about_page(answers: Answers, errors: dict[str, str]) -> HTMLResponse:
    text = layout.text_field
    body = (
        f"{layout.step_mark(1)}<h1>About you</h1>{layout.error_summary(errors)}"
        '<form class="sheet" method="post" novalidate>'
        + text("full_name", "Full name", answers.full_name, errors, extra='autocomplete="name" required')
        + text("email", "E-mail", answers.email, errors, kind="email", extra='autocomplete="email" required')
        + text("phone", "Phone", answers.phone, errors, kind="tel", extra='autocomplete="tel" required')
        + layout.select_field("position", "Position", answers.position, POSITIONS, errors)
        + layout.radio_group("employment_type", "Employment type", answers.employment_type, EMPLOYMENT_TYPES, errors)
        + text("start_date", "Start date", answers.start_date, errors, kind="date", extra="required")
        + '<div class="actions"><button>Continue</button></div></form>'
    )
    return layout.page("About you", body, status=422 if errors else 200)


async def documents(request: Request) -> Response:
    """Ask for the resume, the letter and the terms: page 2."""
    draft = _draft(request)
    if draft.submitted:
        return _go(draft, "done")
    if about_errors(draft.answers):
        return _go(draft, "about")
    if request.method == "GET":
        return _documents_page(draft, {})
    async with request.form() as form:
        upload = form.get("resume")
        content = await upload.read() if isinstance(upload, UploadFile) else b""
        filename = (upload.filename or "") if isinstance(upload, UploadFile) else ""
        resume, problem = read_resume(filename, content)
        answers = document_answers(
            draft.answers,
            resume=resume,
            cover_letter=_texts(form).get("cover_letter", ""),
            accepted_terms="accepted_terms" in form,
            heard_from=[value for value in form.getlist("heard_from") if isinstance(value, str)],
        )
    draft = store_of(request).save(draft, answers)
    errors = document_errors(answers, problem)
    return _documents_page(draft, errors) if errors else _go(draft, "review")


def _documents_page(draft: Draft, errors: dict[str, str]) -> HTMLResponse:
    answers = draft.answers
    error = f'<p class="error" id="resume-error">{escape(errors["resume"])}</p>' if "resume" in errors else ""
    kept = f'<p class="meta">Attached: {escape(answers.resume.filename)}</p>' if answers.resume else ""
    terms_error = f'<p class="error">{escape(errors["accepted_terms"])}</p>' if "accepted_terms" in errors else ""
    body = (
        f"{layout.step_mark(2)}<h1>Your documents</h1>{layout.error_summary(errors)}"
        '<form class="sheet" method="post" enctype="multipart/form-data" novalidate>'
        f'<div class="field"><label for="resume">Resume</label>{error}{kept}'
        '<input id="resume" name="resume" type="file" accept=".pdf,.docx,.txt"></div>'
        + layout.text_area("cover_letter", "Cover letter", answers.cover_letter, errors)
        + layout.custom_checkbox_group("heard_from", "How did you hear about us?", answers.heard_from, HEARD_FROM)
        + f'<div class="field">{terms_error}<label class="choice"><input type="checkbox" id="accepted_terms"'
        f' name="accepted_terms"{" checked" if answers.accepted_terms else ""}> I accept the terms</label></div>'
        f'<div class="actions"><button>Continue</button><a href="/applications/{draft.number}/about">Back</a></div>'
        "</form>"
    )
    return layout.page("Your documents", body, status=422 if errors else 200)


async def review(request: Request) -> Response:
    """Show all answers; a POST submits them."""
    draft = _draft(request)
    if draft.submitted:
        return _go(draft, "done")
    if about_errors(draft.answers):
        return _go(draft, "about")
    if document_errors(draft.answers, None):
        return _go(draft, "documents")
    if request.method == "POST":
        return _go(store_of(request).submit(draft), "done")
    body = (
        f"{layout.step_mark(3)}<h1>Check your answers</h1>{layout.summary_list(_rows(draft.answers))}"
        '<form method="post"><div class="actions"><button>Send application</button>'
        f'<a href="/applications/{draft.number}/about">Change something</a></div></form>'
    )
    return layout.page("Check your answers", body)


def _rows(answers: Answers) -> list[tuple[str, str]]:
    resume = answers.resume
    return [
        ("Full name", answers.full_name),
        ("E-mail", answers.email),
        ("Phone", answers.phone),
        ("Position", answers.position),
        ("Employment type", answers.employment_type),
        ("Start date", answers.start_date),
        ("Resume", f"{resume.filename} ({resume.size} bytes)" if resume else "None"),
        ("Cover letter", answers.cover_letter or "None"),
        ("Heard from", ", ".join(answers.heard_from) or "Nobody"),
    ]


async def done(request: Request) -> Response:
    """Confirm a submitted application with its reference number."""
    draft = _draft(request)
    if not draft.submitted:
        return _go(draft, "review")
    answers = draft.answers
    body = (
        '<div class="done"><h1>Application received</h1>'
        f"<p>Thank you, {escape(answers.full_name)}. Your reference number is</p>"
        f'<p class="number">{answers.reference}</p></div>'
        + layout.summary_list([("Position", answers.position), ("Start date", answers.start_date)])
        + f"<p>We will write to {escape(answers.email)} within ten days.</p>"
    )
    return layout.page("Application received", body)


async def applications_json(request: Request) -> Response:
    """List what was submitted."""
    return JSONResponse(store_of(request).submitted())


def routes() -> list[Route]:
    """Return the routes of these pages."""
    both = ["GET", "POST"]
    return [
        Route("/", home),
        Route("/jobs/{slug}", job_page),
        Route("/jobs/{slug}/apply", start, methods=["POST"]),
        Route("/applications/{number:int}/about", about, methods=both),
        Route("/applications/{number:int}/documents", documents, methods=both),
        Route("/applications/{number:int}/review", review, methods=both),
        Route("/applications/{number:int}/done", done),
        Route("/applications.json", applications_json),
    ]
