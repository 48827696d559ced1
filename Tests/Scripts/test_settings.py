"""How `httpsmsctl` reads the settings of the service. `python3 -m unittest discover Tests/Scripts` runs it."""

import subprocess
import tempfile
import unittest
from pathlib import Path

COMMAND = Path(__file__).resolve().parent.parent.parent / "Packaging/httpsmsctl"

# What is written, and the value that systemd reads from it (systemd.exec(5), EnvironmentFile=).
TABLE = [
    ("postgres://a@b/c?sslmode=verify-full&sslrootcert=/etc/ca.pem", "postgres://a@b/c?sslmode=verify-full&sslrootcert=/etc/ca.pem"),
    ('{"type": "service_account", "key": "a$b`c;d(e)|f>g<h*"}', '{"type": "service_account", "key": "a$b`c;d(e)|f>g<h*"}'),
    ("  spaces around, and within  ", "spaces around, and within"),
    (r'"say \"hi\" for \$5 or \`x\`, c:\new \\"', r'say "hi" for $5 or `x`, c:\new ' + "\\"),
    (r"'as \it is: $HOME \\'", r"as \it is: $HOME \\"),
    (r"a\&b\\c", r"a&b\c"),
    ("$(touch evil) `touch evil` ; touch evil", "$(touch evil) `touch evil` ; touch evil"),
    ("a=b=c", "a=b=c"),
    ("grüße 🔑", "grüße 🔑"),
    ("#no comment", "#no comment"),
    ("-n", "-n"),
    ("%s%d", "%s%d"),
    ("", ""),
]


class Settings(unittest.TestCase):
    def read(self, text, names):
        """The values of `names`, read by the part of the command that reads the settings; and what it says."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "httpsms.env")
            file.write_text(text)
            reading = COMMAND.read_text().split('if [ "$(id -u)"')[0]
            show = "\n".join(f'printf "%s\\0" "${{{name}-unset}}"' for name in names)
            run = subprocess.run(
                ["sh", "-c", f"{reading}\nread_settings\n{show}"], cwd=folder, capture_output=True, text=True, timeout=30,
                env={"PATH": "/usr/bin:/bin", "HTTPSMS_SETTINGS": str(file)})
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual([path.name for path in Path(folder).iterdir()], ["httpsms.env"])
            return run.stdout.split("\0")[:-1], run.stderr

    def test_values_are_read_as_systemd_reads_them(self):
        names = [f"NAME_{index}" for index in range(len(TABLE))]
        text = "".join(f"{name}={written}\n" for name, (written, _) in zip(names, TABLE))
        values, said = self.read(text, names)
        self.assertEqual(values, [value for _, value in TABLE])
        self.assertEqual(said, "")

    def test_comments_and_lines_without_a_sign_mean_nothing_and_the_last_line_needs_no_end(self):
        values, said = self.read("# A=1\n;A=2\n\n  # A=3\nnothing\n A = 4 \nB=5", ["A", "B"])
        self.assertEqual((values, said), (["4", "5"], ""))

    def test_what_is_no_name_is_told_and_passed_over(self):
        values, said = self.read("1BAD=x\nBAD-NAME=x\n=x\nGOOD=y\n", ["GOOD"])
        self.assertEqual(values, ["y"])
        self.assertEqual(len(said.splitlines()), 3)


if __name__ == "__main__":
    unittest.main()
