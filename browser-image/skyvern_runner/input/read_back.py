"""Whether a field holds what was typed, as given or grouped by a mask."""

import re
from collections.abc import Mapping
from typing import Any, Final

_MINUS: Final = str.maketrans({"\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2019": "'"})
_PLAIN: Final = r"\d+(?:[.,]\d+)?"
_COMMAS: Final = r"[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}(?:\.\d+)?"
_DOTS: Final = r"[1-9]\d{0,2}(?:(?:\.\d{3}){2,}(?:,\d+)?|(?:\.\d{3})+,\d+)"
_BLANKS: Final = r"[1-9]\d{0,2}(?:[ ']\d{3})+(?:[.,]\d+)?"
_NUMBER: Final = re.compile(rf"([+-]?)(?:({_COMMAS})|({_DOTS})|({_BLANKS})|({_PLAIN}))")
"""A number, with the separators of its thousands. A single dot is always a decimal point, never one of thousands."""
_UNIT: Final = re.compile(r"(?<![^\W_])[$€£¥₹%](?![^\W_])|[$€£¥₹](?=\d)|(?<=\d)[$€£¥₹%]")
"""What a field may add to a number."""
_SEPARATOR: Final = re.compile(r"[ ()./:-]+")
_CODE: Final = re.compile(r"\+?[\dA-Z ()./:-]+")
_MIN_DIVIDED: Final = 4
"""Fewest characters that a mask divides: 1225 becomes 12/25, but 12 does not become 1/2."""
_MIN_JOINED: Final = 7
"""Fewest characters that a field joins: 555-123-4567, but not 5-10, which are two numbers."""
_MAX_COUNTRY_CODE: Final = 3


def holds(text: str, state: Mapping[str, Any]) -> bool:
    """Whether a field in ``state`` holds ``text``, as given or grouped.

    A mask may group digits: by spaces, by separators of thousands, as a telephone or card number, as a date. A sign, a
    decimal point and every digit must be as they were typed; but a field for telephone numbers may put a country code
    in front.
    """
    wanted, held = _plain(text), _plain(str(state["raw"]))
    if wanted == held:
        return True
    if state.get("secret") or not wanted or not held:
        return False
    if wanted.casefold() == held.casefold():
        return True
    if _same_amount(wanted, held):
        return True
    phone = bool(state.get("phone"))
    return _grouped(wanted, held, phone=phone) or (phone and _with_country_code(wanted, held))


def _plain(text: str) -> str:
    return " ".join(text.translate(_MINUS).split())


def _same_amount(wanted: str, held: str) -> bool:
    number = _amount(wanted)
    bare = held if _UNIT.search(wanted) else _UNIT.sub("", held).strip()
    # A field that drops every dot may have dropped more than those of thousands.
    dropped = "." in wanted and not re.search("[.,]", bare)
    return number is not None and number == _amount(bare) and not dropped


def _amount(text: str) -> str | None:
    """A number without separators of thousands; None if the text is no number."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    sign, commas, dots, blanks, plain = found.groups()
    separators = "," if commas else "." if dots else " '"
    bare = (commas or dots or blanks or "").translate(str.maketrans("", "", separators))
    return f"{sign}{bare or plain}"


def _grouped(wanted: str, held: str, *, phone: bool) -> bool:
    """Whether both are the same digits and capitals in the same order, divided in another way."""
    if not (_CODE.fullmatch(wanted) and _CODE.fullmatch(held)) or not re.search(r"\d", wanted):
        return False
    if _edges(wanted) != _edges(held) or _SEPARATOR.sub("", wanted) != _SEPARATOR.sub("", held):
        return False
    size = len(_SEPARATOR.sub("", wanted))
    before, after = _gaps(wanted), _gaps(held)
    if not any(after):
        return not any(before) or (size >= _MIN_JOINED and _is_joinable(wanted, before, phone=phone))
    if not any(before):
        return size >= _MIN_DIVIDED and _is_divided(after, phone=phone)
    # Divided in another way: at the same places, or where nothing but a telephone number or a card is meant.
    same_places = [bool(gap) for gap in before] == [bool(gap) for gap in after]
    joinable = size >= _MIN_JOINED and _is_joinable(wanted, before, phone=phone)
    return joinable and _is_divided(after, phone=phone) and (same_places or phone or wanted.isdecimal() or size >= 10)


def _edges(text: str) -> tuple[str, str]:
    """What stands in front and behind: a sign, a decimal point, the brackets that are a sign in accounts."""
    if re.fullmatch(r"\([^()]*\)", text):
        return "(", ")"
    front, behind = re.match(r"[+ ()./:-]*", text), re.search(r"[ ()./:-]*$", text)
    return (front[0] if front else "").strip(" ("), (behind[0] if behind else "").strip(" )")


def _gaps(text: str) -> list[str]:
    """What stands between one digit or letter and the next, without blanks around it."""
    inner = re.findall(r"(?<=[^\W_])([ ()./:-]*)(?=[^\W_])", text)
    return [gap.strip() or " " if gap else "" for gap in inner]


def _is_divided(gaps: list[str], *, phone: bool) -> bool:
    """Whether the separators divide and do not calculate: a single dot is a decimal point."""
    return phone or "." not in gaps or gaps.count(".") > 1


def _is_joinable(text: str, gaps: list[str], *, phone: bool) -> bool:
    """Whether the parts of a text are one number or code: two numbers with a blank or dash between them are not."""
    used = [gap for gap in gaps if gap]
    if phone or text[0] in "+(":
        return True
    if any(set(gap) & set(".:") for gap in used):
        return False
    return len(used) > 1 or bool(re.search("[A-Z]", text))


def _with_country_code(wanted: str, held: str) -> bool:
    digits, shown = re.sub(r"\D", "", wanted), re.sub(r"\D", "", held)
    if not held.startswith("+") or wanted.startswith("+") or len(digits) < _MIN_JOINED or not _CODE.fullmatch(wanted):
        return False
    return bool(_CODE.fullmatch(held)) and shown.endswith(digits) and 0 < len(shown) - len(digits) <= _MAX_COUNTRY_CODE
