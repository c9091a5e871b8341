"""`python -m tests.model`: run the scripted OpenAI-compatible server."""

import argparse
import sys
from pathlib import Path

from tests.model.app import API_KEY, MODEL, create_app
from tests.model.script import DEFAULT_SCRIPT, ScriptError
from tests.site.serving import add_arguments, run


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.model",
        description="A scripted OpenAI-compatible server: answers follow a script, no model is behind them.",
    )
    add_arguments(parser, port=8091)
    parser.add_argument("--script", type=Path, default=DEFAULT_SCRIPT, help="the script (default: %(default)s)")
    parser.add_argument("--api-key", default=API_KEY, help="the only key that is accepted (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        app = create_app(arguments.script, arguments.api_key)
    except ScriptError as error:
        sys.exit(str(error))
    print(f"scripted server: model {MODEL} at http://{arguments.host}:{arguments.port}/v1", flush=True)
    run(app, arguments.host, arguments.port)


if __name__ == "__main__":
    main()
