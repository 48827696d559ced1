"""Runs a command in a terminal, as a person does, and types one line.

Usage: terminal.py LINE COMMAND [ARGUMENT]...; prints what the terminal shows, and ends with the command's status.
"""

import os
import pty
import sys

child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
os.write(terminal, sys.argv[1].encode() + b"\n")
shown = b""
try:
    while piece := os.read(terminal, 4096):
        shown += piece
except OSError:  # What Linux says when the command has ended.
    pass
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.stdout.buffer.write(shown)
sys.exit(status)
