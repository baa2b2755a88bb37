"""Flask-JWT-Extended, as its "Basic Usage", "JWT Revoking" and "Configuration Options" show it.

Without details, its loaders answer all alike, as its page "Changing Default Behaviors" shows."""

import os

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, get_jwt, jwt_required

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = open(os.environ["LAB_KEYS"] + "/secret", encoding="utf-8").read()
app.config["JWT_DECODE_ISSUER"] = os.environ["LAB_ISSUER"]
app.config["JWT_DECODE_AUDIENCE"] = os.environ["LAB_AUDIENCE"]
app.config["JWT_DECODE_LEEWAY"] = int(os.environ["LAB_LEEWAY"])
jwt = JWTManager(app)


@jwt.token_in_blocklist_loader
def is_revoked(header, payload):
    return payload["jti"] == os.environ["LAB_REVOKED"]


if os.environ["LAB_DETAILS"] == "off":

    def refuse(*_):
        return jsonify(msg="Unauthorized"), 401

    jwt.expired_token_loader(refuse)
    jwt.invalid_token_loader(refuse)
    jwt.unauthorized_loader(refuse)
    jwt.revoked_token_loader(refuse)


@app.get("/orders/<name>")
@jwt_required()
def orders(name):
    return jsonify(name=name)


@app.get("/reports/<name>")
@jwt_required()
def reports(name):
    if "reports:read" not in get_jwt().get("scope", "").split():
        return jsonify(msg="The scope reports:read is required"), 403
    return jsonify(name=name)


@app.get("/admin/<name>")
@jwt_required()
def admin(name):
    return jsonify(msg="Admins only!"), 403


app.run(host="127.0.0.1", port=int(os.environ["LAB_PORT"]))
