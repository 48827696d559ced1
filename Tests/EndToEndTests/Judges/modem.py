"""A modem that speaks AT commands, on a pseudo-terminal: as much as gammu asks of one.

modem.py LINK RECORD: puts a symbolic link to its terminal at LINK, and appends a line to RECORD for each SMS that it is given:
the number, and what was answered. A number that ends in 13 is refused with CMS ERROR 21; what goes to one that ends in 14 is
taken and never answered.
"""

import os
import re
import sys
import tty

ANSWERS = {
    "AT+CGMI": "Simulated",
    "AT+CGMM": "Modem",
    "AT+CGMR": "1.0",
    "AT+CGSN": "490154203237518",
    "AT+CIMI": "262011234567890",
    "AT+CSCA?": '+CSCA: "+491710760000",145',
    "AT+CSQ": "+CSQ: 20,0",
    "AT+CPMS=?": '+CPMS: ("ME"),("ME"),("ME")',
    "AT+CPMS?": '+CPMS: "ME",0,20,"ME",0,20,"ME",0,20',
    "AT+CMGF=?": "+CMGF: (0,1)",
    "AT+CREG?": '+CREG: 2,1,"0001","00000001"',
    "AT+CNMI=?": "+CNMI: (0-2),(0-3),(0-3),(0-2),(0,1)",
    "AT+CSCS?": '+CSCS: "GSM"',
    "AT+CSCS=?": '+CSCS: ("GSM","UCS2")',
    "AT+COPS?": '+COPS: 0,2,"26201"',
}
KNOWN = re.compile(r"AT(E1|\+(CMEE|CSCS|CMGF|CNMI|CMMS|CFUN|CLIP|CREG|CSMP|CSMS|CUSD)=.*)?$")


def number_of(pdu):
    """The recipient of a submitted SMS (3GPP TS 23.040, 9.2.2.2)."""
    raw = bytes.fromhex(pdu)
    start = 1 + raw[0]  # behind the number of the service centre
    count = raw[start + 2]
    digits = raw[start + 4 : start + 4 + (count + 1) // 2]
    return "".join("%x%x" % (byte & 15, byte >> 4) for byte in digits)[:count]


class Modem:
    def __init__(self, record):
        self.record = record
        self.port, self.other = os.openpty()
        tty.setraw(self.port)
        tty.setraw(self.other)
        self.reference = 0
        self.waits_for_pdu = False
        self.buffer = b""

    def say(self, text):
        os.write(self.port, text.encode())

    def note(self, number, answer):
        with open(self.record, "a") as file:
            file.write(f"{number} {answer}\n")

    def send(self, pdu):
        number = number_of(pdu)
        if number.endswith("13"):
            self.note(number, "refused")
            self.say("\r\n+CMS ERROR: 21\r\n")
            return
        self.reference = self.reference % 255 + 1
        self.note(number, self.reference)
        if not number.endswith("14"):
            self.say(f"\r\n+CMGS: {self.reference}\r\n\r\nOK\r\n")

    def command(self, command):
        self.say(command + "\r")  # gammu wants the echo
        if command.startswith("AT+CMGS="):
            self.waits_for_pdu = True
            self.say("\r\n> ")
        elif command.startswith("AT+CPMS="):
            self.say("\r\n+CPMS: 0,20,0,20,0,20\r\n\r\nOK\r\n")
        elif command in ANSWERS:
            self.say(f"\r\n{ANSWERS[command]}\r\n\r\nOK\r\n")
        else:
            self.say("\r\nOK\r\n" if KNOWN.match(command) else "\r\nERROR\r\n")

    def step(self):
        """Takes the next command, or the PDU of an SMS; False when it is not there as a whole."""
        if self.waits_for_pdu:
            end = re.search(rb"[\x1a\x1b]", self.buffer)
            if not end:
                return False
            pdu, self.buffer = self.buffer[: end.start()].strip().decode(), self.buffer[end.end() :]
            self.waits_for_pdu = False
            if end.group() == b"\x1a":
                self.send(pdu)
            else:
                self.say("\r\nOK\r\n")
            return True
        if b"\r" not in self.buffer:
            return False
        line, self.buffer = self.buffer.split(b"\r", 1)
        command = line.strip().decode(errors="replace")
        if command:
            self.command(command)
        return True

    def run(self):
        while True:
            self.buffer += os.read(self.port, 4096)
            while self.step():
                pass


link, record = sys.argv[1:]
modem = Modem(record)
os.symlink(os.ttyname(modem.other), link)
modem.run()
