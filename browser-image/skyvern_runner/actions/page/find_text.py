"""Finding text on the page."""

from typing import TYPE_CHECKING, ClassVar, Final, Literal

from skyvern_runner.actions.base import PageAction, Text
from skyvern_runner.input.outcome import Outcome

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction

MAX_HITS: Final = 10
"""Most hits that are shown."""
AROUND: Final = 150
"""Characters that are shown on each side of a hit."""


class FindText(PageAction):
    """Search the whole page, beyond what the outline shows."""

    RULE: ClassVar = "text = words on the page. Shows you the text around each hit, and scrolls to the first."
    INDEPENDENT: ClassVar = True

    type: Literal["find_text"] = "find_text"
    text: Text

    @property
    def argument(self) -> str:
        """What to search."""
        return self.text

    def run(self, interaction: "Interaction") -> Outcome:
        """Search the page and its frames."""
        total = 0
        hits: list[str] = []
        for frame, found in interaction.ask_each("findText", self.text, AROUND, MAX_HITS):
            if found["count"] and not total:
                interaction.acted = True
                interaction.call(frame, "scrollToText", self.text)
            total += int(found["count"])
            hits += found["around"]
        effect = interaction.settle()
        if not total:
            return Outcome(False, f"the page does not show {self.text!r}", effect)
        rest = f", of which {MAX_HITS} are shown" if total > MAX_HITS else ""
        times = "once" if total == 1 else f"{total} times"
        shown = "\n".join(f"{number}. {text}" for number, text in enumerate(hits[:MAX_HITS], start=1))
        return Outcome(True, f"found {self.text!r} {times}{rest}, scrolled to the first", effect, shown)
