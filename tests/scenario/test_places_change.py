"""Places change: whole lists one after the other, what they leave open, and figures across the change."""
import os

import pytest

pytestmark = pytest.mark.quick
SHARED = os.environ.get("LANTOA_SHARED_DATA") or os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared", "data")
NOW = ("--clock", "2026-11-23T09:00:00+07:00")
OLD = """code,name,level,parent
24,Tỉnh A,province,
241,Huyện Một,district,24
01,Xã Đông,commune,241
02,Xã Tây,commune,241
03,Xã Nam,commune,241
04,Xã Bắc,commune,241
"""
NEW = """code,name,level,parent
24,Tỉnh A,province,
01,Phường Đông,commune,24
03,Xã Khác,commune,24
05,Xã Hợp,commune,24
06,Xã Sáu,commune,24
"""


def history(data, *args):
    return data.json("place", "history", f"{data.write('old.csv', OLD)}@2022-01-01", f"{data.write('new.csv', NEW)}@2025-07-01", *args)["rows"]


@pytest.fixture
def ready(data):
    data.ok("init")
    return data


def test_what_a_list_no_longer_names_is_ended_linked_or_told(ready):
    rows = history(ready)
    assert [(row["ended"], row["linked"], row["unmatched"]) for row in rows] == [(0, 0, 0), (3, 1, 3)]
    gaps = {row["name"]: row for row in ready.rows("place", "unmatched")}
    assert set(gaps) == {"Xã Tây", "Xã Nam", "Xã Bắc"}  # Xã Đông is Phường Đông; a code alone links nothing
    assert gaps["Xã Nam"]["hint"] == "03 Xã Khác" and gaps["Xã Nam"]["ended"] == "2025-07-01"
    assert [row["unmatched"] for row in history(ready)] == [0, 3]  # again: nothing changes
    assert {row["name"] for row in ready.rows("place", "list")} == {"Tỉnh A", "Phường Đông", "Xã Khác", "Xã Hợp", "Xã Sáu"}


def test_links_by_hand(ready):
    history(ready)
    assert ready.json("place", "link", "02", "05", "--since", "2025-07-01")["changed"]
    assert not ready.json("place", "link", "02", "05", "--since", "2025-07-01")["changed"]
    ready.ok("place", "link", "04", "05", "--since", "2025-07-01", "--share", "0.6")
    ready.ok("place", "link", "04", "06", "--since", "2025-07-01", "--share", "0.4")
    gaps = {row["name"]: (row["state"], row["share_sum"]) for row in ready.rows("place", "unmatched")}
    assert gaps == {"Xã Nam": ("unmatched", None), "Xã Bắc": ("split", 1)}
    assert "share" in ready.run("place", "link", "03", "05", "--since", "2025-07-01", "--share", "1.5").err
    assert ready.run("place", "link", "99", "05", "--since", "2025-07-01").code == 1
    assert "FILE@" in ready.run("place", "history", ready.path("old.csv")).err


def balance(data, on):
    rows = data.rows(*NOW, "enrolment", "balance", "2022-01-01", "2026-11-22", "--places-on", on)
    names = {str(row["id"]): (row["code"], row["valid_from"][:4]) for row in data.rows("place", "list", "--all")}
    return {names.get(str(row["place"]), "sum"): row["end"] for row in rows}


def test_sums_are_equal_under_any_places(ready):
    history(ready)
    ready.ok("place", "link", "02", "05", "--since", "2025-07-01")
    ready.ok("place", "link", "03", "05", "--since", "2025-07-01")
    ready.ok("place", "link", "04", "05", "--since", "2025-07-01", "--share", "0.6")
    ready.ok("place", "link", "04", "06", "--since", "2025-07-01", "--share", "0.4")
    lines = ["person_id,event,event_date,place_code"]
    for n, (place, day) in enumerate([("01", "2022-05-01")] * 3 + [("02", "2022-05-01")] * 2 + [("03", "2022-05-01")]
                                     + [("04", "2022-05-01")] * 10 + [("05", "2026-05-01")] * 4 + [("06", "2026-05-01")] * 5):
        lines.append(f"0241800{n:05d},new,{day},{place}")
    assert ready.json(*NOW, "enrolment", "import", ready.write("e.csv", "\n".join(lines) + "\n"))["added"] == 25
    assert balance(ready, "2026-01-01") == {("01", "2025"): 3, ("05", "2025"): 2 + 1 + 6 + 4, ("06", "2025"): 4 + 5, "sum": 25}
    # Back: 06 came of 04 alone; 05 was put together, so its people stay under it.
    assert balance(ready, "2022-06-01") == {("01", "2022"): 3, ("02", "2022"): 2, ("03", "2022"): 1, ("04", "2022"): 15, ("05", "2025"): 4, "sum": 25}


@pytest.mark.skipif(not os.path.isdir(SHARED), reason="the shared data are not at hand")
def test_the_province_from_209_to_192_to_99(ready):
    lists = [("places-2022-bac-giang.csv", "2022-01-01"), ("places-2025h1-bac-giang-bac-ninh.csv", "2025-01-01"), ("places-2025h2-bac-ninh.csv", "2025-07-01")]
    told = ready.json("place", "history", *(f"{SHARED}/{name}@{day}" for name, day in lists),
                      "--succession", f"{SHARED}/places-succession-2025-07-01.csv@2025-07-01")["rows"]
    assert [row["rejected"] for row in told] == [0, 0, 0] and [row["unmatched"] for row in told] == [0, 24, 0]
    for day, provinces, communes in (("2022-06-01", 1, 209), ("2025-03-01", 2, 313), ("2026-06-01", 1, 99)):
        rows = ready.rows("place", "list", "--on", day)
        assert sum(row["level"] == "commune" for row in rows) == communes
        assert sum(row["level"] == "province" for row in rows) == provinces
    # 54 of 209 bear another code or name: 30 are found by name, 24 are told. Nothing is lost.
    unmatched = ready.rows("place", "unmatched")
    assert len(unmatched) == 24 and all(row["ended"] == "2025-01-01" for row in unmatched)
    assert ready.sql("SELECT COUNT(*) FROM place p WHERE level = 'commune' AND valid_to IS NOT NULL AND NOT EXISTS "
                     "(SELECT 1 FROM place_successor s WHERE s.place_id = p.id)")[0][0] == 24
