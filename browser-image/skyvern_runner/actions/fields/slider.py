"""Setting a slider that the page draws, by its keys."""

from typing import TYPE_CHECKING, Any, Final

from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.keys import NAMED
from skyvern_runner.input.outcome import Outcome, Target

if TYPE_CHECKING:
    from skyvern_runner.input.interaction import Interaction

MAX_PRESSES: Final = 300


def set_slider(interaction: "Interaction", target: Target, text: str) -> Outcome:
    """Press arrow keys until the slider holds the number ``text``. Raises ActionFailedError."""
    try:
        wanted = float(text)
    except ValueError:
        raise ActionFailedError(f"{target.label} takes a number, not {text!r}") from None
    now, least, most = _place(interaction, target)
    if not least <= wanted <= most:
        raise ActionFailedError(f"{target.label} takes {least:g} to {most:g}, not {wanted:g}")
    interaction.ask(target.id, "focus")
    step = 0.0
    for _ in range(MAX_PRESSES):
        if now == wanted or (step and abs(now - wanted) < step):
            break
        interaction.keyboard.press(NAMED["arrowright" if wanted > now else "arrowleft"])
        before, now = now, _place(interaction, target)[0]
        step = abs(now - before)
        if not step:
            raise ActionFailedError(f"{target.label} does not follow the arrow keys: use drag with x = pixels")
    effect = interaction.settle(target)
    if now != wanted:
        return Outcome(False, f"{target.label} holds {now:g}, the nearest to {wanted:g} that it takes", effect)
    return Outcome(True, f"set {target.label} to {now:g}", effect)


def _place(interaction: "Interaction", target: Target) -> tuple[float, float, float]:
    answer: Any = interaction.ask(target.id, "sliderPlace")
    return float(answer["now"]), float(answer["least"]), float(answer["most"])
