"""An HTTP sink that knows nothing of the server: the standard library's, it answers 200 and writes down what it got.

Takes the path of its record, a line of JSON for each POST: seconds since 1970, path, headers, body. Prints its port.
"""

import http.server
import json
import sys
import threading
import time


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        line = json.dumps({"time": time.time(), "path": self.path, "headers": headers, "body": json.loads(body)})
        with self.lock, open(sys.argv[1], "a") as record:
            record.write(line + "\n")
        answer = json.dumps({"name": "projects/sink/messages/1"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
print(server.server_address[1], flush=True)
server.serve_forever()
