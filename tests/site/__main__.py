"""`python -m tests.site`: run the job-application site."""

import argparse

from tests.site.app import create_app
from tests.site.serving import add_arguments, run


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.site", description="The job-application site.")
    add_arguments(parser, port=8090)
    arguments = parser.parse_args()
    run(create_app(), arguments.host, arguments.port)


if __name__ == "__main__":
    main()
