"""Imports from XLSX workbooks, and workbooks that are none."""
import csv
import datetime

import pytest

from rig.workbook import workbook

pytestmark = pytest.mark.quick
HEAD = ["Họ và tên", "Số điện thoại", "Ngày sinh", "CCCD", "điểm"]


def count(data, expression):
    return data.json("segment", "count", expression)["count"]


@pytest.mark.parametrize("since_1904", [False, True])
@pytest.mark.parametrize("inline", [False, True])
def test_contacts_from_a_workbook(data, since_1904, inline):
    data.ok("init")
    rows = [HEAD, ["Nguyễn Thị\nHoà", 912345678, datetime.date(1980, 2, 1), 24180000001, 2.5],
            None, ["Trần \"Nam\"", "0913 333 333", datetime.datetime(1985, 3, 4, 0, 0), "024185000002", 3]]
    told = data.json("contact", "import", data.write("a.xlsx", workbook(rows, since_1904=since_1904, inline=inline)))
    assert (told["rows"], told["added"], told["rejected"], told["kept_with_faults"]) == (2, 2, 0, 0)
    assert count(data, "phone = '+84912345678' and birth_date = '1980-02-01' and person_id = '024180000001' and diem = 2.5") == 1
    assert count(data, "birth_date = '1985-03-04' and name ~ 'tran \"nam\"'") == 1


def test_rejects_name_the_row_of_the_sheet(data):
    data.ok("init")
    rows = [["Mã", "phone"], ["a", "12"], None, None, ["b", "0912345678"], ["c", "13"], ["d", "=A1"]]
    told = data.json("contact", "import", data.write("a.xlsx", workbook(rows, first_row=3)), "--rejects", data.path("r.csv"))
    assert told["added"] == 4
    with open(data.path("r.csv"), encoding="utf-8-sig", newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["4", "8"]


def test_bombs_and_broken_workbooks_are_refused(data):
    data.ok("init")
    good = [["ref", "name"], ["a", "An"]]
    entity = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;">]><worksheet><sheetData><row r="1"><c><v>&y;</v></c></row></sheetData></worksheet>'
    cases = {
        "ratio": (workbook(good, parts={"xl/worksheets/sheet1.xml": "<worksheet>" + " " * 40_000_000 + "</worksheet>"}), "bomb"),
        "parts": (workbook(good, parts={f"x/{i}": "" for i in range(2100)}), "2000 parts"),
        "entity": (workbook(good, parts={"xl/worksheets/sheet1.xml": entity}), "document type"),
        "order": (workbook(good, parts={"xl/worksheets/sheet1.xml": '<worksheet><sheetData><row r="2"/><row r="1"/></sheetData></worksheet>'}), "not in order"),
        "string": (workbook(good, parts={"xl/sharedStrings.xml": "<sst/>"}), "row 1: a text"),
        "xml": (workbook(good, parts={"xl/worksheets/sheet1.xml": "<worksheet><row>"}), "sheet1.xml, line 1"),
        "column": (workbook(good, parts={"xl/worksheets/sheet1.xml": '<worksheet><row r="1"><c r="ZZZ1"><v>1</v></c></row></worksheet>'}), "1024 columns"),
        "cell": (workbook(good, parts={"xl/worksheets/sheet1.xml": f'<worksheet><row r="1"><c r="A1" t="str"><v>{"ab" * 40000}</v></c></row></worksheet>'}), "64 KiB"),
        "rows": (workbook(good, parts={"xl/worksheets/sheet1.xml": '<worksheet><row r="99999999"><c r="A1"><v>1</v></c></row></worksheet>'}), "1048576 rows"),
        "half": (workbook(good)[:-40], "damaged"),
        "none": (workbook(good, parts={"xl/workbook.xml": "<workbook/>"}), "visible sheet"),
    }
    for name, (content, words) in cases.items():
        told = data.run("contact", "import", data.write(f"{name}.xlsx", content))
        assert told.code == 1 and words in told.err, (name, told.err)
    assert count(data, "all") == 0
