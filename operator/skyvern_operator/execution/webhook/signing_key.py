"""The key that signs the webhook of a task, and how."""

from dataclasses import dataclass, field

from skyvern_crds.client import SECRETS, ClusterClient, NotFound
from skyvern_crds.rest.api_key import ApiKeyError, is_api_key, read_api_key
from skyvern_crds.rest.keys import webhook_key
from skyvern_crds.rest.webhook import SignatureStyle
from skyvern_crds.stored import StoredTask
from skyvern_crds.vocabulary import LABEL_API_KEY_SECRET


@dataclass(frozen=True, slots=True)
class Signer:
    """What signs a webhook."""

    key: bytes = field(repr=False)
    style: SignatureStyle


class SigningKey:
    """Finds the key of each task."""

    def __init__(
        self, client: ClusterClient, release_key: bytes, release_namespace: str, style: SignatureStyle
    ) -> None:
        """``style`` is for tasks whose API key names none."""
        self._client = client
        self._release_key = release_key
        self._release_namespace = release_namespace
        self._style = style

    async def of(self, task: StoredTask) -> Signer:
        """The caller's API key for a task created over REST, if it is for the task's namespace; else that namespace's.

        Anyone who may create tasks may set the label, so the check keeps them from signing with another tenant's key.
        Raises ApiKeyError and ClusterError.
        """
        own = Signer(webhook_key(self._release_key, task.metadata.namespace), self._style)
        name = task.metadata.labels.get(LABEL_API_KEY_SECRET)
        if not name:
            return own
        try:
            secret = await self._client.get(SECRETS, self._release_namespace, name)
        except NotFound:
            return own
        if not is_api_key(secret):
            return own
        try:
            api_key = read_api_key(secret)
        except ApiKeyError as error:
            raise ApiKeyError(f"Secret {name}: {error}") from error
        if api_key.namespace != task.metadata.namespace:
            return own
        return Signer(api_key.key, api_key.signature or self._style)
