"""What the list of failed tests holds. `python3 -m unittest discover Tests/Scripts` runs it."""

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent.parent / "Scripts" / "failed-tests"
SUITE = "DeliveryTests.RetryTests"
PASSES = f"{SUITE}/passes()/RetryTests.swift:3:6"
FAILS = f"{SUITE}/fails(_:also:)/RetryTests.swift:9:6"


def event(kind, test, symbol="pass"):
    return {"kind": "event", "payload": {"kind": kind, "testID": test, "messages": [{"symbol": symbol, "text": ""}]}}


class FailedTests(unittest.TestCase):
    def run_script(self, lines, *arguments):
        with tempfile.NamedTemporaryFile("w") as file:
            file.writelines(line + "\n" for line in lines)
            file.flush()
            done = subprocess.run([sys.executable, SCRIPT, *arguments, file.name], capture_output=True, text=True)
        return done.returncode, done.stdout

    def failed(self, *events):
        return self.run_script(map(json.dumps, events))

    def test_functions_that_failed_are_listed_and_suites_are_not(self):
        status, output = self.failed(
            {"kind": "test", "payload": {"kind": "function", "id": PASSES}},
            event("runStarted", None) | {"payload": {"kind": "runStarted", "messages": []}},
            event("testStarted", SUITE), event("testStarted", PASSES), event("testStarted", FAILS),
            event("issueRecorded", FAILS, "fail"), event("testEnded", PASSES), event("testEnded", FAILS, "fail"),
            event("testEnded", SUITE, "fail"))
        self.assertEqual((status, output), (0, FAILS + "\n"))

    def test_a_process_that_ended_by_itself_is_no_list_of_tests(self):
        self.assertEqual(self.failed(event("testStarted", FAILS))[0], 1)
        self.assertEqual(self.failed(event("testStarted", PASSES), event("testEnded", FAILS, "fail"))[0], 1)
        self.assertEqual(self.failed()[0], 1)

    def test_the_pattern_fits_the_tests_of_the_list_only(self):
        status, output = self.run_script([FAILS], "--pattern")
        self.assertEqual(status, 0)
        self.assertTrue(re.search(output.strip(), FAILS))
        self.assertFalse(re.search(output.strip(), PASSES))


if __name__ == "__main__":
    unittest.main()
