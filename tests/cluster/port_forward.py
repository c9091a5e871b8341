"""kubectl port-forward to a service of any cluster."""

import atexit
import os
import re
import subprocess
from pathlib import Path

from tests.cluster.base.errors import SetupError
from tests.cluster.base.shell import wait_until


def port_forward(kubectl: Path, kubeconfig: Path, namespace: str, service: str, port: int) -> str:
    """Forward a free loopback port to a service until this process ends; return the URL."""
    command = [str(kubectl), "--kubeconfig", str(kubeconfig), "port-forward", "--namespace", namespace]
    child = subprocess.Popen(
        [*command, f"service/{service}", f":{port}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    atexit.register(child.kill)
    assert child.stdout is not None
    os.set_blocking(child.stdout.fileno(), False)
    output = ""

    def answered() -> bool:
        nonlocal output
        output += child.stdout.read() or "" if child.stdout else ""
        if child.poll() is not None:
            raise SetupError(f"`{' '.join(command)}` ended early: {output.strip()}")
        return "Forwarding from 127.0.0.1:" in output

    wait_until(answered, timeout=30, what=f"a forward to {namespace}/{service}:{port}")
    found = re.search(r"127\.0\.0\.1:(\d+)", output)
    assert found is not None
    return f"http://127.0.0.1:{found[1]}"
