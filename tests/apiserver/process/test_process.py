"""The program: its two ports, its log, its memory, its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from tests.apiserver.calls import REQUEST
from tests.apiserver.cluster import Tenants
from tests.apiserver.program import Program, free_port, start
from tests.waiting import until

MAX_RSS_MIB = 110


@pytest.mark.contract
def test_program_serves_and_stays_small(program: Program, tenants: Tenants) -> None:
    headers = {"x-api-key": tenants.key("alice")}
    with httpx2.Client(base_url=program.public, headers=headers) as client:
        task_id = client.post("/api/v1/tasks", json=REQUEST).json()["task_id"]
        assert client.get(f"/api/v1/tasks/{task_id}").json()["status"] == "created"
    assert program.rss_mib() <= MAX_RSS_MIB


@pytest.mark.contract
async def test_log_has_one_line_a_request_and_no_secret(program: Program, tenants: Tenants) -> None:
    before = len(program.requests())
    headers = {"x-api-key": tenants.key("alice")}
    body = REQUEST | {"navigation_payload": {"password": "hunter2"}}
    task_id = httpx2.post(f"{program.public}/api/v1/tasks", json=body, headers=headers).json()["task_id"]
    httpx2.get(f"{program.public}/api/v1/artifacts/a/b/c/final.png?expires=1&signature=secret-signature")
    await until(lambda: len(program.requests()) >= before + 2)
    lines = program.requests()[before:]
    assert [(line["method"], line["status"], line["path"]) for line in lines] == [
        ("POST", 200, "/api/v1/tasks"),
        ("GET", 403, "/api/v1/artifacts/a/b/c/final.png"),
    ]
    assert lines[0]["task"] == task_id
    text = program.log.read_text()
    assert not any(secret in text for secret in (tenants.key("alice"), "hunter2", "secret-signature"))


@pytest.mark.contract
async def test_line_separators_in_a_path_stay_within_one_log_line(program: Program) -> None:
    path = "/api/v1/\n\u2028\x85tasks"
    assert httpx2.get(f"{program.public}{quote(path)}").status_code == 404
    await until(lambda: any(line["path"] == path for line in program.requests()))


@pytest.mark.contract
def test_large_body_is_refused_on_the_wire(program: Program, tenants: Tenants) -> None:
    headers = {"x-api-key": tenants.key("alice")}
    body = b'{"url": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    with httpx2.Client(base_url=program.public, headers=headers) as client:
        assert client.post("/api/v1/tasks", content=body).status_code == 413
        assert client.get("/api/v1/tasks").status_code == 200


@pytest.mark.contract
@pytest.mark.parametrize(
    "path", ["a/b/c/../../../../etc/passwd", "a/b/c/%2e%2e%2f%2e%2e%2fpasswd", "a/b/c/..%5c..%5cx"]
)
def test_paths_that_climb_are_refused_on_the_wire(program: Program, path: str) -> None:
    port = int(program.public.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        request = f"GET /api/v1/artifacts/{path}?expires=1&signature=x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 404")


@pytest.mark.contract
def test_internal_paths_are_not_public(program: Program) -> None:
    for path in ("/metrics", "/readyz", "/healthz", "/internal/artifacts/a/b/c/d"):
        assert httpx2.get(f"{program.public}{path}").status_code == 404


@pytest.mark.contract
def test_metrics_count_requests_by_route(program: Program, tenants: Tenants) -> None:
    httpx2.get(f"{program.public}/api/v1/tasks/tsk_1", headers={"x-api-key": tenants.key("alice")})
    text = httpx2.get(f"{program.internal}/metrics").text
    route = 'method="GET",route="/api/v1/tasks/{task_id}",status="404"'
    assert f"skyvern_apiserver_request_seconds_count{{{route}}} " in text
    assert "skyvern_apiserver_cache_age_seconds" in text
    assert "tsk_1" not in text


@pytest.mark.contract
def test_sigterm_drains_and_ends_the_program(environment: dict[str, str], tmp_path: Path, tenants: Tenants) -> None:
    program = start(environment, tmp_path)
    program.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 10
    while httpx2.get(f"{program.internal}/readyz").status_code == 200:
        assert time.monotonic() < deadline
    # Until routing has noticed, requests are still answered.
    headers = {"x-api-key": tenants.key("alice")}
    assert httpx2.get(f"{program.public}/api/v1/tasks", headers=headers).status_code == 200
    assert program.process.wait(15) == 0


@pytest.mark.contract
def test_sigterm_answers_those_who_wait(environment: dict[str, str], tmp_path: Path, tenants: Tenants) -> None:
    program = start(environment, tmp_path)
    tasks, headers = f"{program.public}/api/v1/tasks", {"x-api-key": tenants.key("alice")}
    task_id = httpx2.post(tasks, json=REQUEST, headers=headers).json()["task_id"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(httpx2.get, f"{tasks}/{task_id}?wait=60", headers=headers, timeout=90)
        assert httpx2.get(tasks, headers=headers).status_code == 200  # meanwhile the other has arrived
        program.process.send_signal(signal.SIGTERM)
        assert waiting.result().json()["status"] == "created"
        assert program.process.wait(15) == 0


@pytest.mark.contract
def test_port_in_use_ends_the_program_with_the_reason(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = {"SKYVERN_PORT": str(taken.getsockname()[1]), "SKYVERN_INTERNAL_PORT": str(free_port())}
        ended = subprocess.run(
            [sys.executable, "-m", "skyvern_apiserver"],
            env=environment | ports,
            capture_output=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode != 0
    assert b"address already in use" in ended.stdout + ended.stderr


def test_missing_setting_ends_the_program_with_the_remedy(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "SKYVERN_KEYS_NAMESPACE": "skyvern"}
    ended = subprocess.run(
        [sys.executable, "-m", "skyvern_apiserver"],
        env=environment,
        capture_output=True,
        timeout=30,
        check=False,
        cwd=tmp_path,
    )
    assert ended.returncode == 2
    assert ended.stderr.decode().startswith("skyvern-apiserver: SKYVERN_PUBLIC_URL is not set: give the URL")
