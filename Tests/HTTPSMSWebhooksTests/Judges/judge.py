"""What every judge shares: a JSON request on standard input, or in the file that is named, a JSON answer on standard
output, a clock set by the test.

An answer is {"accepted": value} or {"refused": "NameOfTheException"}; anything else that goes wrong ends the process
with a traceback, and the test with it.
"""

import datetime
import json
import sys


def clock(seconds):
    """A datetime class that believes it is `seconds` after 1970, to put in place of the one a library imported."""

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(seconds, tz=tz)

    return Clock


def run(actions, refusals):
    """Answers one request with the function that its "action" names; `refusals` are the exceptions that mean no."""
    source = open(sys.argv[1], "rb") if len(sys.argv) > 1 else sys.stdin.buffer
    request = json.loads(source.read())
    action = actions[request.pop("action")]
    try:
        answer = {"accepted": action(**request)}
    except refusals as error:
        answer = {"refused": type(error).__name__}
    json.dump(answer, sys.stdout)
