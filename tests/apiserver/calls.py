"""Requests that many tests send."""

import httpx2

from skyvern_apiserver.services import Services

REQUEST = {
    "url": "https://jobs.example.com/apply",
    "navigation_goal": "Apply for a job",
    "data_extraction_goal": "Was the job application successful?",
    "proxy_location": "RESIDENTIAL",
    "navigation_payload": {"name": "Chris P. Bacon", "email": "chris@example.com"},
}

STEPS = [
    {
        "stepId": f"stp_{number}",
        "order": order,
        "retryIndex": retry,
        "status": "completed",
        "createdAt": "2026-08-29T15:38:18.000001Z",
        "modifiedAt": "2026-08-29T15:38:19.000001Z",
        "inputTokenCount": 900,
        "outputTokenCount": 50,
    }
    for number, (order, retry) in enumerate([(1, 1), (0, 0), (1, 0)])
]


def phase_of(services: Services, namespace: str, name: str) -> str | None:
    record = services.tasks.get(namespace, name)
    return record.phase.value if record else None


async def create(client: httpx2.AsyncClient, **fields: object) -> str:
    answer = await client.post("/api/v1/tasks", json=REQUEST | fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["task_id"])
