"""Opening an address."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_crds.urls import is_http_url
from skyvern_runner.actions.base import PageAction, Text
from skyvern_runner.browser.element_id import ElementId
from skyvern_runner.errors import ReplyError
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class GoTo(PageAction):
    """Open an address in the tab in front."""

    RULE: ClassVar = "text = a full http or https address."

    type: Literal["go_to"] = "go_to"
    text: Text
    """The address."""

    @property
    def argument(self) -> str:
        """The address."""
        return self.text

    def check(self, labels: Mapping[ElementId, str]) -> None:
        """Refuses everything but web addresses."""
        if not is_http_url(self.text):
            raise ReplyError(f"go_to needs an http or https address, not {self.text!r}")

    def run(self, interaction: "Interaction") -> Outcome:
        """Open the address and wait for its page."""
        interaction.open(self.text)
        return Outcome(True, f"opened {self.text}", interaction.settle())
