"""Authlib's resource protector for Flask with the validator of RFC 7523, as the quickstarts of identity
providers show it."""

import json
import os

from authlib.integrations.flask_oauth2 import ResourceProtector
from authlib.jose.rfc7517.jwk import JsonWebKey
from authlib.oauth2.rfc7523 import JWTBearerTokenValidator
from flask import Flask, jsonify

KEYS = json.load(open(os.environ["LAB_KEYS"] + "/jwks.json", encoding="utf-8"))


class ProviderTokenValidator(JWTBearerTokenValidator):
    def __init__(self, issuer, audience):
        super().__init__(JsonWebKey.import_key_set(KEYS))
        self.claims_options = {
            "exp": {"essential": True},
            "aud": {"essential": True, "value": audience},
            "iss": {"essential": True, "value": issuer},
        }


require_auth = ResourceProtector()
require_auth.register_token_validator(
    ProviderTokenValidator(os.environ["LAB_ISSUER"], os.environ["LAB_AUDIENCE"])
)
app = Flask(__name__)


@app.get("/orders/<name>")
@require_auth(None)
def orders(name):
    return jsonify(name=name)


@app.get("/reports/<name>")
@require_auth("reports:read")
def reports(name):
    return jsonify(name=name)


app.run(host="127.0.0.1", port=int(os.environ["LAB_PORT"]))
