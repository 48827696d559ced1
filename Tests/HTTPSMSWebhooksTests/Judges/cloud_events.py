"""Reads and writes events with the CloudEvents SDK."""

from cloudevents.core.bindings.http import HTTPMessage, from_structured, to_structured
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from judge import run


def read(body):
    message = HTTPMessage({"content-type": "application/cloudevents+json"}, body.encode())
    event = from_structured(message, JSONFormat(), CloudEvent)
    attributes = {name: str(value) for name, value in event.get_attributes().items()}
    attributes["time"] = event.get_time().isoformat()
    return {"attributes": attributes, "data": event.get_data()}


def rewrite(body):
    """The same event, as the SDK writes it."""
    message = HTTPMessage({"content-type": "application/cloudevents+json"}, body.encode())
    return to_structured(from_structured(message, JSONFormat(), CloudEvent), JSONFormat()).body.decode()


run({"read": read, "rewrite": rewrite}, CloudEventValidationError)
