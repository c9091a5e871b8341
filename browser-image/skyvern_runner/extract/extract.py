"""Extraction: asks the model for the information that the task wants from the page."""

from collections.abc import Sequence
from datetime import date

from pydantic import JsonValue

from skyvern_runner.errors import ModelError, ModelErrorKind, ReplyError
from skyvern_runner.extract.schema import extraction_format, json_schema_of, problems_of, unwrap, without_misfits
from skyvern_runner.model.ask import Exchange, Model, Question, ask
from skyvern_runner.model.prompt import PageView, extraction_messages
from skyvern_runner.report.events import Extracted, Observer, Warned
from skyvern_runner.task.task import Task


def extract(
    task: Task,
    view: PageView,
    model: Model,
    log: list[Exchange],
    *,
    notes: Sequence[str],
    today: date,
    observer: Observer,
) -> JsonValue:
    """Extract the information from the page and the agent's notes.

    A reply that does not fit the schema is asked for once more; then misfits become null.
    Raises ModelError when there is no readable reply.
    """
    schema = json_schema_of(task.schema)
    messages = extraction_messages(task, view, notes=notes, today=today)
    form = extraction_format(schema)
    readable: list[JsonValue] = []

    def parse(text: str | None) -> JsonValue:
        value = unwrap(text, schema)
        readable.append(value)
        if problems := problems_of(value, schema):
            raise ReplyError("the extracted information does not fit the schema: " + "; ".join(problems))
        return value

    try:
        result = ask(model, Question(messages, form, parse), log)
    except ModelError as error:
        if error.kind is not ModelErrorKind.NONSENSE or not readable:
            raise
        result = without_misfits(readable[-1], schema)
        observer.notify(Warned("extraction", "values that do not fit the schema are null"))
    observer.notify(Extracted(result))
    return result
