"""A task whose pod exists, as runners upload for it."""

from uuid import uuid4

import httpx2

from skyvern_apiserver.services import Services
from skyvern_apiserver.storage.links import links_now
from tests.apiserver.cluster import Tenants

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


class RunningTask:
    """A task whose current pod exists, and that pod's token."""

    def __init__(self, tenants: Tenants, task_id: str) -> None:
        self.tenants = tenants
        self.task_id = task_id
        self.name = task_id.replace("_", "-")
        self.namespace = tenants.a
        self.uid = tenants.task(self.namespace, self.name)["metadata"]["uid"]
        self.pod = f"pod-{uuid4().hex[:8]}"
        self.pod_uid = tenants.pod(self.namespace, self.pod)
        self.token = tenants.token(self.namespace, self.pod, self.pod_uid)
        status = {"phase": "running", "podName": self.pod, "podUID": self.pod_uid}
        tenants.status(self.namespace, self.name, status)

    def upload_path(self, file: str) -> str:
        return f"/internal/artifacts/{self.namespace}/{self.name}/{self.uid}/{file}"

    async def upload(self, inside: httpx2.AsyncClient, file: str, content: object, token: str = "") -> httpx2.Response:
        headers = {"authorization": f"Bearer {token or self.token}"}
        return await inside.put(self.upload_path(file), content=content, headers=headers)  # type: ignore[arg-type]

    def status_has(self, services: Services, field: str) -> bool:
        record = services.tasks.get(self.namespace, self.name)
        return record is not None and bool(getattr(record.stored().status, field))

    def link(self, services: Services, file: str) -> str:
        return links_now(services.settings).url(self.namespace, self.name, self.uid, file)
