"""Made the files of this folder, with LibreOffice 7.4 of Debian 12: openpyxl writes what a person would type, and LibreOffice
calculates it and saves it. The tests read the files; LibreOffice is too large to install for each run of them.

    apt-get install libreoffice-calc
    .build/venv/bin/python Tests/Spreadsheets/make.py Tests/Spreadsheets
"""

import datetime
import pathlib
import subprocess
import sys
import tempfile

import openpyxl

NAMES = ["FromPhoneNumber", "ToPhoneNumber", "Content", "SendTime(optional)", "AttachmentURLs(optional)", "Note"]
SENDER = 18005550199

# Content and its number format; what the cell shows is in the tests.
SHOWN = [
    ("Grüße, \"you\"\nthere", None), (1.1, None), ("=0.1+0.2", None), (42, "00000"), (1234.5, "#,##0.00"),
    (0.07, "0%"), (0.1234, "0.00%"), (1234.5, '[$$-409]#,##0.00'), (9.9, '#,##0.00 [$€-407]'), (3, '0 "pieces"'),
    (-5, "#,##0;(#,##0)"), ('="Hello "&"you"', None), (True, None), (12345, None),
]
# Content and a time of which none can be sent.
WRONG = [
    ("=1/0", None), ("=NA()", None), (1234.5, "0.00E+00"), (0.5, "# ?/?"),
    (datetime.datetime(2026, 11, 28, 10), "yyyy-mm-dd"), ("Hi", datetime.time(10)), ("Hi", "=1/0"),
    ("Hi", datetime.datetime(1999, 1, 1)),
]


def book(rows, before=()):
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name in before:
        sheet = workbook.create_sheet(name)
        sheet.append(NAMES)
        sheet.append([SENDER, 18005550111, "not this one"])
        sheet.sheet_state = "hidden"
    sheet = workbook.create_sheet("Messages")
    sheet.append(NAMES)
    for index, (content, extra) in enumerate(rows):
        sheet.append([SENDER, 18005550100 + index, content])
        if isinstance(extra, str) and not extra.startswith("="):
            sheet.cell(sheet.max_row, 3).number_format = extra
        elif extra is not None:
            sheet.cell(sheet.max_row, 4).value = extra
    workbook.active = len(before)
    return workbook


def save(folder, workbook, target, kind):
    with tempfile.TemporaryDirectory() as scratch:
        source = pathlib.Path(scratch, "in", pathlib.Path(target).with_suffix(".xlsx"))
        source.parent.mkdir()
        workbook.save(source)
        subprocess.run(
            ["soffice", f"-env:UserInstallation=file://{scratch}/profile", "--headless", "--convert-to", kind, "--outdir",
             folder, source], check=True, capture_output=True)


def main(folder):
    # 44 is a comma, 59 a semicolon, 9 a tab; 34 a quote; 76 is UTF-8, 1 Windows-1252, 65535 UTF-16.
    text = "csv:Text - txt - csv (StarCalc):{},34,{},1,,0,false,true"
    save(folder, book(SHOWN), "shown.xlsx", "xlsx:Calc MS Excel 2007 XML")
    save(folder, book(WRONG), "wrong.xlsx", "xlsx:Calc MS Excel 2007 XML")
    save(folder, book([("this one", None)], before=["Old", "Older"]), "hidden.xlsx", "xlsx:Calc MS Excel 2007 XML")
    save(folder, book(SHOWN), "commas.csv", text.format(44, 76))
    save(folder, book(SHOWN), "semicolons.csv", text.format(59, 76))
    save(folder, book(SHOWN), "tabs.csv", text.format(9, 76))
    save(folder, book(SHOWN), "windows1252.csv", text.format(59, 1))
    save(folder, book(SHOWN), "utf16.csv", text.format(9, 65535))
    save(folder, book(WRONG), "wrong.csv", text.format(44, 76))


main(sys.argv[1])
