"""Giving a file to the page."""

import base64
from typing import TYPE_CHECKING, ClassVar, Literal

from skyvern_runner.actions.base import ElementAction, Text
from skyvern_runner.input.outcome import Outcome, Target

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction


class UploadFile(ElementAction):
    """Put a file into a file field, or drop it on an area that takes files."""

    RULE: ClassVar = "id, text = the address of the file, which must appear in the task or its payload."
    INDEPENDENT: ClassVar = True

    type: Literal["upload_file"] = "upload_file"
    text: Text
    """Path or address of the file."""

    @property
    def argument(self) -> str:
        """Path or address of the file."""
        return self.text

    def run(self, interaction: "Interaction") -> Outcome:
        """Load the file in the runner and pass it to the page in pieces: runner and browser need no shared disk."""
        file = interaction.load_file(self.text)
        target = Target(self.id)
        if not interaction.ask(self.id, "fileTarget")["known"]:
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
