"""A webhook receiver as the public documentation tells people to write it, for one recorded request.

Takes the path of a JSON file with the request's headers (lower-case names), body (base64), signing key and URL. Prints
the claims and the event, or {"refused": "NameOfTheException"} when the token or the event is not accepted.
"""

import base64
import json
import sys

import jwt
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent


def receive(headers, body, key, audience):
    scheme, token = headers["authorization"].split(" ")
    assert scheme == "Bearer"
    claims = jwt.decode(
        token,
        key,
        algorithms=["HS256"],
        audience=audience,
        issuer="api.httpsms.com",
        options={"require": ["iss", "sub", "aud", "exp", "nbf", "iat"]},
    )
    claims["lifetime"] = claims["exp"] - claims["iat"]
    claims["leeway"] = claims["iat"] - claims["nbf"]
    # httpSMS says application/json where the specification has a media type of its own for the same format.
    message = HTTPMessage({"content-type": "application/cloudevents+json"}, base64.b64decode(body))
    event = from_structured(message, JSONFormat(), CloudEvent)
    attributes = {name: str(value) for name, value in event.get_attributes().items()}
    return {"claims": claims, "event": attributes, "data": event.get_data()}


def main():
    with open(sys.argv[1], "rb") as file:
        request = json.load(file)
    try:
        answer = receive(**request)
    except (jwt.InvalidTokenError, CloudEventValidationError) as error:
        answer = {"refused": type(error).__name__}
    json.dump(answer, sys.stdout)


main()
