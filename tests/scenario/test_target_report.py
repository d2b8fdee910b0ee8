"""Targets against what was reached, and the balance, as reports."""
import pytest

pytestmark = pytest.mark.quick
NOW = ("--clock", "2026-07-01T09:00:00+07:00")
PLACES = """code,name,level,parent,valid_from,valid_to
24,Tỉnh A,province,,1997-01-01,
24101,Xã Một,commune,24,2025-07-01,
24102,Xã Hai,commune,24,2025-07-01,
24103,Xã Ba,commune,24,2025-07-01,
24001,Xã Cũ,commune,24,1997-01-01,2025-07-01
"""


def events(rows):
    return "person_id,event,event_date,place_code\n" + "".join(f"02418{n:07d},{event},{day},{place}\n" for n, event, day, place in rows)


@pytest.fixture
def ready(data):
    data.ok("init")
    data.ok("place", "import", data.write("places.csv", PLACES))
    data.ok("place", "import", data.write("s.csv", "old_code,new_code,since,share\n24001,24101,2025-07-01,0.6\n24001,24102,2025-07-01,0.4\n"), "--successors")
    rows, n = [], 0
    for month in range(1, 13):  # 10 a month in Xã Một; 9 and 11 in turn in Xã Hai, one of whom leaves
        day = f"{2025 if month > 6 else 2026}-{month:02d}-05"
        for place, count in (("24101", 10), ("24102", 9 + 2 * (month % 2))):
            for _ in range(count):
                rows.append((n, "new", day, place))
                n += 1
        rows.append((n - 1, "lapsed", day[:8] + "20", "24102"))
    assert data.json(*NOW, "enrolment", "import", data.write("e.csv", events(rows)))["rejected"] == 0
    return data


def set_target(data, code, kind, period, value, on="2026-01-10"):
    data.ok("target", "set", code, kind, period, str(value), "--on", on, "--document", "NQ 1")


def report(data, *args):
    return {(row["place_code"], row["kind"]): row for row in data.json(*NOW, "target", "report", *args)["rows"]}


def test_pace_gap_and_forecast(ready):
    set_target(ready, "24101", "stock", "2026", 200)
    set_target(ready, "24101", "stock", "2026", 180, "2026-05-01")
    set_target(ready, "24102", "flow", "2026", 100)
    rows = report(ready)
    one = rows["24101", "stock"]
    assert (one["assigned"], one["target"], one["start"], one["reached"], one["gap"]) == (200, 180, 60, 120, 60)
    assert one["of_assigned"] == pytest.approx(0.6) and one["of_target"] == pytest.approx(2 / 3)
    assert one["expected"] == round(60 + 120 * 182 / 365) and one["pace"] == 120 - one["expected"]
    # 10 a month for the 183 days left; phi is 1 where months scatter less than chance:
    left = 183 / (365.2425 / 12)
    reach = 2.200985 * (10 * (left + left * left / 12)) ** 0.5
    assert one["forecast"] == round(120 + 10 * left)
    assert (one["forecast_low"], one["forecast_high"]) == (round(120 + 10 * left - reach), round(120 + 10 * left + reach))
    flow = rows["24102", "flow"]
    assert flow["reached"] == 60 and flow["forecast_low"] >= 60
    shown = ready.json(*NOW, "target", "show", "24101")["rows"]
    assert [row["place"] for row in shown] == ["Xã Một"]
    same = ready.json(*NOW, "report", "target", "2026", "--kind", "stock")["rows"]
    assert [row["forecast"] for row in same] == [one["forecast"]]


def test_no_forecast_from_little(ready):
    set_target(ready, "24103", "stock", "2026", 50)
    ready.ok(*NOW, "enrolment", "import", ready.write("f.csv", events([(900000, "new", "2026-04-02", "24103")])))
    row = report(ready)["24103", "stock"]
    assert row["forecast"] is None and "6 full months" in row["forecast_why"]


def test_rank_is_shared_when_chance_could_swap(ready):
    set_target(ready, "24101", "stock", "2026", 200)  # 120 of 200
    set_target(ready, "24102", "stock", "2026", 190)  # 108 of 190: chance
    set_target(ready, "24103", "stock", "2026", 100)  # 0 of 100: surely behind
    ranks = {code: row["rank"] for (code, _), row in report(ready).items()}
    assert ranks == {"24101": 1, "24102": 1, "24103": 3}


def test_a_target_of_a_place_that_is_gone_is_shared_out(ready):
    set_target(ready, "24001", "stock", "2026", 101, "2025-01-10")
    set_target(ready, "24102", "stock", "2026", 70)
    rows = report(ready)
    assert (rows["24101", "stock"]["assigned"], rows["24101", "stock"]["target"]) == (61, 61)
    assert (rows["24102", "stock"]["assigned"], rows["24102", "stock"]["target"]) == (40, 70)


@pytest.mark.parametrize("form", ["xlsx", "pdf", "html"])
def test_forms(ready, form):
    set_target(ready, "24101", "stock", "2026", 200)
    ready.ok(*NOW, "report", "target", "--output", ready.path("t." + form))
    ready.ok(*NOW, "report", "balance", "2026-01-01..2026-06-30", "--output", ready.path("b." + form))
    with open(ready.path("t." + form), "rb") as file:
        head = file.read()
    assert len(head) > 2000
    if form == "html":
        assert "Xã Một" in head.decode() and "<svg" in head.decode()


def test_the_balance_adds_up_or_names_who_breaks_it(ready):
    told = ready.json(*NOW, "report", "balance", "2026-01-01..2026-06-30")
    rows = {row["place"]: row for row in told["rows"]}
    assert (rows["Xã Hai"]["start"], rows["Xã Hai"]["new"], rows["Xã Hai"]["lapsed"], rows["Xã Hai"]["end"]) == (54, 60, 6, 108)
    assert told["sum"]["end"] == 228
    whole = ready.json(*NOW, "report", "balance", "2026-01-01..2026-06-30", "--level", "province")["rows"]
    assert [(row["place"], row["end"]) for row in whole] == [("Tỉnh A", 228)]
    ready.ok(*NOW, "enrolment", "import", ready.write("bad.csv", events([(0, "new", "2026-02-02", "24101"), (900001, "lapsed", "2026-03-03", "24101")])))
    refused = ready.run(*NOW, "report", "balance", "2026")
    assert refused.code == 1 and "2 events" in refused.err and "joins while participating already" in refused.err and "2026-03-03" in refused.err
    set_target(ready, "24101", "stock", "2026", 200)
    assert "names them" in ready.run(*NOW, "target", "report").err
