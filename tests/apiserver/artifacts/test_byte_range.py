"""The Range header of downloads."""

import pytest

from skyvern_apiserver.artifacts.byte_range import byte_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9", (0, 10, 206)),
        ("bytes=0-", (0, 100, 206)),
        ("bytes=-10", (90, 100, 206)),
        ("bytes=-1000", (0, 100, 206)),
        ("bytes=99-200", (99, 100, 206)),
        ("bytes=100-", (0, 0, 416)),
        ("bytes=-0", (0, 0, 416)),
        ("bytes=9-0", (0, 100, 200)),
        ("bytes=-", (0, 100, 200)),
        ("bytes=0-1,5-6", (0, 100, 200)),
        ("lines=0-1", (0, 100, 200)),
        ("bytes=" + "9" * 5000 + "-", (0, 100, 200)),
    ],
)
def test_range_header_is_read_as_http_says(header: str, expected: tuple[int, int, int]) -> None:
    assert byte_range(header, 100) == expected


def test_empty_file_has_no_range() -> None:
    assert byte_range("bytes=0-", 0) == (0, 0, 416)
