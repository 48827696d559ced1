"""Writes Excel workbooks the way people's tools do, with openpyxl and XlsxWriter."""

import base64
import datetime
import io
import zipfile

import openpyxl
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from judge import run


def cell(value):
    """Dates come as {"date": "2026-11-25T10:00:00", "format": "..."}, times of day as {"time": "10:00"}, rich text as
    {"runs": [...]}, other values with a format as {"value": 42, "format": "00000"}."""
    if not isinstance(value, dict):
        return value
    if "runs" in value:
        return CellRichText(*(TextBlock(InlineFont(b=index % 2 == 0), run) for index, run in enumerate(value["runs"])))
    if "time" in value:
        return datetime.time.fromisoformat(value["time"])
    return datetime.datetime.fromisoformat(value["date"]) if "date" in value else value["value"]


def write(sheets, epoch1904=False, first=0, hidden=(), iso=False):
    """Each sheet is a list of rows, nil for one that is left out; sheet `first` is moved to the front. The sheets whose names
    are `hidden` are. With `iso`, dates are written as text of ISO 8601."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    workbook.iso_dates = iso
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
    for name in hidden:
        workbook[name].sheet_state = "hidden"
    workbook.move_sheet(workbook.sheetnames[first], -first)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def write_xlsxwriter(sheets, hidden=(), options=None):
    """As `write`; formulas are {"formula": "=1/0", "value": ...}, where the value is what came of it before."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **(options or {})}) as workbook:
        for name, rows in sheets:
            sheet = workbook.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for number, row in enumerate(rows):
                for column, value in enumerate(row or []):
                    put(workbook, sheet, number, column, value)
        visible = [sheet for sheet in workbook.worksheets() if sheet.get_name() not in hidden]
        visible[0].activate()
        visible[0].set_first_sheet()
    return base64.b64encode(buffer.getvalue()).decode()


def put(workbook, sheet, row, column, value):
    if value is None:
        return
    if not isinstance(value, dict):
        sheet.write(row, column, value)
    elif "runs" in value:
        bold = workbook.add_format({"bold": True})
        sheet.write_rich_string(row, column, *(part for run in value["runs"] for part in (bold, run)))
    elif "formula" in value:
        sheet.write_formula(row, column, value["formula"], None, value.get("value", 0))
    else:
        style = workbook.add_format({"num_format": value.get("format", "yyyy-mm-dd hh:mm:ss")})
        sheet.write(row, column, cell(value), style)


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


run({"write": write, "write_xlsxwriter": write_xlsxwriter, "bomb": bomb}, ValueError)
