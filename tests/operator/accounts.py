"""The operator under a service account that has Roles in single namespaces, as the chart installs it."""

from pathlib import Path
from typing import Any, Final

from skyvern_crds.client import ClusterClient, Resource
from tests.cluster import ControlPlane
from tests.crds.client.kubeconfig import kubeconfig

ROLES: Final = Resource("rbac.authorization.k8s.io", "v1", "roles")
BINDINGS: Final = Resource("rbac.authorization.k8s.io", "v1", "rolebindings")
ACCOUNT: Final = "skyvern-operator"
RULES: Final[list[dict[str, Any]]] = [
    {"apiGroups": ["skyvern.io"], "resources": ["skyverntasks"], "verbs": ["get", "list", "watch", "delete"]},
    {"apiGroups": ["skyvern.io"], "resources": ["skyverntasks/status"], "verbs": ["patch"]},
    {"apiGroups": ["skyvern.io"], "resources": ["skyverntasks/finalizers"], "verbs": ["update"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": ["events.k8s.io", ""], "resources": ["events"], "verbs": ["create"]},
]


class OperatorAccount:
    """The service account, in a namespace of its own."""

    def __init__(self, client: ClusterClient, home: str) -> None:
        self._client = client
        self.home = home

    async def make(self) -> None:
        """Create the account, without any right."""
        account = Resource("", "v1", "serviceaccounts")
        await self._client.create(account, self.home, {"metadata": {"name": ACCOUNT}})

    async def grant(self, namespace: str) -> None:
        """Let it work in a namespace."""
        name = {"metadata": {"name": ACCOUNT}}
        subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.home}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT}
        await self._client.create(ROLES, namespace, name | {"rules": RULES})
        await self._client.create(BINDINGS, namespace, name | {"roleRef": role, "subjects": [subject]})

    async def revoke(self, namespace: str) -> None:
        """Take its rights in a namespace away."""
        await self._client.delete(BINDINGS, namespace, ACCOUNT)
        await self._client.delete(ROLES, namespace, ACCOUNT)

    def kubeconfig(self, plane: ControlPlane, directory: Path, server: str | None = None) -> Path:
        """A kubeconfig with a token of the account; ``server`` is where to send the requests instead."""
        path = directory / "account.conf"
        token = plane.token_for(self.home, ACCOUNT)
        path.write_text(kubeconfig(server or plane.url, {"token": token}, None if server else plane.pki.ca))
        return path
