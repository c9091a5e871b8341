"""Giving a file to the page."""

import base64
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from skyvern_runner.actions.base import ElementAction, Text
from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.outcome import Outcome, Target

if TYPE_CHECKING:
    from skyvern_runner.browser.upload_source import SourceFile
    from skyvern_runner.input.interaction import Interaction


class UploadFile(ElementAction):
    """Put a file into a file field, or drop it on an area that takes files."""

    RULE: ClassVar = (
        "id, text = the address of the file, which must appear in the task or its payload, or a list of several."
    )
    INDEPENDENT: ClassVar = True

    type: Literal["upload_file"] = "upload_file"
    text: Text | Annotated[tuple[Text, ...], Field(min_length=1)]
    """Path or address of the file, or of several."""

    @property
    def argument(self) -> str:
        """Paths or addresses of the files."""
        return ", ".join(self.sources)

    @property
    def sources(self) -> tuple[str, ...]:
        """Paths or addresses of the files."""
        return (self.text,) if isinstance(self.text, str) else self.text

    def run(self, interaction: "Interaction") -> Outcome:
        """Load the file in the runner and pass it to the page in pieces: runner and browser need no shared disk."""
        files = [interaction.load_file(source) for source in self.sources]
        outcome: Outcome | None = None
        for file in files:
            outcome = self._place(interaction, file)
            if not outcome.ok:
                break
        if outcome is None:
            raise ActionFailedError("upload_file needs the address of a file as its text")
        return outcome

    def _place(self, interaction: "Interaction", file: "SourceFile") -> Outcome:
        target = Target(self.id)
        field = interaction.ask(self.id, "fileTarget")
        if len(self.sources) > 1 and not field["several"]:
            raise ActionFailedError(f"the field takes one file only, not {len(self.sources)}")
        if not field["known"]:
            # The page opens a file chooser by script. The click makes it name its input, and no chooser appears.
            target = interaction.aim(self.id)
            interaction.click(target)
            interaction.settle(target)
        for piece in file.pieces():
            interaction.call(self.id.frame, "filePiece", base64.b64encode(piece).decode())
        held = interaction.ask(self.id, "filePlace", file.name, file.content_type)
        effect = interaction.settle(target if target.token else None)
        ok = file.name in held["held"] and held["size"] == len(file.data)
        message = f"uploaded {file.name} ({len(file.data)} bytes); the field holds {', '.join(held['held'])}"
        return Outcome(ok, message, effect)
