"""What an applicant enters: drafts, the checks of each page, and submitted applications."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import PurePath

from tests.site.jobs import EMPLOYMENT_TYPES, HEARD_FROM, POSITIONS

MAX_RESUME_BYTES = 1024 * 1024
RESUME_SUFFIXES = (".pdf", ".txt", ".docx")


@dataclass(frozen=True)
class Resume:
    """An uploaded file; its bytes are not kept, only what identifies them."""

    filename: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Answers:
    """Everything the form asks for, as entered."""

    full_name: str = ""
    email: str = ""
    phone: str = ""
    position: str = ""
    employment_type: str = ""
    start_date: str = ""
    resume: Resume | None = None
    cover_letter: str = ""
    heard_from: tuple[str, ...] = ()
    accepted_terms: bool = False

    @property
    def reference(self) -> str:
        """The reference number: JOB- and six characters that follow from the answers alone."""
        canonical = json.dumps(asdict(self), sort_keys=True).encode()
        return "JOB-" + base64.b32encode(hashlib.sha256(canonical).digest()).decode()[:6]


@dataclass(frozen=True)
class Draft:
    """One application on its way through the pages."""

    number: int
    job: str
    answers: Answers = field(default_factory=Answers)
    submitted: bool = False


class ApplicationStore:
    """Drafts and submitted applications of one running site."""

    def __init__(self) -> None:
        self._drafts: dict[int, Draft] = {}

    def start(self, job: str) -> Draft:
        """Open a new draft for a job."""
        draft = Draft(number=len(self._drafts) + 1, job=job)
        self._drafts[draft.number] = draft
        return draft

    def get(self, number: int) -> Draft | None:
        """Return a draft, submitted or not."""
        return self._drafts.get(number)

    def save(self, draft: Draft, answers: Answers) -> Draft:
        """Keep new answers of a draft."""
        saved = replace(draft, answers=answers)
        self._drafts[draft.number] = saved
        return saved

    def submit(self, draft: Draft) -> Draft:
        """Turn a draft into an application; doing so twice changes nothing."""
        submitted = replace(draft, submitted=True)
        self._drafts[draft.number] = submitted
        return submitted

    def submitted(self) -> list[dict[str, object]]:
        """Return the submitted applications as JSON values, oldest first."""
        return [
            {"reference": draft.answers.reference, "job": draft.job, **asdict(draft.answers)}
            for draft in self._drafts.values()
            if draft.submitted
        ]


def about_errors(answers: Answers) -> dict[str, str]:
    """Check the first page; return the message of each field that is wrong."""
    errors: dict[str, str] = {}
    if len(answers.full_name) < 2:
        errors["full_name"] = "Enter your full name"
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", answers.email):
        errors["email"] = "Enter an e-mail address like name@example.com"
    if not re.fullmatch(r"\+?[0-9 ()\-]{7,20}", answers.phone):
        errors["phone"] = "Enter a phone number of at least seven digits"
    if answers.position not in POSITIONS:
        errors["position"] = "Select a position"
    if answers.employment_type not in EMPLOYMENT_TYPES:
        errors["employment_type"] = "Choose full time, part time or seasonal"
    message = _start_date_error(answers.start_date)
    if message:
        errors["start_date"] = message
    return errors


def _start_date_error(text: str) -> str | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return "Enter the date on which you can start"
    # A rule that the browser cannot check itself, and that does not depend on today's date.
    return "Choose a working day, Monday to Friday" if day.weekday() > 4 else None


def document_errors(answers: Answers, upload_problem: str | None) -> dict[str, str]:
    """Check the second page; `upload_problem` says what is wrong with the file just sent."""
    errors: dict[str, str] = {}
    if upload_problem:
        errors["resume"] = upload_problem
    elif answers.resume is None:
        errors["resume"] = "Attach your resume"
    if len(answers.cover_letter) > 4000:
        errors["cover_letter"] = "Keep the cover letter under 4000 characters"
    if not answers.accepted_terms:
        errors["accepted_terms"] = "Accept the terms to go on"
    return errors


def about_answers(answers: Answers, form: Mapping[str, str]) -> Answers:
    """Return the answers with the first page's fields taken from a form."""
    names = ("full_name", "email", "phone", "position", "employment_type", "start_date")
    entered = {name: form.get(name, "").strip() for name in names}
    return replace(answers, **entered)  # type: ignore[arg-type]  # all six are strings


def document_answers(
    answers: Answers, *, resume: Resume | None, cover_letter: str, accepted_terms: bool, heard_from: list[str]
) -> Answers:
    """Return the answers with the second page's fields; a resume sent before is kept."""
    return replace(
        answers,
        resume=resume or answers.resume,
        cover_letter=cover_letter.replace("\r\n", "\n").strip(),
        accepted_terms=accepted_terms,
        heard_from=tuple(source for source in HEARD_FROM if source in heard_from),
    )


def read_resume(filename: str, content: bytes) -> tuple[Resume | None, str | None]:
    """Return the resume or the reason why it is refused; (None, None) when no file was chosen."""
    if not filename:
        return None, None
    if PurePath(filename).suffix.lower() not in RESUME_SUFFIXES:
        return None, "The resume must be a PDF, DOCX or TXT file"
    if not content:
        return None, "The resume is an empty file"
    if len(content) > MAX_RESUME_BYTES:
        return None, "The resume must be smaller than 1 MB"
    return Resume(filename, len(content), hashlib.sha256(content).hexdigest()), None
