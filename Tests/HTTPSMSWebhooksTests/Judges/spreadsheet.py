"""Writes Excel workbooks the way people's tools do, with openpyxl."""

import base64
import datetime
import io
import zipfile

import openpyxl
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from judge import run


def cell(value):
    """Dates come as {"date": "2026-11-25T10:00:00", "format": "..."}, rich text as {"runs": [...]}."""
    if not isinstance(value, dict):
        return value
    if "runs" in value:
        return CellRichText(*(TextBlock(InlineFont(b=index % 2 == 0), run) for index, run in enumerate(value["runs"])))
    return datetime.datetime.fromisoformat(value["date"])


def write(sheets, epoch1904=False, first=0):
    """Each sheet is a list of rows, nil for one that is left out; sheet `first` is moved to the front."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    if epoch1904:
        workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for name, rows in sheets:
        sheet = workbook.create_sheet(name)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row or [], 1):
                if value is None:
                    continue
                target = sheet.cell(number, column)
                target.value = cell(value)
                if isinstance(value, dict) and "format" in value:
                    target.number_format = value["format"]
    workbook.move_sheet(workbook.sheetnames[first], -first)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def bomb(megabytes):
    """A small file whose sheet is nothing but spaces, and many of them."""
    buffer = io.BytesIO(base64.b64decode(write([["One", [["x"]]]])))
    with zipfile.ZipFile(buffer) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    parts["xl/worksheets/sheet1.xml"] += b" " * (megabytes << 20)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name, data in parts.items():
            target.writestr(name, data)
    return base64.b64encode(buffer.getvalue()).decode()


run({"write": write, "bomb": bomb}, ValueError)
