"""Makes and verifies webhook signatures with the library of the Standard Webhooks specification."""

import base64
import datetime

import standardwebhooks.webhooks
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from judge import clock, run


def webhook(key):
    """The library wants the secret in base64; the secret is the UTF-8 bytes of the signing key."""
    return Webhook(base64.b64encode(key.encode()).decode())


def verify(key, headers, body, now):
    standardwebhooks.webhooks.datetime = clock(now)
    return webhook(key).verify(body, headers)


def verify_as_it_is(key, headers, body, now):
    """For a key that is a secret of the specification already."""
    standardwebhooks.webhooks.datetime = clock(now)
    return Webhook(key).verify(body, headers)


def make(key, id, now, body):
    time = datetime.datetime.fromtimestamp(now, tz=datetime.timezone.utc)
    return webhook(key).sign(id, time, body)


run({"verify": verify, "verify_as_it_is": verify_as_it_is, "make": make}, WebhookVerificationError)
