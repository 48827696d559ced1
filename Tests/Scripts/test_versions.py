"""What the checks of packages and of base images refuse. `python3 -m unittest discover Tests/Scripts` runs it."""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "Scripts"


def package(identity, version, *dependencies):
    return {"identity": identity, "version": version, "dependencies": list(dependencies)}


# a needs c, and so does b; c is named by Package.swift, too, d is not.
C = package("c", "3.0.0", package("d", "4.0.0"))
GRAPH = package("root", "unspecified", package("a", "1.0.0", C), package("b", "2.0.0", C), C)
RIGHT = "# A comment.\na 1.0.0 direct\nb 2.0.0 direct\nc 3.0.0 direct\nd 4.0.0 transitive\n"


class PackageVersions(unittest.TestCase):
    def check(self, text):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Package.versions").write_text(text)
            Path(folder, "graph.json").write_text(json.dumps(GRAPH))
            return subprocess.run(
                [sys.executable, SCRIPTS / "package-versions", "check", "graph.json"], cwd=folder, capture_output=True,
                text=True, timeout=30)

    def test_the_list_of_what_was_resolved_passes(self):
        run = self.check(RIGHT)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))

    def test_a_list_that_differs_fails_and_names_the_package(self):
        for wrong, message in [
            (RIGHT.replace("b 2.0.0", "b 2.0.1"), "b: 2.0.0 direct was resolved, the list says 2.0.1 direct"),
            (RIGHT.replace("d 4.0.0 transitive", "d 4.0.0 direct"), "the list says 4.0.0 direct"),
            (RIGHT.replace("a 1.0.0 direct\n", ""), "a: 1.0.0 direct was resolved, the list does not have it"),
            (RIGHT + "e 5.0.0 transitive\n", "e: the list has it, no target needs it"),
            ("", "d: 4.0.0 transitive was resolved"),
        ]:
            run = self.check(wrong)
            self.assertEqual(run.returncode, 1, wrong)
            self.assertIn(message, run.stdout)

    def test_a_list_that_cannot_be_read_fails(self):
        for wrong in [
            RIGHT.replace("b 2.0.0 direct", "b 2.0.0"), RIGHT.replace("direct", "somehow"), RIGHT + "d 4.0.0 transitive\n",
            "b 2.0.0 direct\na 1.0.0 direct\n", RIGHT.replace("b 2.0.0", "b  2.0.0 x"),
        ]:
            run = self.check(wrong)
            self.assertEqual(run.returncode, 1, wrong)
            self.assertIn("Package.versions", run.stderr)


class Registry(http.server.BaseHTTPRequestHandler):
    """A registry of one image, which asks for a token as Docker Hub does."""

    manifest = json.dumps({"manifests": [{"digest": "sha256:" + "0" * 64}]}).encode()

    def do_GET(self):
        address = f"http://127.0.0.1:{self.server.server_port}"
        if self.path.startswith("/token?"):
            self.reply(200, json.dumps({"token": "let-me-in"}).encode())
        elif self.headers["Authorization"] != "Bearer let-me-in":
            self.reply(401, b"", ("WWW-Authenticate", f'Bearer realm="{address}/token",service="registry"'))
        elif self.path == "/v2/library/swift/manifests/6.3.1-bookworm":
            self.reply(200, self.manifest)
        else:
            self.reply(404, b"")

    def reply(self, status, body, *headers):
        self.send_response(status)
        for name, value in [("Content-Length", len(body)), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class ImageDigests(unittest.TestCase):
    def run_on(self, dockerfile, command, registry=""):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Dockerfile").write_text(dockerfile)
            run = subprocess.run(
                [sys.executable, SCRIPTS / "image-digests", command], capture_output=True, text=True, timeout=60,
                env=os.environ | {"IMAGE_FOLDER": folder, "IMAGE_REGISTRY": registry})
            return run, Path(folder, "Dockerfile").read_text()

    def dockerfile(self, image):
        return f"ARG SWIFT_IMAGE={image}\n\nFROM ${{SWIFT_IMAGE}} AS build\nRUN true\n"

    def test_images_are_exact(self):
        digest = "@sha256:" + "a" * 64
        for image, status, message in [
            ("swift:6.3.1-bookworm" + digest, 0, ""),
            ("swift:6.3.1-bookworm", 0, "has no digest yet"),
            ("swift:6.3.1-bookworm@sha256:abc", 1, "is no digest"),
            ("swift:latest" + digest, 1, "the tag latest moves"),
            ("swift", 1, "FROM names an image that no ARG pins"),
        ]:
            run, _ = self.run_on(self.dockerfile(image), "check")
            self.assertEqual(run.returncode, status, image)
            self.assertIn(message, run.stdout)
        run, _ = self.run_on("FROM debian:12.11-slim\n", "check")
        self.assertEqual(run.returncode, 1)

    def test_update_writes_the_digest_of_what_the_registry_has(self):
        digest = "sha256:" + hashlib.sha256(Registry.manifest).hexdigest()
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            registry = f"http://127.0.0.1:{server.server_port}"
            for image in ["swift:6.3.1-bookworm", "swift:6.3.1-bookworm@sha256:" + "b" * 64]:
                run, text = self.run_on(self.dockerfile(image), "update", registry)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertEqual(text, self.dockerfile(f"swift:6.3.1-bookworm@{digest}"))
            unknown = self.dockerfile("swift:9.9.9")
            run, text = self.run_on(unknown, "update", registry)
            server.shutdown()
        self.assertEqual((run.returncode, text), (1, unknown))


if __name__ == "__main__":
    unittest.main()
