"""Tell whose key the caller has, and which version answers."""

from dataclasses import asdict

from pydantic import BaseModel, ConfigDict

from skyvern_apiserver.auth.api_keys import ApiKey
from skyvern_apiserver.services import Services


class Version(BaseModel):
    """The version of the service."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    version: str
    """Of the packages, the images and the chart alike."""


class WhoAmI(BaseModel):
    """What an API key stands for; never the key itself."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    organization_id: str
    """Organization that answers carry."""
    namespace: str
    """The tenant: tasks are made and seen there only."""
    api_key: str
    """Name of the key's Secret, by which an administrator knows it."""
    limits: dict[str, int]
    """What the key may ask of one pod of the service; 0 is no limit."""


async def whoami(services: Services, key: ApiKey, _nothing: None) -> WhoAmI:
    """The key's tenant and limits."""
    return WhoAmI(
        organization_id=key.organization,
        namespace=key.namespace,
        api_key=key.secret,
        limits=asdict(services.settings.limits) | dict(key.limits),
    )
