"""Certificates and kubeconfigs of a local cluster. Elliptic curves: a dozen keys take a fraction of a second."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.base.shell import run

DAYS = "365"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
OPENSSL_REMEDY = "install openssl 3 or newer (Debian: apt-get install openssl)"


@dataclass(frozen=True)
class Identity:
    """A client or server certificate: its common name is the user, its organization the group."""

    name: str
    user: str
    group: str = ""
    alternatives: tuple[str, ...] = ()


class Pki:
    """One certificate authority and the service accounts' signing key, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca = directory / "ca.crt"
        self.account_key = directory / "sa.key"
        self.account_public_key = directory / "sa.pub"

    def create(self) -> None:
        """Create the authority and the service accounts' key."""
        self.directory.mkdir(parents=True, mode=0o700)
        self._openssl(
            "req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.crt",
            "-subj", "/CN=skyvern-local", "-days", DAYS,
            # Python 3.13 and newer refuse an authority without key usage.
            "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
        )  # fmt: skip
        self._openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", "sa.key")
        self._openssl("pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub")

    def issue(self, identity: Identity) -> None:
        """Create `<name>.crt` and `<name>.key`."""
        group = f"/O={identity.group}" if identity.group else ""
        alternatives = ",".join(identity.alternatives or (f"DNS:{identity.name}",))
        self._openssl(
            "req", "-x509", "-CA", "ca.crt", "-CAkey", "ca.key", *NEW_KEY, "-days", DAYS,
            "-keyout", f"{identity.name}.key", "-out", f"{identity.name}.crt", "-subj", f"{group}/CN={identity.user}",
            "-addext", f"subjectAltName={alternatives}",
            "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "extendedKeyUsage=clientAuth,serverAuth",
        )  # fmt: skip

    def cert(self, name: str) -> Path:
        """The certificate of an identity."""
        return self.directory / f"{name}.crt"

    def key(self, name: str) -> Path:
        """The private key of an identity."""
        return self.directory / f"{name}.key"

    def kubeconfig(self, name: str, server: str, target: Path) -> Path:
        """Write a kubeconfig for an identity, with all certificates inside."""
        return write_kubeconfig(
            target,
            server,
            self.ca,
            {"client-certificate-data": encoded(self.cert(name)), "client-key-data": encoded(self.key(name))},
        )

    def _openssl(self, *args: str) -> None:
        run(["openssl", *args], timeout=60, cwd=self.directory, remedy=OPENSSL_REMEDY)


def encoded(file: Path) -> str:
    """A file's content as a kubeconfig holds it."""
    return base64.b64encode(file.read_bytes()).decode()


def write_kubeconfig(target: Path, server: str, ca: Path, user: dict[str, str]) -> Path:
    """Write a kubeconfig with one cluster, one user and one context, readable by its owner only."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "skyvern", "cluster": {"server": server, "certificate-authority-data": encoded(ca)}}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "skyvern", "context": {"cluster": "skyvern", "user": "user"}}],
        "current-context": "skyvern",
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_text(json.dumps(config, indent=1))
    return target
