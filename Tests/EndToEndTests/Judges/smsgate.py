#!/usr/bin/env python3
"""A phone with the SMSGate app, as its protocol is written down; not written with our code.

smsgate.py URL code|token SECRET: registers, then obeys lines of its input, each a command:
  sms SENDER TEXT      an SMS comes in
  again                the last hook is sent once more, as after an answer that was lost
  ping                 a sign of life with the battery's level
  poll                 a pull of its own accord
  quit
Prints a JSON object a line for each thing that it did, and {"problem": ...} for each answer that breaks the protocol.
"""

import hashlib
import hmac
import json
import re
import sys
import threading
import time
import urllib.parse
import uuid
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection, HTTPSConnection

AGENT = "me.capcom.smsgateway/1.68.0"
EVENTS = {"sms:received", "system:ping", "mms:received", "mms:downloaded", "app:started", "sms:data-received",
          "sms:sent", "sms:delivered", "sms:failed", "sms:cancelled"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)")
ZONE = timezone(timedelta(hours=5, minutes=30))
output = threading.Lock()


def say(**members):
    with output:
        print(json.dumps(members), flush=True)


def check(holds, problem):
    if not holds:
        say(problem=problem)


def now():
    return datetime.now(ZONE).isoformat(timespec="milliseconds")


def compact(value):
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&='":
        text = text.replace(character, "\\u%04x" % ord(character))
    return text.encode()


class Phone:
    def __init__(self, url):
        self.url, self.token, self.device, self.hooks, self.key = url, None, None, [], "random12"
        self.known, self.pulling, self.last = {}, threading.Lock(), None

    def connection(self, url, timeout):
        parts = urllib.parse.urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        return kind(parts.netloc, timeout=timeout), parts.path + (f"?{parts.query}" if parts.query else "")

    def call(self, method, url, body=None, authorization=None, **headers):
        connection, path = self.connection(url, 10)
        headers = {"User-Agent": AGENT, **headers}
        if authorization:
            headers["Authorization"] = authorization
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer

    def api(self, method, path, body=None):
        data = None if body is None else compact(body)
        return self.call(method, self.url + path, data, f"Bearer {self.token}")

    def register(self, kind, secret):
        body = compact({"name": "python/judge", "simCards": [{"slotIndex": 0, "simNumber": 1}]})
        authorization = f"Code {secret}" if kind == "code" else f"Bearer {secret}"
        status, answer, _ = self.call("POST", self.url + "/device", body, authorization)
        if status // 100 != 2:
            say(refused=status, text=answer.decode())
            sys.exit(1)
        check(status == 201, f"POST /device answered {status}")
        answer = json.loads(answer)
        for name in ("id", "token", "login"):
            check(isinstance(answer.get(name), str) and answer[name], f"the registration has no {name}")
        self.device, self.token = answer["id"], answer["token"]
        say(registered=self.device)
        status, _, _ = self.api("PATCH", "/device", {"id": self.device, "simCards": []})
        check(status == 204, f"PATCH /device answered {status}")
        self.fetch_webhooks()
        self.fetch_settings()

    def fetch_webhooks(self):
        status, answer, _ = self.api("GET", "/webhooks")
        check(status == 200, f"GET /webhooks answered {status}")
        self.hooks = json.loads(answer)
        check(len({hook["id"] for hook in self.hooks}) == len(self.hooks), "two webhooks have one id")
        for hook in self.hooks:
            check(hook["event"] in EVENTS, f"the app does not know the event {hook['event']}")
        check(any(hook["event"] == "sms:received" for hook in self.hooks), "nobody wants to hear of an SMS")
        say(webhooks=sorted(hook["event"] for hook in self.hooks))

    def fetch_settings(self):
        status, answer, _ = self.api("GET", "/settings")
        check(status == 200, f"GET /settings answered {status}")
        settings = json.loads(answer)
        check(all(isinstance(section, dict) for section in settings.values()), "a section of the settings is no object")
        self.key = settings.get("webhooks", {}).get("signing_key", self.key)
        say(settings={section: sorted(values) for section, values in settings.items()})

    def pull(self):
        with self.pulling:
            status, answer, _ = self.api("GET", "/message?order=fifo")
            check(status == 200, f"GET /message answered {status}")
            for message in json.loads(answer) if status == 200 else []:
                self.take(message)

    def take(self, message):
        check(len(message["phoneNumbers"]) == 1, "a message has not one recipient")
        check(message.get("state", "Pending") == "Pending", f"an offered message is {message.get('state')}")
        check(message["textMessage"]["text"] == message["message"], "two texts")
        for name in ("validUntil", "createdAt"):
            check(name not in message or TIME.fullmatch(message[name]), f"{name} is {message.get(name)}")
        identifier, number = message["id"], message["phoneNumbers"][0]
        if identifier in self.known:
            return self.report(identifier)
        if "validUntil" in message and datetime.fromisoformat(message["validUntil"]) < datetime.now(timezone.utc):
            self.known[identifier] = (number, {"Pending": now(), "Failed": now()}, "TTL expired")
            return self.report(identifier)
        say(sending=identifier, to=number, text=message["message"])
        states = {"Pending": now()}
        self.known[identifier] = (number, states, None)
        for state in ("Processed", "Sent", "Delivered"):
            states[state] = now()
            self.report(identifier)

    def report(self, identifier):
        number, states, error = self.known[identifier]
        state = list(states)[-1]
        recipient = {"phoneNumber": number, "state": state, **({"error": error} if error else {})}
        report = {"id": identifier, "state": state, "recipients": [recipient], "states": states}
        status, _, _ = self.api("PATCH", "/message", [report])
        check(status == 204, f"PATCH /message answered {status}")
        say(reported=identifier, state=state)

    def emit(self, event, payload):
        for hook in (hook for hook in self.hooks if hook["event"] == event):
            body = {"id": uuid.uuid4().hex[:21], "webhookId": hook["id"], "event": event, "deviceId": self.device}
            self.last = (hook["url"], compact({**body, "payload": payload}), event)
            self.post()

    def post(self):
        url, body, event = self.last
        stamp = str(int(time.time()))
        signature = hmac.new(self.key.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
        status, _, _ = self.call("POST", url, body, **{"X-Timestamp": stamp, "X-Signature": signature})
        say(posted=event, status=status)

    def listen(self):
        """Reads the stream, and opens it again when it ends."""
        while True:
            try:
                self.read_stream()
            except OSError as error:
                say(stream=str(error))
            time.sleep(0.5)

    def read_stream(self):
        connection, path = self.connection(self.url + "/events", 60)
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream", "User-Agent": "okhttp/4.10.0"}
        connection.request("GET", path, None, headers)
        answer = connection.getresponse()
        kind = answer.getheader("Content-Type") or ""
        check(answer.status == 200 and kind.startswith("text/event-stream"), f"the stream is {answer.status} {kind}")
        check(answer.getheader("Content-Encoding") is None, "the stream is compressed")
        say(stream="open")
        self.pull()
        name, data = None, None
        for line in iter(answer.readline, b""):
            check(b"\r" not in line, "a line of the stream ends in CR LF")
            field, _, value = line.decode().rstrip("\n").partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif line == b"\n":
                if data:
                    self.hear(name)
                name, data = None, None
        say(stream="ended")

    def hear(self, name):
        say(event=name)
        actions = {"MessageEnqueued": self.pull, None: self.pull, "WebhooksUpdated": self.fetch_webhooks,
                   "SettingsUpdated": self.fetch_settings}
        if name in actions:
            actions[name]()


def main():
    url, kind, secret = sys.argv[1:]
    phone = Phone(url)
    phone.register(kind, secret)
    threading.Thread(target=phone.listen, daemon=True).start()
    for line in sys.stdin:
        command, *arguments = line.rstrip("\n").split(" ", 2)
        if command == "sms":
            phone.emit("sms:received", {
                "message": arguments[1], "receivedAt": now(), "messageId": "9f3c21ab", "sender": arguments[0],
                "simNumber": 1, "phoneNumber": arguments[0]})
        elif command == "again":
            phone.post()
        elif command == "ping":
            checks = {"battery:level": {"status": "pass", "observedValue": 87, "observedUnit": "percent"},
                      "battery:charging": {"status": "pass", "observedValue": 5, "observedUnit": "flags"}}
            phone.emit("system:ping", {
                "health": {"version": "1.68.0", "releaseId": 1489, "status": "pass", "checks": checks}})
        elif command == "poll":
            phone.pull()
        elif command == "quit":
            break


main()
