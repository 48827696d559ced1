"""A server of its own for a script that calls it: the debug build, in a folder that the script throws away."""

import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

SERVER = Path(__file__).resolve().parent.parent / ".build/debug/httpsms"


def start(folder, environment):
    """A server of its own in `folder`: its process and its URL. It logs to `folder / "log"`, as JSON."""
    log = open(folder / "log", "a")
    begin = log.tell()
    process = subprocess.Popen(
        [SERVER, "serve"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
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
