"""What of the hosted httpSMS API the commands use: it lists and replaces webhooks whole, and knows nothing of ours.

Prints its port.
"""

import http.server
import json

WEBHOOK = {
    "id": "32343a19-da5e-4b1b-a767-3298a73703cb",
    "user_id": "WB7DRDWrJZRGbYrv2CKGkqbzvqdC",
    "url": "https://example.com/hook",
    "signing_key": "key",
    "phone_numbers": ["+18005550199"],
    "events": ["message.phone.received"],
    "created_at": "2022-06-05T14:26:02.302718+03:00",
    "updated_at": "2022-06-05T14:26:10.303278+03:00",
}


class API(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_request(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        path = self.path.partition("?")[0]
        if self.headers.get("x-api-key") != "uk_hosted":
            hint = "Make sure your API key is set in the [x-api-key] header in the request"
            message = "You are not authorized to carry out this request."
            return self.answer(401, {"data": hint, "message": message, "status": "error"})
        if (self.command, path) == ("GET", "/v1/webhooks"):
            return self.answer(200, {"data": [WEBHOOK], "message": "fetched 1 webhook", "status": "success"})
        if (self.command, path) == ("PUT", "/v1/webhooks/" + WEBHOOK["id"]):
            absent = [name for name in ("url", "signing_key", "events", "phone_numbers") if name not in body]
            if absent:
                data = {name: [f"The {name} field is required"] for name in absent}
                return self.answer(422, {"data": data, "message": "validation errors", "status": "error"})
            WEBHOOK.update({name: body[name] for name in WEBHOOK if name in body})
            return self.answer(200, {"data": WEBHOOK, "message": "webhook updated successfully", "status": "success"})
        if path == "/v1/redirected/v1/webhooks":
            return self.answer(302, None, Location="https://elsewhere.example/")
        self.answer(404, None)

    do_GET = do_PUT = do_POST = do_DELETE = handle_request

    def answer(self, status, envelope, **headers):
        body = b"Not Found" if envelope is None else json.dumps(envelope).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), API)
print(server.server_address[1], flush=True)
server.serve_forever()
