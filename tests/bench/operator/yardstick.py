"""How fast the machine is now: processor time depends on what else runs on the same cores."""

import json
import statistics
import time
from typing import Any, Final

_TIMES: Final = 15
_WORK: Final[dict[str, Any]] = {f"key-{number}": [number, {"text": "x" * number}] for number in range(300)}


def yardstick_ms() -> float:
    """Median processor time of a fixed piece of work, in milliseconds."""
    return statistics.median(_once() for _ in range(_TIMES))


def _once() -> float:
    begun = time.process_time()
    for _ in range(3):
        json.loads(json.dumps(_WORK, indent=None))
    return (time.process_time() - begun) * 1e3
