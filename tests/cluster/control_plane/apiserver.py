"""The flags and probes that the bare control plane and the whole node share."""

import http.client
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.control_plane.pki import Pki

SERVICE_RANGE = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"
ISSUER = "https://kubernetes.default.svc"


def apiserver_flags(pki: Pki, etcd: str) -> list[str]:
    """Authentication, authorization and tokens of an API server. Pod Security and admission policies are on by default.

    The request-header authority is there only because the other components log its absence.
    """
    return [
        f"--etcd-servers={etcd}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--allow-privileged=true",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--client-ca-file={pki.ca}",
        f"--tls-cert-file={pki.cert('apiserver')}",
        f"--tls-private-key-file={pki.key('apiserver')}",
        f"--service-account-key-file={pki.account_public_key}",
        f"--service-account-signing-key-file={pki.account_key}",
        f"--service-account-issuer={ISSUER}",
        f"--requestheader-client-ca-file={pki.ca}",
        "--requestheader-allowed-names=front-proxy",
    ]


def controller_manager_flags(pki: Pki, kubeconfig: Path) -> list[str]:
    """A controller manager that is alone with its API server: no election, no port."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={pki.account_key}",
        f"--root-ca-file={pki.ca}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--secure-port=0",
        f"--flex-volume-plugin-dir={kubeconfig.parent / 'volume-plugins'}",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def get_status(url: str, pki: Pki, identity: str = "admin") -> int:
    """The HTTP status of a GET as one of the authority's identities; 0 when nothing answers."""
    parts = urlsplit(url)
    context = ssl.create_default_context(cafile=str(pki.ca))
    context.load_cert_chain(pki.cert(identity), pki.key(identity))
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=5, context=context)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
