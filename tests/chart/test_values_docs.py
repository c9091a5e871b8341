"""The README's table of values is generated and up to date."""

from tests.chart.values_docs import main, rows


def test_readme_matches_the_values() -> None:
    assert main(["--check"]) == 0


def test_row_has_path_default_and_whole_description() -> None:
    text = "a:\n  # -- One\n  # two.\n  b: [1]\n  c: 3\n"
    assert list(rows(text)) == [("a.b", "[1]", "One two.")]
