"""Programs that are missing, fail or hang."""

import pytest

from tests.cluster import SetupError
from tests.cluster.base.shell import run


def test_program_that_is_missing_is_named_with_the_remedy() -> None:
    with pytest.raises(SetupError, match="the program no-such-program is not installed") as caught:
        run(["no-such-program"], timeout=5, remedy="install it")
    assert str(caught.value).endswith("install it")


def test_program_that_fails_is_quoted() -> None:
    with pytest.raises(SetupError, match=r"(?s)ended with code 7:.*out of luck"):
        run(["sh", "-c", "echo out of luck >&2; exit 7"], timeout=5)


def test_program_that_hangs_is_stopped() -> None:
    with pytest.raises(SetupError, match="was not done within"):
        run(["sleep", "60"], timeout=0.2)
