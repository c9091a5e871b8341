"""A shim around a gap of kopf: how it parses what the API server sends.

Lists go through ``response.json()`` and each line of a watch through ``json.loads(line)``. Python's parser gives up on
an object nested about 1,000 levels deep with RecursionError, which kopf takes for a bug in itself: the watch ends, and
with it the operator, because of one object of one user. The API server stores 10,000 levels. kopf has no setting for
its parser, so both places are replaced by skyvern_crds.wire, which reads any depth.
"""

from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from kopf._cogs.clients import api

from skyvern_crds import wire
from skyvern_operator.errors import SetupError

_PLACES: Final = ("json", "get", "request")
"""What the shim replaces or calls in kopf's module."""


def install() -> None:
    """Let kopf parse with skyvern_crds.wire. Raises SetupError when this version of kopf has no such places."""
    missing = [name for name in _PLACES if not hasattr(api, name)]
    if missing:
        raise SetupError(f"this version of kopf has no {api.__name__}.{missing[0]}: install kopf 1.45")
    setattr(api, "json", SimpleNamespace(loads=wire.loads))  # noqa: B010 - not among the names that kopf exports
    api.get = _get


async def _get(url: str, **options: Any) -> Any:
    """As kopf's ``api.get``: the parsed answer of a GET."""
    response: aiohttp.ClientResponse = await api.request(method="get", url=url, **options)
    async with response:
        return wire.loads(await response.read())
