"""Targets of places: periods, revisions with their documents, places that are gone."""
import csv

import pytest

pytestmark = pytest.mark.quick
PLACES = """code,name,level,parent,valid_from,valid_to
24,Tỉnh A,province,,1997-01-01,
241,Huyện Lục Ngạn,district,24,1997-01-01,2025-07-01
24101,Xã Cũ,commune,241,1997-01-01,2025-07-01
24109,Xã Tan,commune,241,1997-01-01,2025-07-01
24102,Xã Mới,commune,24,2025-07-01,
"""


@pytest.fixture
def ready(data):
    data.ok("init")
    data.ok("place", "import", data.write("places.csv", PLACES))
    data.ok("place", "import", data.write("s.csv", "old_code,new_code,since\n24101,24102,2025-07-01\n"), "--successors")
    return data


def test_a_revision_keeps_what_was_assigned(ready):
    ready.ok("target", "set", "24102", "stock", "2026", "5000", "--on", "2026-01-15", "--document", "NQ 12/2026")
    ready.ok("target", "set", "24102", "flow", "2026-04-01..2026-05-31", "580", "--on", "2026-03-01", "--document", "KH 5")
    ready.ok("target", "set", "24102", "stock", "2026", "5200", "--on", "2026-07-20", "--document", "QĐ 99/2026")
    rows = ready.json("target", "list", "--on", "2026-12-31")["rows"]
    assert [(row["value"], row["assigned"], row["revisions"], row["document"]) for row in rows] == [(5200, 5000, 1, "QĐ 99/2026")]
    assert len(ready.json("target", "list", "--history")["rows"]) == 3
    assert ready.json("target", "set", "24102", "stock", "2026", "5200", "--on", "2026-07-20", "--document", "QĐ 99/2026")["added"] is False
    again = ready.run("target", "set", "24102", "stock", "2026", "5300", "--on", "2026-07-20", "--document", "x")
    assert again.code == 1 and "already sets 5200" in again.err


def test_a_place_that_is_gone_names_its_successor(ready):
    told = ready.run("target", "set", "24101", "stock", "2026", "100", "--on", "2026-01-15", "--document", "d")
    assert told.code == 1 and "Xã Cũ (24101) stands no longer since 2025-07-01" in told.err and "Xã Mới (24102)" in told.err
    assert "no successor is known" in ready.run("target", "set", "24109", "stock", "2026", "1", "--on", "2026-01-15", "--document", "d").err
    # A target decided while it stood is history, and stays.
    ready.ok("target", "set", "24101", "stock", "2025", "100", "--on", "2025-01-15", "--document", "d")


def test_import_with_rejects(ready):
    text = ("place_code,kind,period,value,decided_on,document\n24102,stock,2026,5000,15/01/2026,NQ 12\n24102,flow,2026-Q3,300,2026-06-01,KH\n"
            "24101,stock,2026,10,2026-01-15,NQ\n24102,total,2026,10,2026-01-15,NQ\n24102,stock,2026-13,10,2026-01-15,NQ\n"
            "24102,stock,2027,-1,2026-01-15,NQ\n24102,stock,2027,1,soon,NQ\n24102,stock,2027,1,2026-01-15,\n24102,stock,2026,4000,2026-01-15,NQ\n")
    told = ready.json("target", "import", ready.write("t.csv", text), "--rejects", ready.path("r.csv"))
    assert (told["added"], told["rejected"]) == (2, 7)
    with open(ready.path("r.csv"), encoding="utf-8-sig", newline="") as file:
        fields = {row["line"]: row["field"] for row in csv.DictReader(file)}
    assert fields == {"4": "place_code", "5": "kind", "6": "period", "7": "value", "8": "decided_on", "9": "document", "10": "value"}
    quarter = [row for row in ready.json("target", "list")["rows"] if row["kind"] == "flow"][0]
    assert (quarter["from"], quarter["to"]) == ("2026-07-01", "2026-09-30")
    assert ready.json("target", "import", ready.path("t.csv"))["unchanged"] == 2
