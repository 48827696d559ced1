"""Receives the webhooks of httpsms with FastAPI.

An event becomes a file before it is acknowledged, and a task handles it afterwards: what a crash leaves behind is
handled after the next start. An empty file stays, so that an event that comes again is known.
"""

import asyncio
import base64
import hmac
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request

KEYS = [os.environ["HTTPSMS_SIGNING_KEY"].encode()]
if "HTTPSMS_NEXT_SIGNING_KEY" in os.environ:  # while the key is replaced
    KEYS.append(os.environ["HTTPSMS_NEXT_SIGNING_KEY"].encode())
CALLBACK_URL = os.environ["HTTPSMS_CALLBACK_URL"]  # exactly as the webhook has it
ENCRYPTION_KEY = os.environ.get("HTTPSMS_ENCRYPTION_KEY")
INBOX = Path(os.environ.get("HTTPSMS_INBOX", "inbox"))
MAX_BODY = 1 << 20  # bytes
waiting = asyncio.Queue()  # paths; what is in the files is not lost with it


def is_genuine(headers, body, key):
    def decode(part):
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    try:
        header, claims, signature = headers["Authorization"].removeprefix("Bearer ").split(".")
        if not hmac.compare_digest(decode(signature), hmac.digest(key, f"{header}.{claims}".encode(), "sha256")):
            return False
        header, claims, now = json.loads(decode(header)), json.loads(decode(claims)), time.time()
        if header["alg"] != "HS256" or claims["iss"] != "api.httpsms.com" or claims["aud"] != [CALLBACK_URL]:
            return False
        sent_at = headers["webhook-timestamp"]
        if not claims["nbf"] <= now < claims["exp"] or abs(now - int(sent_at)) > 300:
            return False
        content = f"{headers['webhook-id']}.{sent_at}.".encode() + body
        expected = b"v1," + base64.b64encode(hmac.digest(key, content, "sha256"))
        return any(hmac.compare_digest(one.encode(), expected) for one in headers["webhook-signature"].split(" "))
    except (AttributeError, KeyError, TypeError, ValueError):
        return False  # a header or a claim is absent or malformed


def decrypt(text):
    """AES-256-CFB behind an IV of 16 bytes; the key is the passphrase's SHA-256, which is what openssl makes of it."""
    data = base64.b64decode(text)
    command = "openssl enc -d -aes-256-cfb -md sha256 -nosalt -pass env:HTTPSMS_ENCRYPTION_KEY -iv".split()
    return subprocess.run([*command, data[:16].hex()], input=data[16:], capture_output=True, check=True).stdout.decode()


NOTES = {
    "message.phone.received": "{contact} wrote",
    "message.phone.sent": "handed to the network",
    "message.phone.delivered": "arrived",
    "message.send.failed": "not sent: {error_message}",
    "message.send.expired": "not sent in time; the last attempt: {is_final}",
    "message.call.missed": "{contact} called",
    "phone.heartbeat.offline": "{owner} was last heard of at {last_heartbeat_timestamp}",
    "phone.heartbeat.online": "{owner} is back",
}


def handle(event):
    """Your code goes here."""
    if event["type"] not in NOTES:
        return  # newer than this receiver
    data = event["data"]
    line = {"id": event["id"], "type": event["type"], "note": NOTES[event["type"]].format_map(data)}
    # POST /v1/messages/send answered with this message_id; request_id is what you gave it.
    line |= {"message_id": data.get("id") or data.get("message_id"), "request_id": data.get("request_id")}
    line["content"] = decrypt(data["content"]) if ENCRYPTION_KEY and data.get("encrypted") else data.get("content")
    # In one piece with its end: uvicorn writes its log from another thread.
    print(json.dumps(line) + "\n", end="", flush=True)


def store(event_id, body):
    """Returns whether the id is new."""
    with tempfile.NamedTemporaryFile(dir=INBOX, prefix=".") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, INBOX / event_id)  # complete from the moment it has its name
            return True
        except FileExistsError:
            return False


async def work():
    while True:
        path = await waiting.get()
        try:
            await asyncio.to_thread(handle, json.loads(path.read_bytes()))
            os.truncate(path, 0)
        except Exception as error:  # the file stays as it is: the next start tries again
            print(f"{path}: {error!r}", file=sys.stderr)


@asynccontextmanager
async def lifespan(app):
    INBOX.mkdir(exist_ok=True)
    for path in sorted(INBOX.glob("[!.]*"), key=os.path.getmtime):
        if path.stat().st_size:
            waiting.put_nowait(path)
    worker = asyncio.create_task(work())
    yield
    worker.cancel()


if not all(KEYS):
    sys.exit("A blank signing key would let anybody sign.")
app = FastAPI(lifespan=lifespan)


@app.post("/{path:path}", status_code=204)
async def hook(request: Request):
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413)
    if not any(is_genuine(request.headers, bytes(body), key) for key in KEYS):
        raise HTTPException(401)
    try:
        event = json.loads(body)
        event_id, _ = re.fullmatch(r"[\w-]{1,64}", event["id"])[0], event["type"]
    except (KeyError, TypeError, ValueError):
        raise HTTPException(400)
    # If the disk fails, the answer is 500, and the event comes again.
    if await asyncio.to_thread(store, event_id, body):
        waiting.put_nowait(INBOX / event_id)
