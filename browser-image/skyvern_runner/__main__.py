"""`skyvern-runner` and `python -m skyvern_runner`."""

import os
import sys
import time


def main() -> None:
    """Run the command line and leave with its exit code."""
    started = time.monotonic()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # searching for plugins takes longer than the models
    from skyvern_runner.cli import run  # noqa: PLC0415  # after the clock has started

    sys.exit(run(sys.argv[1:], started))


if __name__ == "__main__":
    main()
