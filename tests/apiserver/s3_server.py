"""SeaweedFS: an object store that speaks S3, in one process, with signed requests."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "weed"
BUCKET = "skyvern"
START_SECONDS = 120
PORTS = [f"{part}.{port}" for part in ("master", "volume", "filer", "s3") for port in ("port", "port.grpc")]


@contextlib.contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """Runs the server with one bucket; gives the variables with which programs reach it."""
    (folder / "data").mkdir()
    identity = {
        "name": "facade",
        "credentials": [{"accessKey": "an-access-key", "secretKey": "a-secret-key"}],
        "actions": ["Admin", "Read", "List", "Write"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    command = [str(PROGRAM), "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]
    command += [f"-s3.config={folder / 's3.json'}", "-volume.max=20", "-master.volumeSizeLimitMB=64"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.minFreeSpacePercent=0"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={**os.environ, "HOME": str(folder)})
    try:
        _make_bucket(process, ports, folder / "log")
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['s3.port']}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "an-access-key",
            "AWS_SECRET_ACCESS_KEY": "a-secret-key",
        }
    finally:
        process.kill()
        process.wait(30)


def _make_bucket(process: subprocess.Popen[bytes], ports: dict[str, int], log: Path) -> None:
    """Make the bucket, once the server takes it and the S3 port answers."""
    deadline = time.monotonic() + START_SECONDS
    bucket = f"http://127.0.0.1:{ports['filer.port']}/buckets/{BUCKET}/"
    unsigned = f"http://127.0.0.1:{ports['s3.port']}/{BUCKET}"  # refused by a server that knows the bucket
    while _status("POST", bucket) not in {201, 409} or _status("GET", unsigned) != 403:
        assert process.poll() is None, log.read_text()[-4000:]
        assert time.monotonic() < deadline, f"the server does not answer: {log.read_text()[-4000:]}"
        time.sleep(0.1)


def _status(method: str, url: str) -> int:
    """The answer's status; 0 without one."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
