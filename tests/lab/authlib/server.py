"""Authlib's resource protector for Flask with access tokens of RFC 9068, as its pages "Flask OAuth 2.0
Resource Server" and "RFC9068" show it."""

import json
import os

from authlib.integrations.flask_oauth2 import ResourceProtector
from authlib.jose import JsonWebKey
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from flask import Flask, jsonify

KEYS = json.load(open(os.environ["LAB_KEYS"] + "/jwks.json", encoding="utf-8"))


class MyJWTBearerTokenValidator(JWTBearerTokenValidator):
    def get_jwks(self):
        return JsonWebKey.import_key_set(KEYS)


require_oauth = ResourceProtector()
require_oauth.register_token_validator(
    MyJWTBearerTokenValidator(issuer=os.environ["LAB_ISSUER"], resource_server=os.environ["LAB_AUDIENCE"])
)
app = Flask(__name__)


@app.get("/orders/<name>")
@require_oauth()
def orders(name):
    return jsonify(name=name)


@app.get("/reports/<name>")
@require_oauth("reports:read")
def reports(name):
    return jsonify(name=name)


app.run(host="127.0.0.1", port=int(os.environ["LAB_PORT"]))
