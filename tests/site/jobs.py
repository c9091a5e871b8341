"""The jobs on offer and the choices of the application form."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One advertised job."""

    slug: str
    title: str
    team: str
    place: str
    pay: str
    summary: str
    duties: tuple[str, ...]


JOBS = (
    Job(
        slug="ferry-captain",
        title="Ferry Captain",
        team="Fleet",
        place="North Quay",
        pay="48,000 a year",
        summary="Take the morning boats across the sound, in every kind of weather.",
        duties=("Command a crew of six", "Keep the timetable and the log", "Train two mates for their ticket"),
    ),
    Job(
        slug="harbour-engineer",
        title="Harbour Engineer",
        team="Works",
        place="Old Docks",
        pay="52,000 a year",
        summary="Look after the cranes, the lock gates and the pumps that keep the basin level.",
        duties=("Inspect lifting gear every week", "Plan the winter overhaul", "Answer one night call in eight"),
    ),
    Job(
        slug="chart-librarian",
        title="Chart Librarian",
        team="Archive",
        place="Lighthouse Row",
        pay="37,500 a year",
        summary="Keep four hundred years of sea charts in order and in daylight-free rooms.",
        duties=("Catalog new surveys", "Help visitors find a coast", "Repair what the damp has reached"),
    ),
    Job(
        slug="galley-cook",
        title="Galley Cook",
        team="Fleet",
        place="North Quay",
        pay="33,000 a year",
        summary="Cook for ninety passengers a crossing from a kitchen that will not stand still.",
        duties=("Write the menu with the season", "Order from the morning market", "Keep a spotless galley"),
    ),
)

POSITIONS = (
    *(job.title for job in JOBS),
    "Boat Builder",
    "Buoy Keeper",
    "Customs Clerk",
    "Diver",
    "Dock Hand",
    "Harbour Pilot",
    "Radio Operator",
    "Rope Maker",
    "Sail Maker",
    "Ticket Seller",
)

EMPLOYMENT_TYPES = ("Full time", "Part time", "Seasonal")

HEARD_FROM = ("Job board", "A friend", "Newspaper", "Walking past")


def find_job(slug: str) -> Job | None:
    """Return the job with this slug, or None."""
    return next((job for job in JOBS if job.slug == slug), None)
