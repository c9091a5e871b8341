"""The README lists every setting, says by which value of the chart it is given, and lists every metric."""

import re
from pathlib import Path

from skyvern_operator.config import OperatorConfig
from tests.operator.settings_docs import CHART_VALUES, README, settings, updated

HELPERS = Path(__file__).parents[2] / "charts" / "skyvern-operator" / "templates" / "_helpers.tpl"


def test_readme_lists_settings_and_metrics_as_they_are() -> None:
    assert updated(README.read_text()) == README.read_text(), "run `make generate`"


def test_every_setting_has_a_meaning() -> None:
    assert [path for path, field in settings() if not field.description] == []


def test_settings_that_the_chart_writes_are_those_of_its_template() -> None:
    template = HELPERS.read_text()
    written = template[template.index("$config := dict") : template.index("mergeOverwrite $config")]
    assert set(re.findall(r'^  "(\w+)" ', written, re.MULTILINE)) == {path.partition(".")[0] for path in CHART_VALUES}
    assert {path.partition(".")[0] for path in CHART_VALUES} <= {
        field.alias for field in OperatorConfig.model_fields.values()
    }
