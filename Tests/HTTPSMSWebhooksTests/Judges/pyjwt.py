"""Makes and verifies webhook tokens with PyJWT."""

import base64
import hashlib
import hmac
import json

import jwt
import jwt.api_jwt

from judge import clock, run


def verify(token, key, audience, now):
    jwt.api_jwt.datetime = clock(now)
    claims = jwt.decode(
        token,
        key.encode(),
        algorithms=["HS256"],
        audience=audience,
        issuer="api.httpsms.com",
        options={"require": ["iss", "sub", "aud", "exp", "nbf", "iat"]},
    )
    return {"header": jwt.get_unverified_header(token), "claims": claims}


def make(claims, key, algorithm):
    return jwt.encode(claims, None if algorithm == "none" else key.encode(), algorithm=algorithm)


def forge(header, claims, key):
    """A token with any header at all, signed with HMAC-SHA256 whatever the header says."""

    def part(content):
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    signed = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.new(key.encode(), signed, hashlib.sha256).digest())).decode()


run({"verify": verify, "make": make, "forge": forge}, jwt.InvalidTokenError)
