"""A WSGI application that refuses every token. One request waits until a file is there."""

import os
import time


def application(environ, start_response):
    if environ["PATH_INFO"] == "/held":
        until = time.monotonic() + 20
        while not os.path.exists(os.environ["RELEASE"]) and time.monotonic() < until:
            time.sleep(0.01)
    refusal = 'Bearer realm="lab", error="invalid_token", error_description="The token has expired"'
    start_response("401 Unauthorized", [("WWW-Authenticate", refusal), ("Content-Length", "3")])
    return [b"no\n"]
