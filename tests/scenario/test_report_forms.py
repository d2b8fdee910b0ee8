"""The same number in text, JSON, CSV, XLSX, PDF and HTML: every cell of the main table of the reports on enrolments."""
import csv
import datetime
import json
import re

import pytest
from openpyxl import load_workbook

from test_report_cost import ran  # noqa: F401 (a fixture)
from test_reports import Tables, pdf_text

pytestmark = pytest.mark.quick
CLOCK = "2027-01-10T09:00:00+07:00,x1"


def read(text):
    """What a person reads: the value and half a unit of its last digit. 3,66 % is 0.0366 to within 0.00005."""
    percent = text.endswith("%")
    plain = text.rstrip(" %").replace(".", "").replace(",", ".")
    digits = len(plain.split(".")[1]) if "." in plain else 0
    scale = 100 if percent else 1
    return float(plain) / scale, .5000001 * 10 ** -digits / scale


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


KINDS = [("experiment", "c"), ("attribution",), ("attribution", "--by", "channel,place"), ("attribution", "--by", "place"),
         ("target", "2026", "--on", "2026-12-31"), ("balance", "2026"), ("cost",), ("cost", "--by", "campaign"), ("cost", "c", "--by", "step")]


def test_every_number_is_the_same_in_six_forms(ran, data):  # noqa: F811
    for place, kind, value in (("100", "flow", "120"), ("101", "stock", "1200")):
        data.ok("target", "set", place, kind, "2026", value, "--on", "2026-01-10", "--document", "Nghị quyết 1", "--clock", CLOCK)
    for words in KINDS:
        try:
            compare(data, words)
        except AssertionError as fault:
            raise AssertionError(f"report {' '.join(words)}") from fault


def compare(data, words):
    files = {form: data.path(f"report.{form}") for form in ("txt", "json", "csv", "xlsx", "pdf", "html")}
    for path in files.values():
        data.ok("report", *words, "--output", path, "--lang", "vi", "--clock", CLOCK)
    with open(files["json"], encoding="utf-8") as file:
        document = json.load(file)
    rows = document["rows"]
    keys = [key for key in rows[0] if not key.endswith("_why")]
    assert rows and any(is_number(row[key]) for row in rows for key in keys)

    with open(files["csv"], encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows):
        for key in keys:
            if is_number(row[key]):
                assert float(line[key]) == row[key], key
            elif row[key] is None:
                assert line[key] == "", key

    cells = [[cell.value for cell in line] for line in load_workbook(files["xlsx"]).worksheets[0].iter_rows(max_col=len(keys))]

    def fits(line, row):
        for value, key in zip(line, keys):
            if is_number(row[key]) and not (is_number(value) and value == pytest.approx(row[key], rel=1e-14)):
                return False
            if isinstance(value, datetime.datetime) and value.strftime("%Y-%m-%d") != row[key]:
                return False
        return True

    start = next(i for i, line in enumerate(cells) if fits(line, rows[0]))
    assert all(fits(line, row) for line, row in zip(cells[start:], rows))

    page = Tables(open(files["html"], encoding="utf-8").read()).tables[0]
    body = [line for line in page if len(line) == len(keys)][-(len(rows) + bool(document.get("sum"))):]
    text, printed = open(files["txt"], encoding="utf-8").read(), pdf_text(files["pdf"], "-layout")
    for line, row in zip(body, rows):
        for shown, key in zip(line, keys):
            if not is_number(row[key]) or re.fullmatch(r"\d+", str(row[key])) and key in ("place_code", "campaign"):
                continue
            value, slack = read(shown)
            assert abs(value - row[key]) <= slack, (key, shown, row[key])
            assert re.search(rf"(?<![\d.,]){re.escape(shown)}(?![\d])", text) and re.search(rf"(?<![\d.,]){re.escape(shown)}(?![\d])", printed), (key, shown)
