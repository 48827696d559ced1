"""What `make dist` makes of a program. `python3 -m unittest discover Tests/Scripts` runs it."""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
VERSION = "0.2.0"
HELP = {
    "command": {
        "commandName": "httpsms", "abstract": "A gateway.", "arguments": [], "subcommands": [
            {"commandName": "serve", "abstract": "Run it.", "discussion": ".hidden\nA -line\n\nExample:\n  x", "arguments": [
                {"kind": "option", "names": [{"kind": "long", "name": "port"}], "abstract": "The port.", "valueName": "port"},
                {"kind": "flag", "names": [{"kind": "long", "name": "secret"}], "shouldDisplay": False}]},
            {"commandName": "hidden", "shouldDisplay": False}, {"commandName": "help", "abstract": "Help."}]}}
# A program that answers what the scripts ask of it, in place of one that takes minutes to build.
PROGRAM = """\
#include <stdio.h>
#include <string.h>
int main(int count, char **words) {
    if (count > 1 && !strcmp(words[1], "--version")) puts("%s");
    else if (count > 1 && !strcmp(words[1], "--experimental-dump-help")) puts(%s);
    else printf("# completion for %%s\\n", count > 2 ? words[2] : "");
    return 0;
}
"""


def release(folder, time):
    """Makes a release in a clone in `folder` and gives its files by name."""
    folder.mkdir()
    for name in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "openapi.json", "Package.versions", "Dockerfile",
                 "compose.yaml"]:
        shutil.copy(PROJECT / name, folder / name)
    for name in ["docs", "Recipes", "Fixtures", "Packaging", "Scripts"]:
        shutil.copytree(
            PROJECT / name, folder / name, ignore=shutil.ignore_patterns("node_modules", "target", "__pycache__"))
    lines = [line.split() for line in (folder / "Package.versions").read_text().splitlines() if not line.startswith("#")]
    pins = [{"identity": name, "location": f"https://example.com/{name}.git"} for name, _, _ in lines]
    (folder / "Package.resolved").write_text(json.dumps({"pins": pins}))
    program = folder / ".build/release/httpsms"
    program.parent.mkdir(parents=True)
    source = PROGRAM % (VERSION, json.dumps(json.dumps(HELP)))
    # No debug information, which would name the folder.
    subprocess.run(["cc", "-x", "c", "-o", program, "-"], input=source.encode(), check=True, timeout=60)
    subprocess.run(
        [folder / "Scripts/build-dist"], cwd="/", env={**os.environ, "SOURCE_DATE_EPOCH": time}, check=True,
        capture_output=True, timeout=300)
    return {path.name: path.read_bytes() for path in (folder / ".build/dist").iterdir()}


@unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "dpkg-dev is not installed")
class Release(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.TemporaryDirectory()
        folder = Path(cls.work.name)
        cls.first = release(folder / "first", "1700000000")
        cls.second = release(folder / "a second folder", "1700000000")
        cls.files = folder / "files"
        archive = next(folder.glob("first/.build/dist/*.tar.gz"))
        with tarfile.open(archive) as tar:
            tar.extractall(cls.files, filter="data")
        cls.tree = next(cls.files.iterdir())
        cls.package = next(folder.glob("first/.build/dist/*.deb"))

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    def test_two_folders_give_the_same_bytes(self):
        self.assertEqual(len(self.first), 5)
        self.assertEqual(sorted(self.first), sorted(self.second))
        for name, data in self.first.items():
            self.assertEqual(data, self.second[name], f"{name} differs")

    def test_the_checksums_are_those_of_the_files(self):
        lines = self.first["SHA256SUMS"].decode().splitlines()
        # The notes are the text of the release and none of its files.
        self.assertEqual(len(lines), len(self.first) - 2)
        for line in lines:
            digest, name = line.split("  ")
            self.assertEqual(digest, hashlib.sha256(self.first[name]).hexdigest())

    def test_the_list_of_parts_has_every_package_with_its_version(self):
        document = json.loads(self.first[f"httpsms-{VERSION}.cdx.json"])
        parts = [f"{part['name']} {part['version']}" for part in document["components"]]
        lines = [line for line in (PROJECT / "Package.versions").read_text().splitlines() if not line.startswith("#")]
        self.assertEqual(parts, [" ".join(line.split()[:2]) for line in lines])
        self.assertEqual(document["bomFormat"], "CycloneDX")

    def test_the_notes_are_those_of_the_version(self):
        notes = self.first["release-notes.md"].decode()
        self.assertIn("first version", notes)
        self.assertNotIn("## ", notes)

    def test_man_pages_show_what_help_shows(self):
        folder = self.tree / "share/man/man1"
        self.assertEqual(sorted(path.name for path in folder.iterdir()), ["httpsms-serve.1.gz", "httpsms.1.gz"])
        page = gzip.decompress((folder / "httpsms-serve.1.gz").read_bytes()).decode()
        self.assertIn("\\-\\-port <port>", page)
        self.assertIn(".PP\n\\&.hidden\nA \\-line\n.PP\n.nf\nExample:\n  x\n.fi\n", page)
        self.assertNotIn("secret", page)

    def test_completions_and_program_are_there(self):
        for name in ["bash-completion/completions/httpsms", "zsh/vendor-completions/_httpsms"]:
            self.assertTrue((self.tree / "share" / name).read_text().startswith("# completion for "))
        self.assertTrue(os.access(self.tree / "bin/httpsms", os.X_OK))

    def test_every_link_of_the_shipped_documentation_leads_somewhere(self):
        root = self.tree / "share/doc/httpsms"
        links = 0
        for page in root.rglob("*.md"):
            text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
            for link in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"https?:|#", link):
                    continue
                target = page.parent / link.split("#")[0]
                self.assertTrue(target.exists(), f"{page.relative_to(root)} links {link}")
                links += 1
        self.assertGreater(links, 50)

    def test_the_package_has_the_same_and_its_changes(self):
        listed = subprocess.run(["dpkg-deb", "-c", self.package], check=True, capture_output=True, text=True).stdout
        for name in ["usr/bin/httpsms", "usr/share/man/man1/httpsms.1.gz", "usr/share/doc/httpsms/changelog.gz",
                     "usr/share/doc/httpsms/docs/examples/nginx.conf", "usr/share/doc/httpsms/docs/images/path.svg",
                     "usr/share/doc/httpsms/openapi.json", "usr/share/bash-completion/completions/httpsms"]:
            self.assertIn(f"./{name}\n", listed)


if __name__ == "__main__":
    unittest.main()
