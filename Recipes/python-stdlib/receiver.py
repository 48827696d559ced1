"""Receives the webhooks of httpsms with Python's standard library.

An event becomes a file before it is acknowledged, and a thread handles it afterwards: what a crash leaves behind is
handled after the next start. An empty file stays, so that an event that comes again is known.
"""

import base64
import hmac
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEYS = [os.environ["HTTPSMS_SIGNING_KEY"].encode()]
if "HTTPSMS_NEXT_SIGNING_KEY" in os.environ:  # while the key is replaced
    KEYS.append(os.environ["HTTPSMS_NEXT_SIGNING_KEY"].encode())
CALLBACK_URL = os.environ["HTTPSMS_CALLBACK_URL"]  # exactly as the webhook has it
ENCRYPTION_KEY = os.environ.get("HTTPSMS_ENCRYPTION_KEY")
INBOX = Path(os.environ.get("HTTPSMS_INBOX", "inbox"))
MAX_BODY = 1 << 20  # bytes
waiting = queue.SimpleQueue()  # paths; what is in the files is not lost with it


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
    print(json.dumps(line), flush=True)


def store(event_id, body):
    """Does nothing when the id is known."""
    with tempfile.NamedTemporaryFile(dir=INBOX, prefix=".") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(file.name, INBOX / event_id)  # complete from the moment it has its name
        except FileExistsError:
            return
    waiting.put(INBOX / event_id)


def work():
    for path in sorted(INBOX.glob("[!.]*"), key=os.path.getmtime):
        if path.stat().st_size:
            waiting.put(path)
    while True:
        path = waiting.get()
        try:
            handle(json.loads(path.read_bytes()))
            os.truncate(path, 0)
        except Exception as error:  # the file stays as it is: the next start tries again
            print(f"{path}: {error!r}", file=sys.stderr)


class Hook(BaseHTTPRequestHandler):
    timeout = 10  # seconds that a silent client may hold a thread

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return self.answer(413)
        body = self.rfile.read(int(length))
        if not any(is_genuine(self.headers, body, key) for key in KEYS):
            return self.answer(401)
        try:
            event = json.loads(body)
            event_id, _ = re.fullmatch(r"[\w-]{1,64}", event["id"])[0], event["type"]
        except (KeyError, TypeError, ValueError):
            return self.answer(400)
        store(event_id, body)  # if the disk fails, there is no answer, and the event comes again
        self.answer(204)

    def do_GET(self):
        self.answer(405)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


if not all(KEYS):
    sys.exit("A blank signing key would let anybody sign.")
INBOX.mkdir(exist_ok=True)
threading.Thread(target=work, daemon=True).start()
ThreadingHTTPServer.request_queue_size = 128  # connections that wait to be accepted
ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Hook).serve_forever()
