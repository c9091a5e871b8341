"""The applicant of the tests: what is entered into the form, and the payload of a task that enters it."""

from typing import Any

ABOUT = {
    "full_name": "Chris P. Bacon",
    "email": "chris@example.com",
    "phone": "+44 20 7946 0018",
    "position": "Galley Cook",
    "employment_type": "Full time",
    "start_date": "2027-03-01",
}
"""The fields of the form's first page."""
HEARD_FROM = ["A friend", "Newspaper"]


def applicant(site: str, **changes: Any) -> dict[str, Any]:
    """The payload of a task that applies on the site with this base URL."""
    name, *rest = ABOUT.items()
    return {"name": name[1], **dict(rest), "resume": f"{site}/resume.pdf", "heard_from": HEARD_FROM} | changes
