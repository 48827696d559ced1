"""A server of its own for a script that calls it: the debug build, in a folder that the script throws away."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

SERVER = Path(__file__).resolve().parent.parent / ".build/debug/httpsms"


def start(folder, environment, server=SERVER):
    """A server of its own in `folder`: its process and its URL. It logs to `folder / "log"`, as JSON."""
    log = open(folder / "log", "a")
    begin = log.tell()
    process = subprocess.Popen(
        [server, "serve"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r'"server is listening","url":"([^"]+)"', (folder / "log").read_bytes()[begin:].decode(errors="replace"))
        if found:
            return process, found[1]
        select.select([], [], [], 0.05)
    process.kill()
    sys.exit("The server did not start:\n" + (folder / "log").read_text())


def stop(process):
    """Ends it as an operator does."""
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)


@contextmanager
def with_account(folder):
    """A server with an account, whose webhooks may be on this machine: its URL and the API key of the account."""
    environment = {
        "PATH": os.environ["PATH"], "HTTP_PORT": "0", "LOG_FORMAT": "json",
        "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8", "DATABASE_URL": "sqlite:store.sqlite",
    }
    created = subprocess.run(
        [SERVER, "user", "create", "--email", "client@example.com"], cwd=folder, env=environment, check=True,
        capture_output=True, text=True, timeout=30)
    process, url = start(folder, environment)
    try:
        yield url, re.search(r"api key: (\S+)", created.stdout)[1]
    finally:
        stop(process)
