"""When a field counts as holding what was typed: grouped, but with every digit, sign and decimal point."""

from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from skyvern_runner.input.read_back import holds

VALUES: Final[dict[str, list[list[str]]]] = yaml.safe_load(
    (Path(__file__).parent / "typed_values.yaml").read_text(encoding="utf-8")
)


def field(held: str, *kinds: str) -> dict[str, Any]:
    return {"raw": held, "secret": "secret" in kinds, "phone": "phone" in kinds}


def test_there_are_values_enough() -> None:
    assert len(VALUES["same"]) + len(VALUES["changed"]) >= 80


@pytest.mark.parametrize(("text", "held", "kinds"), [(text, held, rest) for text, held, *rest in VALUES["same"]])
def test_grouped_value_is_the_same(text: str, held: str, kinds: list[str]) -> None:
    assert holds(text, field(held, *kinds))


@pytest.mark.parametrize(("text", "held", "kinds"), [(text, held, rest) for text, held, *rest in VALUES["changed"]])
def test_value_that_the_field_changed_is_another(text: str, held: str, kinds: list[str]) -> None:
    assert not holds(text, field(held, *kinds))


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_other_number_never_counts(typed: int, held: int) -> None:
    assert holds(str(typed), field(f"{held:,}")) is (typed == held)


@given(st.decimals(-(10**6), 10**6, places=2), st.sampled_from([".", ","]))
def test_amount_without_its_decimal_point_never_counts(amount: object, point: str) -> None:
    typed = str(amount).replace(".", point)
    assert not holds(typed, field(typed.replace(point, "")))
