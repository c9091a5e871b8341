"""What the contract tests create in the control plane: the CRD, tenants, API keys, roles and pods."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from skyvern_crds.runner_contract import ARTIFACTS_AUDIENCE
from skyvern_crds.schema import custom_resource_definition
from tests.cluster import ControlPlane

TASK_ACCOUNT = "skyvern-task"


@dataclass(frozen=True)
class Tenants:
    """Names in the control plane, unique to a test run."""

    plane: ControlPlane
    release: str
    """Namespace of the facade and its API keys."""
    a: str
    b: str
    """Namespaces of two tenants."""

    @property
    def full(self) -> str:
        """Namespace whose quota admits no task."""
        return f"full-{self.release}"

    @property
    def odd(self) -> str:
        """Namespace for objects that no program of ours writes."""
        return f"odd-{self.release}"

    def key(self, name: str) -> str:
        """The API key of a Secret made by `create_tenants`."""
        return f"{name}-key-{self.release}"

    def status(self, namespace: str, name: str, status: dict[str, Any]) -> None:
        """Write a task's status, as the operator and the runner would."""
        self.plane.run_kubectl(
            "patch", "skyverntask", name, "--namespace", namespace, "--subresource=status", "--type=merge",
            "--patch", json.dumps({"status": status}),
        )  # fmt: skip

    def task(self, namespace: str, name: str) -> dict[str, Any]:
        """A task as the cluster has it."""
        answer = self.plane.run_kubectl("get", "skyverntask", name, "--namespace", namespace, "--output=json")
        task: dict[str, Any] = json.loads(answer.stdout)
        return task

    def pod(self, namespace: str, name: str) -> str:
        """Create a pod of the tasks' service account, which nothing runs. Returns its uid."""
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "serviceAccountName": TASK_ACCOUNT,
                "nodeName": f"nowhere-{name}",  # the collector of orphans spares a pod whose node it learns of just now
                "containers": [{"name": "runner", "image": "example.com/none"}],
            },
        }
        answer = self.plane.run_kubectl("create", "--filename=-", "--output=json", input=json.dumps(pod))
        return str(json.loads(answer.stdout)["metadata"]["uid"])

    def token(self, namespace: str, pod: str, uid: str, audience: str = ARTIFACTS_AUDIENCE) -> str:
        """The token that a kubelet would project into the pod."""
        return self.plane.token_for(namespace, TASK_ACCOUNT, audience=audience, pod=pod, pod_uid=uid)


def create_tenants(plane: ControlPlane) -> Tenants:
    """Create everything."""
    mark = uuid4().hex[:6]
    tenants = Tenants(plane, f"facade-{mark}", f"team-a-{mark}", f"team-b-{mark}")
    _apply(plane, custom_resource_definition())
    plane.run_kubectl("wait", "crd/skyverntasks.skyvern.io", "--for=condition=Established", "--timeout=30s")
    namespaces = (tenants.release, tenants.a, tenants.b, tenants.full, tenants.odd)
    accounts = (_object("v1", "ServiceAccount", TASK_ACCOUNT, namespace) for namespace in (tenants.a, tenants.b))
    quota = _object("v1", "ResourceQuota", "none", tenants.full)
    _apply(
        plane,
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces),
        *accounts,
        quota | {"spec": {"hard": {"count/skyverntasks.skyvern.io": "0"}}},
        *_roles(tenants),
        *_keys(tenants),
    )
    plane.run_kubectl(
        "wait", "resourcequota/none", "--namespace", tenants.full, "--timeout=60s",
        "--for=jsonpath={.status.hard}",
    )  # fmt: skip
    return tenants


def api_key(tenants: Tenants, name: str, namespace: str, **data: str) -> dict[str, Any]:
    """The Secret of an API key."""
    secret = _object("v1", "Secret", name, tenants.release)
    secret["metadata"]["labels"] = {"skyvern.io/api-key": "true"}
    fields = {"key": tenants.key(name), "organization-id": f"o_{name}", "namespace": namespace, "state": "active"}
    return secret | {"stringData": fields | data}


def _keys(tenants: Tenants) -> list[dict[str, Any]]:
    return [
        api_key(tenants, "alice", tenants.a),
        api_key(tenants, "bob", tenants.b),
        api_key(tenants, "gone", tenants.a, state="invalid"),
        api_key(tenants, "elsewhere", "not-served"),
        api_key(tenants, "full", tenants.full),
        api_key(tenants, "olga", tenants.odd),
    ]


def _roles(tenants: Tenants) -> list[dict[str, Any]]:
    """The least privileges that the facade needs."""
    account = _object("v1", "ServiceAccount", "facade", tenants.release)
    rbac = "rbac.authorization.k8s.io/v1"
    task_rule = {
        "apiGroups": ["skyvern.io"],
        "resources": ["skyverntasks"],
        "verbs": ["get", "list", "watch", "create", "patch"],
    }
    secret_rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]}
    review_rule = {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}
    documents = [account]
    for namespace, rule in _rights(tenants, task_rule, secret_rule):
        documents.append(_object(rbac, "Role", "facade", namespace) | {"rules": [rule]})
        documents.append(_object(rbac, "RoleBinding", "facade", namespace) | _binding("Role", "facade", tenants))
    name = f"facade-{tenants.release}"
    documents.append({"apiVersion": rbac, "kind": "ClusterRole", "metadata": {"name": name}, "rules": [review_rule]})
    binding = {"apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": {"name": name}}
    documents.append(binding | _binding("ClusterRole", name, tenants))
    return documents


def _rights(
    tenants: Tenants, task_rule: dict[str, Any], secret_rule: dict[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    return [
        *((each, task_rule) for each in (tenants.a, tenants.b, tenants.full, tenants.odd)),
        (tenants.release, secret_rule),
    ]


def _binding(kind: str, role: str, tenants: Tenants) -> dict[str, Any]:
    return {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "facade", "namespace": tenants.release}],
    }


def _object(version: str, kind: str, name: str, namespace: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def _apply(plane: ControlPlane, *documents: dict[str, Any]) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    plane.run_kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", input=text)
