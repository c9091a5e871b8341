"""Waiting for the page."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

from pydantic import Field

from skyvern_runner.actions.base import AnyText, OptionalId, PageAction
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ReplyError
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction

DEFAULT_SECONDS: Final = 2.0
MAX_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.1
QUIET_MS: Final = 500
"""How long nothing must change for the page to count as quiet."""


class Wait(PageAction):
    """Wait for some time, or until the page shows what is waited for."""

    RULE: ClassVar = (
        "seconds, when the page is still loading. If need be until = text or no_text (text = words that must show or"
        " vanish), usable or gone (id), or quiet: ends as soon as that holds, and fails after the seconds."
    )
    RARE: ClassVar = ("until", "text", "id")

    type: Literal["wait"] = "wait"
    seconds: Annotated[float, Field(ge=0)] = DEFAULT_SECONDS
    until: Literal["time", "text", "no_text", "usable", "gone", "quiet"] = "time"
    text: AnyText | None = None
    id: OptionalId = None

    @property
    def element(self) -> ElementId | None:
        """The element that is waited for."""
        return self.id

    @property
    def argument(self) -> str | None:
        """The words that are waited for."""
        return self.text

    @property
    def limit(self) -> float:
        """Longest wait in seconds."""
        return min(MAX_SECONDS, self.seconds)

    def describe(self, label: str) -> str:
        """Also shows what for."""
        return super().describe(label) if self.until == "time" else f"{super().describe(label)} until {self.until}"

    def check(self, labels: Mapping[ElementId, str]) -> None:
        """What is waited for must be named."""
        super().check(labels)
        if self.until in {"text", "no_text"} and not (self.text or "").strip():
            raise ReplyError(f"wait until {self.until} needs text = the words")
        if self.until in {"usable", "gone"} and self.id is None:
            raise ReplyError(f"wait until {self.until} needs the id of an element")
        if (self.text is not None and self.until not in {"text", "no_text"}) or (
            self.id is not None and self.until not in {"usable", "gone"}
        ):
            raise ReplyError("wait takes text only until = text or no_text, and id only until = usable or gone")

    def run(self, interaction: "Interaction") -> Outcome:
        """Wait, and look whether it came."""
        begin = time.monotonic()
        if self.until == "time":
            interaction.sleep(self.limit)
            return Outcome(True, f"waited {self.limit:g} s", interaction.settle())
        while not (held := self._holds(interaction)) and time.monotonic() - begin < self.limit:
            interaction.sleep(min(POLL_SECONDS, max(0.0, self.limit - (time.monotonic() - begin))))
        seconds = time.monotonic() - begin
        what = {
            "text": f"the page showed {self.text!r}",
            "no_text": f"{self.text!r} was gone",
            "usable": "it could be used",
            "gone": "it was gone",
            "quiet": "the page was quiet",
        }[self.until]
        effect = interaction.settle()
        if held:
            return Outcome(True, f"waited {seconds:.1f} s until {what}", effect)
        return Outcome(False, f"waited {self.limit:g} s in vain until {what}", effect)

    def _holds(self, interaction: "Interaction") -> bool:
        if self.until == "quiet":
            return interaction.settle(quiet_ms=QUIET_MS).mutations == 0
        if self.id is not None:
            state = interaction.call_if_there(self.id.frame, "usable", self.id.own)
            return bool(state["usable"] if self.until == "usable" else state["gone"]) if state else self.until == "gone"
        shown = any(found["shown"] for _, found in interaction.ask_each("showsText", self.text))
        return shown == (self.until == "text")
