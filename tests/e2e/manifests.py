"""The tasks of the end-to-end tests."""

from typing import Any

from pydantic.alias_generators import to_snake

from tests.cluster.release.scripted import SCRIPTED_MODEL as SETTINGS
from tests.cluster.release.scripted import SITE_HOST
from tests.site.applicant import applicant

SITE = f"http://{SITE_HOST}:8090"
NEVER_DONE = f"{SETTINGS.name}:script=never-done"
"""A model that waits on every page and never ends."""
SLOW = f"{SETTINGS.name}:fault=hang/1"
"""The job application with answers that take a second, so that there is time to disturb it."""

APPLICANT = applicant(
    SITE,
    email="robin@example.com",
    employment_type="Part time",
    cover_letter="I have cooked at sea for five years and never lost a pan.",
    heard_from=["A friend"],
)
SCHEMA = {
    "type": "object",
    "required": ["successful", "reference", "position"],
    "properties": {
        "successful": {"type": "boolean"},
        "reference": {"type": "string"},
        "position": {"type": "string"},
    },
}


def _application(full_name: str) -> dict[str, Any]:
    return {
        "url": f"{SITE}/",
        "navigationGoal": "Apply for the job with the details of the payload.",
        "dataExtractionGoal": "Was the application successful, for which position, and what is its reference number?",
        "navigationPayload": {**APPLICANT, "name": full_name},
        "extractedInformationSchema": SCHEMA,
    }


def job_application(full_name: str, **spec: Any) -> dict[str, Any]:
    """The spec of a task that applies for a job; the site tells applications apart by the name."""
    return {**_application(full_name), "maxSteps": 20, "activeDeadlineSeconds": 240, **spec}


def job_request(full_name: str, **body: Any) -> dict[str, Any]:
    """The same as the body of a request to the Tasks API."""
    return {**{to_snake(name): value for name, value in _application(full_name).items()}, **body}


def waiting(goal: str, **spec: Any) -> dict[str, Any]:
    """The spec of a task that never ends on its own."""
    return {
        "url": f"{SITE}/gallery",
        "navigationGoal": goal,
        "model": {"modelName": NEVER_DONE},
        "maxSteps": 500,
        "activeDeadlineSeconds": 240,
        **spec,
    }


def opening(url: str, **spec: Any) -> dict[str, Any]:
    """The spec of a task that only opens a page and reads it."""
    return {"url": url, "dataExtractionGoal": "What does the page say?", "activeDeadlineSeconds": 120, **spec}
