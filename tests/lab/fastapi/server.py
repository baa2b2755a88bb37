"""FastAPI with PyJWT, as FastAPI's page "OAuth2 scopes" shows it; with details it says PyJWT's words."""

import os
from typing import Annotated

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Security, status
from fastapi.security import OAuth2PasswordBearer, SecurityScopes
from jwt.exceptions import InvalidTokenError

PUBLIC_KEY = open(os.environ["LAB_KEYS"] + "/es256.pem", encoding="utf-8").read()
DETAILS = os.environ["LAB_DETAILS"] == "on"

app = FastAPI()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token", scopes={"reports:read": "Read reports."})


async def get_current_user(security_scopes: SecurityScopes, token: Annotated[str, Depends(oauth2_scheme)]):
    if security_scopes.scopes:
        authenticate_value = f'Bearer scope="{security_scopes.scope_str}"'
    else:
        authenticate_value = "Bearer"

    def refusal(detail):
        return HTTPException(
            status_code=status.HTTP_401_UNAUTHORIZED,
            detail=detail,
            headers={"WWW-Authenticate": authenticate_value},
        )

    try:
        payload = jwt.decode(
            token,
            PUBLIC_KEY,
            algorithms=["ES256"],
            issuer=os.environ["LAB_ISSUER"],
            audience=os.environ["LAB_AUDIENCE"],
            leeway=int(os.environ["LAB_LEEWAY"]),
        )
    except InvalidTokenError as error:
        raise refusal(str(error) if DETAILS else "Could not validate credentials") from error
    if payload.get("sub") is None:
        raise refusal("Could not validate credentials")
    for scope in security_scopes.scopes:
        if scope not in payload.get("scope", "").split():
            raise refusal("Not enough permissions")
    return payload["sub"]


@app.get("/reports/{name}")
async def reports(user: Annotated[str, Security(get_current_user, scopes=["reports:read"])]):
    return {"user": user}


@app.get("/admin/{name}")
async def admin(user: Annotated[str, Depends(get_current_user)]):
    raise HTTPException(status_code=403, detail="The user doesn't have enough privileges")


@app.get("/orders/{name}")
async def orders(user: Annotated[str, Depends(get_current_user)]):
    return {"user": user}


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["LAB_PORT"]), log_level="error")
