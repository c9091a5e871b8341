"""The log of the process."""

import json
import logging

from skyvern_crds.process import JsonFormatter


def test_log_line_is_one_line_whatever_a_caller_sends() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "request", None, None)
    record.__dict__["path"] = path = "/api/v1/\n\u2028\x85tasks"
    line = JsonFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert json.loads(line)["path"] == path
