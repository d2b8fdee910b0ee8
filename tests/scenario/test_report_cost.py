"""What campaigns cost, and the three numbers side by side: recorded, attributed, caused; never mixed."""
import csv
import json
import math
import random

import pytest
from openpyxl import load_workbook

from rig.build import campaign, outbox_channel, people, step
from test_reports import Tables, number, pdf_text

pytestmark = pytest.mark.quick
AFTER = ("--clock", "2027-01-10T09:00:00+07:00")
PLACES = "code,name,level,parent,valid_from\n24,Tỉnh Bắc Ninh,province,,2020-01-01\n100,Xã Một,commune,24,2020-01-01\n101,Xã Hai,commune,24,2020-01-01\n"


@pytest.fixture
def ran(made, data):
    """1,200 people of two communes; campaign c by two channels with a lot, campaign d by one without; enrolments planted."""
    draw = random.Random(5)
    made.init(outbox_channel("sms", price=500), outbox_channel("letters", price=12000))
    data.ok("place", "import", data.write("p.csv", PLACES))
    made.contacts(people(1200, person_id=lambda n: f"0240000{n:05}", place_code=lambda n: 100 + n % 2))
    made.start(campaign(steps=[step("mot", channel="sms"), step("hai", channel="letters", when={"at": "2026-12-02T08:00"})],
                        holdout={"percent": 40}))
    made.start(campaign("d", steps=[step("ba", channel="sms", when={"at": "2026-12-20T08:00"})]))
    data.until_idle("--clock", "2026-12-01T08:00:00+07:00,x1000000")
    lines = []
    for number_, out in data.sql("SELECT CAST(substr(c.ref, 2) AS INTEGER), m.reason = 25 FROM message m JOIN contact c "
                                 "ON c.id = (m.id >> 4) & 274877906943 JOIN step s ON s.id = m.id >> 43 WHERE s.name = 'mot'"):
        if draw.random() < (.05 if out else .2):
            lines.append(f"0240000{number_:05},new,2026-12-{draw.randint(3, 9):02},{100 + number_ % 2},1500000,12,12,other")
    data.ok(*AFTER, "enrolment", "import", data.write("e.csv", "person_id,event,event_date,place_code,income,months,method,group\n" + "\n".join(lines) + "\n"))
    return len(lines)


def cost(data, *args):
    made = data.json(*AFTER, "report", "cost", *args)
    return made["rows"], {key: one["rows"] for key, one in made["tables"].items()}, made


def test_every_axis_adds_up_to_what_the_ledger_booked(ran, data):
    booked, messages = data.sql("SELECT sum(minor), count(minor) FROM message")[0]
    assert booked and messages
    by = {axis: cost(data, "--by", axis) for axis in ("channel", "step", "campaign", "theme", "place")}
    for axis, (rows, tables, made) in by.items():
        assert sum(row["cost"] for row in rows) == booked == made["sum"]["cost"], axis
        assert sum(row["messages"] for row in rows) == messages, axis
        assert sum(row["cost_share"] for row in rows) == pytest.approx(1), axis
        for row in rows:
            if row["attributed"]:
                assert row["cost_per_attributed"] == pytest.approx(row["cost"] / row["attributed"])
        assert {row["number"]: row["enrolments"] for row in tables["numbers"]}["recorded"] == ran
    assert {row["name"]: row["cost"] for row in by["channel"][0]} == {
        name: minor for name, minor in data.sql("SELECT c.name, sum(m.minor) FROM message m JOIN step s ON s.id = m.id >> 43 JOIN channel c ON c.id = s.channel_id GROUP BY 1")}
    places = {row["place_code"]: row for row in by["place"][0]}
    for code, minor in data.sql("SELECT p.code, sum(m.minor) FROM message m JOIN contact c ON c.id = (m.id >> 4) & 274877906943 JOIN place p ON p.id = c.place_id GROUP BY 1"):
        assert places[code]["cost"] == minor
        assert places[code]["cost_per_recorded"] == pytest.approx(minor / places[code]["recorded"])
    assert sum(row["recorded"] for row in places.values()) == ran
    province, _, _ = cost(data, "--by", "place", "--level", "province")
    assert [(row["place_code"], row["cost"], row["recorded"]) for row in province] == [("24", booked, ran)]


def test_support_stands_apart_and_is_that_of_the_calculator(ran, data):
    rows, tables, made = cost(data, "--by", "place")
    told = data.json("contribution", "--date", "2026-12-05", "--group", "other", "--method", "12", "--income", "1500000", "--place", "Xã Một")
    support = {row["support"]: row for row in tables["subsidy"]}
    assert support["State's support"]["paid"] == ran * told["support_total"] == sum(row["support_state"] for row in rows) > 0
    assert support["local support"]["paid"] == ran * told["local_total"] == sum(row["support_local"] for row in rows)
    assert support["State's support"]["year"] == support["State's support"]["paid"]  # paid by the year
    assert support["State's support"]["per_enrolment"] == told["support_total"]


def test_caused_costs_what_its_experiment_says_or_nothing(ran, data):
    experiment = data.json(*AFTER, "report", "experiment", "c")
    three = {row["number"]: row for row in experiment["rows"]}
    estimate = experiment["tables"]["estimates"]["rows"][0]
    assert three["caused"]["low"] > 0
    rows, tables, _ = cost(data, "c")
    mine = {row["number"]: row for row in tables["numbers"]}
    booked = sum(row["cost"] for row in rows)
    for word in ("recorded", "attributed"):
        assert mine[word]["enrolments"] == three[word]["enrolments"]
        assert mine[word]["cost_per"] == pytest.approx(booked / mine[word]["enrolments"])
    assert [mine["caused"][key] for key in ("enrolments", "low", "high")] == [three["caused"][key] for key in ("enrolments", "low", "high")]
    assert mine["caused"]["cost_per"] == pytest.approx(booked / three["caused"]["enrolments"])
    assert mine["caused"]["cost_per_low"] < mine["caused"]["cost_per"] < mine["caused"]["cost_per_high"]
    assert estimate["estimator"] == "newcombe"
    # d drew no lot; the theme of both cannot be measured whole.
    by = {row["name"]: row for row in cost(data, "--by", "campaign")[0]}
    assert by["c"]["cost_per_caused"] == mine["caused"]["cost_per"] and by["d"]["cost_per_caused"] is None and "lot" in by["d"]["caused_why"]
    assert "lot" in cost(data, "--by", "theme")[0][0]["caused_why"]
    # Nobody treated enrolled more often in a campaign that did nothing: undefined, in words.
    data.sql_write("UPDATE enrolment SET event_date = '2026-11-01'")
    row = {row["number"]: row for row in cost(data, "c")[1]["numbers"]}["caused"]
    assert row["cost_per"] is None and "undefined" in row["cost_per_why"]


def test_the_three_numbers_stand_on_every_report(ran, data):
    three = {row["number"]: row for row in data.json(*AFTER, "report", "experiment", "c")["rows"]}
    mine = {row["number"]: row for row in data.json(*AFTER, "report", "campaign", "c")["tables"]["numbers"]["rows"]}
    assert mine == three
    other = {row["number"]: row for row in data.json(*AFTER, "report", "campaign", "d")["tables"]["numbers"]["rows"]}
    assert other["caused"]["enrolments"] is None and "lot" in other["caused"]["enrolments_why"]
    for words, own in ((("theme",), "theme"), (("channel",), "channel"), (("theme", "theme"), "campaign"), (("channel", "letters"), "campaign")):
        rows = data.json(*AFTER, "report", *words)["tables"]["enrolments"]["rows"]
        total = rows[-1]
        assert total["recorded"] == ran and total["attributed"] == pytest.approx(ran), words
        assert sum(row["attributed"] for row in rows[:-1]) == pytest.approx(total["attributed"]), words
        assert all(row["recorded"] is None for row in rows[:-1]) and total["caused"] is None and total["caused_why"]
        assert own in rows[0]
    theme = {row["campaign"]: row for row in data.json(*AFTER, "report", "theme", "theme")["tables"]["enrolments"]["rows"]}
    assert theme["c"]["caused"] == three["caused"]["enrolments"] and theme["c"]["caused_low"] == three["caused"]["low"]
    channels = {row["channel"]: row for row in data.json(*AFTER, "report", "channel")["tables"]["enrolments"]["rows"]}
    assert channels["letters"]["caused"] is None and "channels" in channels["letters"]["caused_why"]
    place = data.json(*AFTER, "report", "place")["tables"]["enrolments"]
    assert {row["place_code"]: row["recorded"] for row in place["rows"]} == dict(data.sql("SELECT p.code, count(*) FROM enrolment e JOIN place p ON p.id = e.place_id GROUP BY 1"))
    assert all(row["caused"] is None and row["caused_why"] for row in place["rows"])


def test_campaigns_of_a_theme_that_all_had_lots_are_added_up(ran, data):
    """Zou and Donner 2008: the distances to the limits add in squares. Money over it by Fieller."""
    arms = "unit,arm\n" + "".join(f"p{n},{'treated' if n % 3 else 'control'}\n" for n in range(1, 1201))
    data.ok(*AFTER, "experiment", "import", "--campaign", "d", "--unit", "contact", "--measure-only", data.write("arms.csv", arms))
    two = [next(row for row in data.json(*AFTER, "report", "experiment", name)["rows"] if row["number"] == "caused") for name in "cd"]
    estimate = sum(one["enrolments"] for one in two)
    low = estimate - math.hypot(*(one["enrolments"] - one["low"] for one in two))
    high = estimate + math.hypot(*(one["high"] - one["enrolments"] for one in two))
    theme = data.json(*AFTER, "report", "theme")["tables"]["enrolments"]["rows"][0]
    assert [theme[key] for key in ("caused", "caused_low", "caused_high")] == pytest.approx([estimate, low, high])
    row = cost(data, "--by", "theme")[0][0]
    assert [row[key] for key in ("caused", "caused_low", "caused_high")] == pytest.approx([estimate, low, high])
    if low > 0:
        se = (high - low) / 2 / 1.959963984540054
        g = (1.959963984540054 * se / estimate) ** 2
        middle, half = row["cost"] / estimate / (1 - g), row["cost"] / estimate / (1 - g) * math.sqrt(g)
        assert row["cost_per_caused"] == pytest.approx(row["cost"] / estimate)
        assert [row["cost_per_caused_low"], row["cost_per_caused_high"]] == pytest.approx([middle - half, middle + half])
    else:
        assert "undefined" in row["cost_per_caused_why"]


def test_the_cost_in_six_forms(ran, data):
    files = {form: data.path(f"r.{form}") for form in ("txt", "json", "csv", "xlsx", "pdf", "html")}
    for path in files.values():
        data.ok("report", "cost", "--by", "place", "--output", path, "--lang", "vi", "--clock", "2027-01-10T09:00:00+07:00,x1")
    with open(files["json"], encoding="utf-8") as file:
        document = json.load(file)
    rows = document["rows"]
    keys = list(rows[0])
    numbers = [key for key in keys[2:] if not key.endswith("_why")]
    with open(files["csv"], encoding="utf-8", newline="") as file:
        assert [[float(row[key]) for key in numbers] for row in csv.DictReader(file)] == [[row[key] for key in numbers] for row in rows]
    cells = [[cell.value for cell in line] for line in load_workbook(files["xlsx"]).worksheets[0].iter_rows()]
    first = next(i for i, line in enumerate(cells) if line[0] == "100")
    for line, row in zip(cells[first:first + 2], rows):  # a workbook keeps 16 digits
        assert line[2:len(keys)] == [pytest.approx(row[key], rel=1e-14) for key in numbers]

    def shown(row):
        # As people read it: money whole, credit with two digits, shares in percent.
        return [round(row[key]) if "cost_per" in key else round(row[key], 4 if key == "cost_share" else 2) for key in numbers]

    page = Tables(open(files["html"], encoding="utf-8").read()).tables[0]
    start = next(i for i, line in enumerate(page) if line and line[0] == "100")
    for line, row in zip(page[start:start + 2], rows):
        assert [number(text) for text in line[2:]] == [pytest.approx(value) for value in shown(row)]
    for text in (open(files["txt"], encoding="utf-8").read(), pdf_text(files["pdf"], "-layout")):
        for row in rows:
            for value in (row["cost"], row["recorded"], row["support_state"], round(row["cost_per_recorded"])):
                assert f"{value:,}".replace(",", ".") in text


def test_wrong_options(ran, data):
    assert "--by" in data.refused(*AFTER, "report", "cost", "--by", "moon")
    assert "--by place" in data.refused(*AFTER, "report", "cost", "--level", "commune")
    assert data.refused(*AFTER, "report", "cost", "nobody-here")


def test_a_channel_without_a_price_is_told(made, data):
    made.init(outbox_channel("outbox"), contacts=people(7))
    made.start(campaign(steps=[step(channel="outbox")]))
    data.until_idle("--clock", "2026-12-01T08:00:00+07:00,x100000")
    rows, tables, made_ = cost(data)
    assert rows[0]["cost"] == 0 and rows[0]["messages"] == 0 and "money" in tables["numbers"][0]["cost_per_why"]
    params = made_["report"]["parameters"]
    assert params["Messages that left without a price"] == "7" and any("price" in note for note in made_["notes"])
