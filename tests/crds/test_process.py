"""What every program does at its start: logs, keys, the namespace; and how long it waits before another try."""

import json
import logging
import sys
from pathlib import Path

import pytest

from skyvern_crds.backoff import full_jitter
from skyvern_crds.process import JsonFormatter, own_namespace, read_key_file


def line(message: str, **extra: object) -> dict[str, object]:
    record = logging.LogRecord("x.y", logging.WARNING, __file__, 1, message, None, None)
    record.__dict__.update(extra)
    text = JsonFormatter().format(record)
    assert len(text.splitlines()) == 1
    value: dict[str, object] = json.loads(text)
    return value


def test_log_line_is_one_json_object_with_the_extra_fields() -> None:
    said = line("hello\u2028world", fields={"task": "a/b"}, attempt=2, path=Path("x"), deep={"a": {1: object}})
    assert (said["level"], said["logger"], said["message"]) == ("warning", "x.y", "hello\u2028world")
    assert (said["task"], said["attempt"], said["path"]) == ("a/b", 2, "x")
    assert str(said["time"]).endswith("Z")


def test_log_line_keeps_its_own_keys_and_moves_no_cursor() -> None:
    said = line("x", fields={"level": "info", "message": "fake", "time": "x"}, logger="y")
    assert (said["level"], said["message"], said["logger"]) == ("warning", "x", "x.y")
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "\x9b31m\u202e\x7f", None, None)
    assert JsonFormatter().format(record).isascii()


def test_log_line_survives_what_it_speaks_of() -> None:
    class Silent:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    cycle: list[object] = []
    cycle.append(cycle)
    said = line("x", cycle=cycle, silent=Silent(), deep=[[[[[[[[[[[["end"]]]]]]]]]]]])
    assert "Silent object" in str(said["silent"])
    assert said["message"] == "x"


def test_log_line_carries_the_exception() -> None:
    try:
        raise ValueError("of the\nworst kind")
    except ValueError:
        assert "of the\nworst kind" in str(line("x", exc_info=sys.exc_info())["exception"])


def test_key_file_is_read_without_blanks(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"0123456789abcdef\n")
    assert read_key_file(tmp_path / "key", "SIGNING") == b"0123456789abcdef"


def test_key_that_is_short_or_missing_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ValueError, match=r"SIGNING: .* holds 5 bytes: at least 16"):
        read_key_file(tmp_path / "key", "SIGNING")
    with pytest.raises(ValueError, match=r"SIGNING: .* cannot be read"):
        read_key_file(tmp_path / "none", "SIGNING")


def test_namespace_is_the_pods_or_none(tmp_path: Path) -> None:
    assert own_namespace(str(tmp_path)) is None
    (tmp_path / "namespace").write_text("skyvern\n")
    assert own_namespace(str(tmp_path)) == "skyvern"


@pytest.mark.parametrize(("attempt", "ceiling"), [(0, 1), (1, 1), (2, 2), (3, 4), (10, 30), (10_000, 30)])
def test_pause_grows_to_its_longest_and_is_spread_from_zero(attempt: int, ceiling: float) -> None:
    assert full_jitter(attempt, first=1, longest=30, rng=lambda: 0.0) == 0
    assert full_jitter(attempt, first=1, longest=30, rng=lambda: 0.5) == ceiling / 2
    assert full_jitter(attempt, first=1, longest=30, rng=lambda: 1.0) == ceiling
