"""A service that validates with PyJWT, as small services do.

Arguments: JWKS file, issuer, audience. Serves on a free port of 127.0.0.1, prints the port, and ends
when its standard input does.

/stated/...   says why, in WWW-Authenticate
/body/...     says why, in a JSON body
/silent/...   401 and nothing else
/echo/...     says why and repeats the token, as some services do
A path with "scoped" needs the scope reports:read, one with "denied" is for nobody.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

KEYS = jwt.PyJWKSet.from_dict(json.load(open(sys.argv[1], encoding="utf-8")))
ISSUER, AUDIENCE = sys.argv[2], sys.argv[3]


class Refused(Exception):
    """Status, error code, sentence."""


def check(path, field):
    if field is None:
        raise Refused(401, None, "Missing Authorization header")
    scheme, _, token = field.partition(" ")
    if scheme.lower() != "bearer":
        raise Refused(401, None, "Missing Bearer token")
    if not token or " " in token:
        raise Refused(400, "invalid_request", "Malformed Authorization header")
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        try:
            key = KEYS[kid]
        except KeyError as error:
            raise Refused(401, "invalid_token", error.args[0]) from error
        claims = jwt.decode(token, key, algorithms=["ES256"], issuer=ISSUER, audience=AUDIENCE)
    except jwt.InvalidTokenError as error:
        raise Refused(401, "invalid_token", str(error)) from error
    if "scoped" in path and "reports:read" not in claims.get("scope", "").split():
        raise Refused(403, "insufficient_scope", "The token lacks reports:read")
    if "denied" in path:
        raise Refused(403, None, "Permission denied")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        length = int(self.headers.get("Content-Length", 0))
        if length:
            self.rfile.read(length)
        field = self.headers.get("Authorization")
        try:
            check(self.path, field)
        except Refused as refused:
            self.refuse(field, *refused.args)
        else:
            self.answer(200, {}, b"fine\n")

    do_POST = do_GET

    def refuse(self, field, status, error, sentence):
        if self.path.startswith("/silent"):
            self.answer(403 if status == 403 else 401, {}, b"")
            return
        if self.path.startswith("/body"):
            body = json.dumps({"error": error or "unauthorized", "message": sentence}).encode()
            self.answer(status, {"Content-Type": "application/json"}, body)
            return
        if self.path.startswith("/echo"):
            sentence += " in " + (field or "")
        challenge = 'Bearer realm="lab"'
        if error:
            quoted = sentence.replace("\\", "'").replace('"', "'")
            challenge += f', error="{error}", error_description="{quoted}"'
        headers = {} if status == 403 and error is None else {"WWW-Authenticate": challenge}
        self.answer(status, headers, sentence.encode())

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
