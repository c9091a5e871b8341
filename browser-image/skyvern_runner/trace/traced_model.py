"""A model whose calls are spans, as OpenTelemetry's conventions for generative AI have them, without their texts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from skyvern_crds.runner_contract import ModelSettings
from skyvern_crds.tracing.span import SpanKind
from skyvern_runner.errors import ModelError
from skyvern_runner.model.ask import Completion, Model
from skyvern_runner.model.prompt import Message
from skyvern_runner.model.reply_format import ReplyFormat
from skyvern_runner.trace.run_trace import RunTrace, Value, tokens

_OPERATION = "chat"


class TracedModel:
    """Passes calls on and tells how long they took, with all retries."""

    def __init__(self, model: Model, settings: ModelSettings, trace: RunTrace) -> None:
        self._model = model
        self._trace = trace
        self._name = f"{_OPERATION} {settings.model}"
        self._about: dict[str, Value] = {
            "gen_ai.operation.name": _OPERATION,
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": settings.model or "",
        }
        if settings.base_url:
            self._about["server.address"] = urlsplit(settings.base_url).hostname or ""

    def check(self) -> None:
        """Raises ModelError if the settings cannot work."""
        self._model.check()

    def complete(self, messages: Sequence[Message], form: ReplyFormat) -> Completion:
        """Complete a chat. Raises ModelError."""
        start, about = datetime.now(UTC), self._about | {"skyvern.question": form.name}
        try:
            completion = self._model.complete(messages, form)
        except ModelError as error:
            self._trace.ended(self._name, start, kind=SpanKind.CLIENT, attributes=about, error=error.kind.value)
            raise
        used = tokens(completion.usage)
        problem = "incomplete_reply" if completion.problem else None
        self._trace.ended(self._name, start, kind=SpanKind.CLIENT, attributes=about | used, error=problem)
        return completion
