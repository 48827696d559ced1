"""Webhook delivery as it is usually written with Celery: signed, timed out, retried, acknowledged after the attempt."""

import os
import time

import jwt
import requests
from celery import Celery

app = Celery("peer", broker=os.environ["PEER_BROKER"])
app.conf.task_ignore_result = True
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.broker_connection_retry_on_startup = True
session = requests.Session()


@app.task(bind=True, max_retries=4)
def deliver(self, url, signing_key, event_type, body):
    now = int(time.time())
    claims = {"iss": "api.httpsms.com", "sub": "bench", "aud": [url], "iat": now, "nbf": now - 600, "exp": now + 600}
    headers = {
        "Content-Type": "application/json",
        "X-Event-Type": event_type,
        "Authorization": "Bearer " + jwt.encode(claims, signing_key, algorithm="HS256"),
    }
    try:
        response = session.post(url, data=body.encode(), headers=headers, timeout=5)
    except requests.RequestException as error:
        raise self.retry(exc=error, countdown=1)
    if response.status_code >= 500:
        raise self.retry(countdown=1)
