"""Places change: whole lists one after the other, what they leave open, and figures across the change."""
import os

import pytest

from rig.build import START, campaign, outbox_channel, people, step

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


def reached(data, on, *args):
    made = data.json(*NOW, "report", "place", *(("--places-on", on) if on else ()), *args)
    return {row["place"].split(" (")[0]: (row["contacts"], row["people"]) for row in made["rows"]}, made["sum"]


def test_a_report_by_place_goes_forward_and_back(ready, made):
    history(ready)
    for old, new, *share in (("02", "05"), ("03", "05"), ("04", "05", "--share", "0.6"), ("04", "06", "--share", "0.4")):
        ready.ok("place", "link", old, new, "--since", "2025-07-01", *share)
    where = [("01@2022-06-01", 3), ("02@2022-06-01", 2), ("03@2022-06-01", 1), ("04@2022-06-01", 10), ("05@2026-01-01", 4), ("06@2026-01-01", 5)]
    codes = [code for code, count in where for _ in range(count)]
    made.init(outbox_channel(price=100), contacts=people(len(codes), place=lambda n: codes[n - 1]))
    made.start(campaign(steps=[step(channel="outbox")]))
    ready.until_idle("--clock", START + ",x1000")
    asked = {on: reached(ready, on) for on in (None, "2022-06-01", "2026-06-01")}
    for on, (rows, total) in asked.items():
        assert sum(contacts for contacts, _ in rows.values()) == 25 == total["contacts"], on
        assert sum(people_ for _, people_ in rows.values()) == 25 == total["people"], on
    assert asked[None][0] == {"Xã Đông": (3, 3), "Xã Tây": (2, 2), "Xã Nam": (1, 1), "Xã Bắc": (10, 10), "Xã Hợp": (4, 4), "Xã Sáu": (5, 5)}
    assert asked["2026-06-01"][0] == {"Phường Đông": (3, 3), "Xã Hợp": (13, 13), "Xã Sáu": (9, 9)}
    # Xã Sáu came of Xã Bắc alone; Xã Hợp was put together, so it keeps its row, with the old names.
    assert asked["2022-06-01"][0] == {"Xã Đông": (3, 3), "Xã Tây": (2, 2), "Xã Nam": (1, 1), "Xã Bắc": (15, 15), "Xã Hợp": (4, 4)}
    cost = {row["place"].split(" (")[0]: row["cost"] for row in ready.json(*NOW, "report", "cost", "--by", "place", "--places-on", "2026-06-01")["rows"]}
    assert cost == {"Phường Đông": 300, "Xã Hợp": 1300, "Xã Sáu": 900}
    text = ready.ok(*NOW, "report", "place", "--places-on", "2022-06-01").out
    assert "Xã Hợp (Xã Tây, Xã Nam, Xã Bắc)" in text and "01/06/2022" in text
    # All of it lay in one old district, also what was put together later.
    assert reached(ready, "2022-06-01", "--level", "district")[0] == {"Huyện Một": (25, 25)}
    assert ready.run("report", "place", "--places-on", "gestern").code == 1


@pytest.mark.skipif(not os.path.isdir(SHARED), reason="the shared data are not at hand")
def test_a_province_before_and_after_two_reforms(ready, made):
    lists = [("places-2022-bac-giang.csv", "2022-01-01"), ("places-2025h1-bac-giang-bac-ninh.csv", "2025-01-01"), ("places-2025h2-bac-ninh.csv", "2025-07-01")]
    ready.ok("place", "history", *(f"{SHARED}/{name}@{day}" for name, day in lists),
             "--succession", f"{SHARED}/places-succession-2025-07-01.csv@2025-07-01")
    codes = [code for code, in ready.sql("SELECT code FROM place WHERE level = 'commune' AND valid_from = '2022-01-01' ORDER BY id")]
    assert len(codes) == 209
    made.init(outbox_channel(), contacts=people(2 * 209, place=lambda n: f"{codes[(n - 1) % 209]}@2022-06-01"))
    made.start(campaign(steps=[step(channel="outbox")]))
    ready.until_idle("--clock", START + ",x1000")
    told = {on: ready.json(*NOW, "report", "place", "--level", "commune", "--places-on", on) for on in ("2022-06-01", "2025-03-01", "2026-06-01")}
    for on, made_ in told.items():
        assert made_["sum"]["contacts"] == made_["sum"]["people"] == 2 * 209 == sum(row["contacts"] for row in made_["rows"]), on
    assert len(told["2022-06-01"]["rows"]) == 209
    # Under the 99 of today: the 58 of old Bắc Giang, and those 24 whose succession no list tells, each by its own name.
    standing = {row["code"] for row in ready.rows("place", "list", "--on", "2026-06-01") if row["level"] == "commune"}
    gone = {row["name"] for row in ready.rows("place", "unmatched")}
    assert len(standing) == 99 and len(gone) == 24
    rest = [row for row in told["2026-06-01"]["rows"] if row["place"].split(" (")[0] not in gone]
    assert all(row["place_code"] in standing for row in rest) and len(rest) <= 58
    assert len(told["2026-06-01"]["rows"]) - len(rest) <= 24
