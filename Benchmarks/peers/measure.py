"""Runs the peer and the server on the same bodies and the same kind of sink; see `run`."""

import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
HTTPSMS = os.environ["HTTPSMS"]
# As the sink writes it: serial number, endpoint, accepted at, received at (microseconds).
RECORD = struct.Struct("<IIqq")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        return response.read()


def until(condition, limit, what):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not happen within {limit} s")
        time.sleep(0.1)


def can_connect(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def measure_peer(events, folder, started):
    sink = subprocess.Popen([HTTPSMS, "bench-sink"], stdout=subprocess.PIPE, text=True)
    started.append(sink)
    base = f"http://127.0.0.1:{int(sink.stdout.readline())}"
    port = free_port()
    redis = subprocess.Popen(
        ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--appendonly", "yes",
         "--save", ""],
        stdout=subprocess.DEVNULL)
    started.append(redis)
    until(lambda: can_connect(port), 10, "the start of Redis")
    os.environ["PEER_BROKER"] = f"redis://127.0.0.1:{port}/0"
    sys.path.insert(0, str(HERE))
    from tasks import deliver

    print(f"peers: storing {events} events", file=sys.stderr)
    bodies = subprocess.run([HTTPSMS, "bench-bodies", str(events)], check=True, capture_output=True, text=True)
    for body in bodies.stdout.splitlines():
        deliver.delay(f"{base}/ok/0", "bench-signing-key-of-32-bytes-len", "message.phone.received", body)
    print("peers: delivering", file=sys.stderr)
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--concurrency", "2", "--loglevel", "ERROR",
         "--without-gossip", "--without-mingle", "--without-heartbeat"],
        cwd=HERE, stdout=subprocess.DEVNULL, stderr=Path(folder, "worker.log").open("w"),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "C_FORCE_ROOT": "1"})
    started.append(worker)
    until(lambda: int(get(f"{base}/count").split()[0]) >= events, 600, "the last delivery")
    cpu = cpu_seconds([redis.pid, worker.pid, *children(worker.pid)])
    records = list(RECORD.iter_unpack(get(f"{base}/records")))
    serials = {record[0] for record in records}
    seconds = (records[-1][3] - records[0][3]) / 1e6
    return {
        "name": "celery-redis-requests-pyjwt", "accepted": events, "accepted_per_second": None,
        "delivered": len(serials), "delivered_per_second": round((len(serials) - 1) / seconds, 1), "latency_ms": None,
        "duplicates": len(records) - len(serials), "lost": events - len(serials), "peak_memory_bytes": None,
        "cpu_seconds_per_1000": round(cpu / len(serials) * 1000, 4), "killed": False,
    }


def stop(processes):
    for process in reversed(processes):
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main():
    events, output = int(sys.argv[1]), sys.argv[2]
    started = []
    with tempfile.TemporaryDirectory(prefix="httpsms-peers-") as folder:
        try:
            peer = measure_peer(events, folder, started)
        finally:
            stop(started)
        report = Path(folder, "report.json")
        subprocess.run([HTTPSMS, "bench", "--scenario", "deliver", "--json", report], check=True, stdout=sys.stderr)
        document = json.loads(report.read_text())
    deliver = document["scenarios"][0]
    own = deliver["runs"][0]
    ratio = {
        "name": f"{own['name']} / {peer['name']}",
        "value": round(own["delivered_per_second"] / peer["delivered_per_second"], 1), "goal": "at least 12",
    }
    deliver["runs"].append(peer)
    deliver["ratios"].append(ratio)
    for run in deliver["runs"]:
        print(f"{run['name']:32}{run['delivered_per_second']:12,.0f} deliveries/s")
    print(f"{ratio['name']}: {ratio['value']} (goal: {ratio['goal']})")
    if output:
        Path(output).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
