"""Which option a text means, on many lists: never an opposite, a part of a word, or a position."""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from skyvern_runner.errors import ActionFailedError
from skyvern_runner.input.option_match import Option, find_option, shows

LISTS: Final[list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "option_lists.yaml").read_text(encoding="utf-8")
)


def options_of(entry: dict[str, Any]) -> list[Option]:
    return [Option(*each) if isinstance(each, list) else Option(each) for each in entry["options"]]


def test_there_are_lists_enough() -> None:
    assert len(LISTS) >= 120


@pytest.mark.parametrize("entry", LISTS, ids=lambda entry: str(entry["options"][0]))
def test_right_option_is_chosen_and_what_is_not_certain_is_refused(entry: dict[str, Any]) -> None:
    options = options_of(entry)
    for wanted, label in entry.get("choose", {}).items():
        assert options[find_option(wanted, options)].label == label, wanted
    for wanted in entry.get("refuse", []):
        with pytest.raises(ActionFailedError, match="match"):
            pytest.fail(f"{wanted!r} chose {options[find_option(wanted, options)].label!r}")


def test_refusal_lists_the_closest_options_in_the_order_of_the_list() -> None:
    options = [Option(f"Country number {number}") for number in range(1, 200)] + [Option("Korea, North")]
    with pytest.raises(ActionFailedError) as refused:
        find_option("Korea", [*options, Option("Korea, South")])
    message = str(refused.value)
    assert message.startswith('several options match "Korea"; write one as it is shown, of 201: ')
    assert message.endswith('"Korea, North", "Korea, South"')


def test_label_that_a_refusal_cuts_can_be_written_as_it_is_shown() -> None:
    options = [Option(f"{start} " + "that goes on for very long " * 6) for start in ("One label", "Another label")]
    with pytest.raises(ActionFailedError) as refused:
        find_option("label", options)
    shown = str(refused.value).split('"')[-2]
    assert shown.endswith("…")
    assert find_option(shown, options) == 1


def test_disabled_twin_is_passed_over() -> None:
    assert find_option("Bern", [Option("Bern", "be", disabled=True), Option("Bern", "be")]) == 1


@pytest.mark.parametrize(
    ("label", "text", "seen"),
    [
        ("Large", "Large", True),
        ("Large", "large ▾", True),
        ("Blue", "Red, Blue", True),
        ("Large", "", False),
        ("", "Large", False),
        ("Man", "Woman", False),
        ("Man", "Salesman", False),
        ("5", "5+", False),
    ],
)
def test_chosen_label_is_seen_as_whole_words_only(label: str, text: str, seen: bool) -> None:
    assert shows(label, text) is seen


def test_same_label_with_other_values_is_offered_with_them() -> None:
    options = [Option("Springfield", "il"), Option("Springfield", "ma")]
    with pytest.raises(ActionFailedError, match=r'"Springfield \(il\)", "Springfield \(ma\)"'):
        find_option("Springfield", options)
    assert find_option("Springfield (ma)", options) == 1
