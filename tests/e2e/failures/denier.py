"""An admission webhook that denies everything. It runs in a pod, from a ConfigMap, with the standard library alone."""

import json
import ssl
from http.server import BaseHTTPRequestHandler, HTTPServer


class Denier(BaseHTTPRequestHandler):
    """Answers each review with a denial, in the least words that a webhook may use."""

    def do_POST(self) -> None:
        """Deny."""
        review = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status = {"message": "images must be signed"}
        answer = {
            "apiVersion": review["apiVersion"],
            "kind": "AdmissionReview",
            "response": {"uid": review["request"]["uid"], "allowed": False, "status": status},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
    server = HTTPServer(("", 8443), Denier)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
