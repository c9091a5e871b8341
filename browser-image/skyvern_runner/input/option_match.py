"""Which option of a list a text means. A wrong choice is worse than none: what is not certain is refused."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from skyvern_runner.browser.invisible import visible
from skyvern_runner.errors import ActionFailedError

_MAX_LISTED: Final = 8
"""Most options that a refusal lists."""
_MAX_LABEL: Final = 90
"""Characters of an option in a refusal; cut labels can be written as they are shown, with their ellipsis."""
_MIN_CUT: Final = 12
"""Fewest characters before an ellipsis that stand for a whole label."""

_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212]")
_BARE_NUMBER: Final = re.compile(r"\d+")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MEANINGLESS: Final = re.compile(r"[\"'`\u2018-\u201f*]|(?<!\d)[.,;:!?]|[.,;:!?](?!\d)")
"""Punctuation that changes no meaning. Signs, comparisons, decimal points and names such as ``C++`` stay."""
_BETWEEN_LETTERS: Final = re.compile(r"(?<=[^\W\d_])[-/_](?=[^\W\d_])")
_SIGNED: Final = re.compile(r"(?<=[<>=+$])\s+(?=\d)")
_RANGE: Final = re.compile(r"(?<=\d)\s*-\s*(?=\d)")
_SET_OFF: Final = re.compile(r"\s*[(\[,;:|]|\s+-\s")
"""What sets an explanation off from the word that it explains: ``Cook (evening)``, ``EUR - Euro``."""
_REVERSING: Final = re.compile(
    r"\b(?:no|not|non|never|none|neither|nor|without|except|excluding|excl|unless|but|former|formerly|ex|only|or|other"
    r"|un(?!i)\w{4,}|dis(?:agree|able|allow|approve|qualif)\w*|in(?:active|eligible|valid)|\w+n't|dont|wont|cannot"
    r"|nicht|kein\w*|ohne|nein|sans|pas|sin|ni|niet|geen|zonder|nao|sem|senza|nie|bez)\b"
)
"""Words in an explanation that can turn the meaning of the word before it."""


@dataclass(frozen=True)
class Option:
    """One choice of a list."""

    label: str
    value: str = ""
    """What a form would send, if it is known."""
    disabled: bool = False
    group: str = ""
    """Name of the group that it is in."""


def find_option(wanted: str, options: Sequence[Option]) -> int:
    """Index of the option that ``wanted`` means: its label, its value, or a label that only adds an explanation.

    Raises ActionFailedError, whose message lists the options that are close, when there is none, or more than one.
    """
    for rule in (_same, _in_group, _equal, _same_value, _cut_label, _explained):
        hits = [index for index, option in enumerate(options) if rule(wanted, option)]
        if len({(options[index].label, options[index].value, options[index].group) for index in hits}) > 1:
            raise ActionFailedError(_refusal("several options match", wanted, options, hits))
        if hits:
            # The same label with the same value: a list may repeat its most common choices at the top.
            return next((index for index in hits if not options[index].disabled), hits[0])
    raise ActionFailedError(_refusal("no option matches", wanted, options, range(len(options))))


def shows(label: str, text: str) -> bool:
    """Whether ``text``, what a control shows, is the chosen ``label``, alone or among other whole words."""
    return times_shown(label, text) > 0


def times_shown(label: str, text: str) -> int:
    """How often a text shows the label as whole words."""
    chosen = _normal(label)
    return f" {_normal(text).replace(' ', '  ')} ".count(f" {chosen.replace(' ', '  ')} ") if chosen else 0


def _same(wanted: str, option: Option) -> bool:
    return _plain(wanted) == _plain(option.label)


def _in_group(wanted: str, option: Option) -> bool:
    return _full(option) != option.label and _plain(wanted).casefold() == _plain(_full(option)).casefold()


def _full(option: Option) -> str:
    """A label that is not the only one of its kind, as refusals write it: with its group, or else its value."""
    apart = option.group or option.value
    return f"{option.label} ({apart})" if apart else option.label


def _equal(wanted: str, option: Option) -> bool:
    sought = _normal(wanted)
    return sought != "" and sought == _normal(option.label)


def _same_value(wanted: str, option: Option) -> bool:
    """Labels are what a page shows, so a number that is only a value may count something else, such as positions."""
    if not option.value or _plain(wanted).casefold() != _plain(option.value).casefold():
        return False
    number = _BARE_NUMBER.fullmatch(_plain(wanted))
    return not number or number[0] in _normal(option.label).split()


def _cut_label(wanted: str, option: Option) -> bool:
    """The outline and refusals cut long labels."""
    head, mark, _ = _plain(wanted).rpartition("…")
    return bool(mark) and len(head) >= _MIN_CUT and _plain(option.label).startswith(head)


def _explained(wanted: str, option: Option) -> bool:
    sought, label = _folded(wanted).rstrip(" .,;:*"), _folded(option.label)
    if not sought or not label.startswith(sought):
        return False
    rest = label[len(sought) :]
    if _REVERSING.search(rest) or not _SET_OFF.match(rest):
        # United States of America
        return bool(re.match(r"\s+of\s", rest)) and " " in sought and not _REVERSING.search(rest)
    # 5 - 10 is a range, and in 1, 2 or 3 the first is one of several.
    return not sought[-1].isdigit() or rest.lstrip().startswith("(")


def _plain(text: str) -> str:
    return " ".join(visible(text).split())


def _folded(text: str) -> str:
    """Without case, accents and kinds of dashes."""
    decomposed = unicodedata.normalize("NFKD", _DASHES.sub("-", _plain(text)))
    return "".join(each for each in decomposed if not unicodedata.combining(each)).casefold()


def _normal(text: str) -> str:
    """The words of a label, with every sign that can change its meaning."""
    numbers = _THOUSANDS.sub("", _SIGNED.sub("", _RANGE.sub("-", _folded(text))))
    bare = _MEANINGLESS.sub("", numbers.replace("&", " and "))
    return " ".join(_BETWEEN_LETTERS.sub(" ", re.sub(r"[()\[\]]", " ", bare)).split())


def _refusal(problem: str, wanted: str, options: Sequence[Option], among: Iterable[int]) -> str:
    sought = _folded(wanted)
    rows = [options[index] for index in among]
    repeated = {label for label, count in Counter(_plain(each.label) for each in rows).items() if count > 1}
    labels = list(dict.fromkeys(_plain(_full(each) if _plain(each.label) in repeated else each.label) for each in rows))
    close = sorted(labels, key=lambda label: _likeness(sought, _folded(label)), reverse=True)[:_MAX_LISTED]
    shown = ", ".join(f'"{_cut(label)}"' for label in labels if label in close)
    more = f", and {len(labels) - len(close)} more" if len(labels) > len(close) else ""
    return f'{problem} "{_cut(_plain(wanted))}"; write one as it is shown, of {len(options)}: {shown}{more}'


def _likeness(sought: str, label: str) -> tuple[int, float]:
    shared = len(set(re.findall(r"\w+", sought)) & set(re.findall(r"\w+", label)))
    return shared, SequenceMatcher(None, sought, label).quick_ratio()


def _cut(label: str) -> str:
    return label if len(label) <= _MAX_LABEL else f"{label[: _MAX_LABEL - 1].rstrip()}…"
