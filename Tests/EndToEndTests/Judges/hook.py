"""A receiver of webhooks that does everything right, with the standard library alone, and one fault on request.

Takes its settings from the environment, as `docs/recipes.md` says; FAULT names what it does wrong. Prints its port, then
a line of JSON for each event that it handled. Decryption is OpenSSL's.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import subprocess
import sys
import threading
import time

FAULT = os.environ.get("FAULT", "")
KEY = os.environ["HTTPSMS_SIGNING_KEY"].encode()
AUDIENCE = os.environ["HTTPSMS_CALLBACK_URL"]
PASSPHRASE = os.environ["HTTPSMS_ENCRYPTION_KEY"].encode()
TYPES_WITH_ID = {"message.phone.sent", "message.phone.delivered", "message.send.failed"}
TYPES_WITH_MESSAGE_ID = {"message.phone.received", "message.send.expired", "message.call.missed"}
HEARTBEATS = {"phone.heartbeat.offline", "phone.heartbeat.online"}
seen = set()
lock = threading.Lock()


class Refused(Exception):
    pass


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify_token(authorization):
    if FAULT == "ignores-token":
        return
    scheme, _, token = (authorization or "").partition(" ")
    parts = token.split(".")
    if scheme.lower() != "bearer" or len(parts) != 3:
        raise Refused("no bearer token")
    header, claims = json.loads(unpadded(parts[0])), json.loads(unpadded(parts[1]))
    algorithm = header.get("alg")
    digest = hashlib.sha256
    if algorithm == "none" and FAULT == "accepts-alg-none":
        digest = None
    elif algorithm == "HS512" and FAULT == "accepts-any-hmac":
        digest = hashlib.sha512
    elif algorithm != "HS256" and FAULT != "ignores-alg":
        raise Refused("algorithm")
    if digest:
        expected = hmac.new(KEY, f"{parts[0]}.{parts[1]}".encode(), digest).digest()
        if not hmac.compare_digest(expected, unpadded(parts[2])):
            raise Refused("signature of the token")
    if claims["exp"] <= time.time() and FAULT != "ignores-exp":
        raise Refused("expired")
    if AUDIENCE not in claims["aud"] and FAULT != "ignores-aud":
        raise Refused("audience")


def verify_signature(headers, body):
    if FAULT == "ignores-signature":
        return
    id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
    if not id or not timestamp or "webhook-signature" not in headers:
        raise Refused("no signature")
    expected = base64.b64encode(hmac.new(KEY, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()).decode()
    signatures = headers["webhook-signature"].split(" ")
    if FAULT == "looks-at-the-first-signature":
        signatures = signatures[:1]
    if not any(hmac.compare_digest(signature, f"v1,{expected}") for signature in signatures):
        raise Refused("signature")
    if abs(time.time() - int(timestamp)) > 300 and FAULT != "ignores-timestamp":
        raise Refused("too old")


def decrypt(content):
    data = base64.b64decode(content)
    key = hashlib.sha256(PASSPHRASE).hexdigest()
    command = ["openssl", "enc", "-d", "-aes-256-cfb", "-K", key, "-iv", data[:16].hex()]
    return subprocess.run(command, input=data[16:], capture_output=True, check=True).stdout.decode()


def handle(event):
    type, data = event["type"], event.get("data", {})
    if type in TYPES_WITH_ID:
        message = data["id"]
    elif type in TYPES_WITH_MESSAGE_ID:
        message = data.get("id") if FAULT == "knows-data-id-only" else data["message_id"]
    elif type in HEARTBEATS:
        message = None
    else:
        return
    content = data.get("content")
    if data.get("encrypted") and FAULT != "does-not-decrypt":
        content = decrypt(content)
    request = None if FAULT == "drops-request-id" else data.get("request_id")
    line = {"id": event["id"], "type": type, "message_id": message, "request_id": request, "content": content}
    with lock:
        print(json.dumps(line), flush=True)


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = self.receive(body)
        except Refused:
            return self.answer(401)
        except ValueError:
            return self.answer(500 if FAULT == "fails-at-bad-json" else 400)
        if event is None:
            return
        with lock:
            is_new = event["id"] not in seen
            seen.add(event["id"])
        if FAULT == "answers-late":
            time.sleep(1.2)
        self.answer(409 if FAULT == "answers-409-to-duplicates" and not is_new else 200)
        if is_new or FAULT == "no-duplicate-check":
            handle(event)

    def receive(self, body):
        if FAULT == "small-bodies" and len(body) > 65536:
            return self.answer(413)
        if FAULT == "remembers-before-verifying":
            event = json.loads(body)
            if event["id"] in seen:
                return self.answer(200)
            seen.add(event["id"])
        verify_token(self.headers.get("Authorization"))
        if FAULT == "signs-what-it-parsed":
            verify_signature(self.headers, json.dumps(json.loads(body), separators=(",", ":")).encode())
        else:
            verify_signature(self.headers, body)
        event = json.loads(body)
        if FAULT == "refuses-unknown-types" and event["type"] not in TYPES_WITH_ID | TYPES_WITH_MESSAGE_ID | HEARTBEATS:
            return self.answer(400)
        if FAULT == "remembers-before-verifying":
            seen.discard(event["id"])
        return event

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


server = Server(("127.0.0.1", int(os.environ.get("PORT", "0"))), Hook)
print(server.server_address[1], flush=True)
server.serve_forever()
