"""What a campaign caused: a published trial through the whole product, and effects that were planted."""
import csv
import math
import random

import pytest

from rig.build import campaign, outbox_channel, people, step
from rig.published import published

pytestmark = pytest.mark.quick
Z = 1.959963984540054
AFTER = ("--clock", "2027-01-10T09:00:00+07:00")


def wilson(x, n):
    p, zz = x / n, Z * Z
    half = Z * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return (p + zz / (2 * n) - half) / (1 + zz / n), (p + zz / (2 * n) + half) / (1 + zz / n)


def newcombe(x1, n1, x0, n0):
    p1, p0 = x1 / n1, x0 / n0
    (l1, u1), (l0, u0) = wilson(x1, n1), wilson(x0, n0)
    d = p1 - p0
    return d, d - math.hypot(p1 - l1, u0 - p0), d + math.hypot(u1 - p1, p0 - l0)


def cr2(cells):
    """F5 by hand: cells of (arm, n, x), one per village."""
    variance, inverse, squares, rates = 0, 0, 0, {}
    for arm in (0, 1):
        mine = [(n, x) for a, n, x in cells if a == arm]
        total = sum(n for n, _ in mine)
        rates[arm] = sum(x for _, x in mine) / total
        inverse += 1 / total
        for g, (n, x) in enumerate(mine):
            variance += (x - n * rates[arm]) ** 2 / ((1 - n / total) * total ** 2)
            for h, (m, _) in enumerate(mine):
                b = ((n if g == h else 0) - n * m / total) / (total ** 2 * math.sqrt((1 - n / total) * (1 - m / total)))
                squares += b * b
    return rates[1] - rates[0], math.sqrt(variance), inverse ** 2 / squares


def report(data, name="c", *args):
    made = data.json(*AFTER, "report", "experiment", name, *args)
    tables = {key: table["rows"] for key, table in made["tables"].items()}
    tables["main"] = made["rows"]
    tables["params"] = made["report"]["parameters"]
    return tables


def estimates(told):
    return {row["estimator"]: row for row in told["estimates"]}


def numbers(told):
    return {row["number"]: row for row in told["main"]}


@pytest.fixture
def trial(made, data):
    """The farmers of Cai, de Janvry, Sadoulet 2015 as contacts, their villages as places, their take-up as enrolments."""
    with open(published("farmer-insurance-trial.csv"), encoding="utf-8", newline="") as file:
        farmers = list(csv.DictReader(file))
    made.init(outbox_channel("outbox"))
    villages = sorted({row["address"] for row in farmers})
    data.ok("place", "import", data.write("p.csv", "code,name,level,valid_from\n" + "".join(f"{v},{v},village,2020-01-01\n" for v in villages)))
    made.contacts([{"ref": f"f{n}", "name": f"Farmer {n}", "person_id": f"0240000{n:05}", "place_code": row["address"]}
                   for n, row in enumerate(farmers)])
    made.apply(campaign(steps=[step(channel="outbox")]))
    lines = [f"0240000{n:05},new,2026-12-15,{row['address']}" for n, row in enumerate(farmers) if row["takeup_survey"] == "1"]
    told = data.json(*AFTER, "enrolment", "import", data.write("e.csv", "person_id,event,event_date,place_code\n" + "\n".join(lines) + "\n"))
    assert told["matched"] == len(lines)
    return farmers


def test_the_trial_by_household(trial, data):
    lines = [f"f{n},{'treated' if row['intensive'] == '1' else 'control'}" for n, row in enumerate(trial)]
    path = data.write("arms.csv", "unit,arm\n" + "\n".join(lines) + "\n")
    data.ok("experiment", "import", "--campaign", "c", "--unit", "contact", "--measure-only", path)
    told = report(data)
    arms = {row["arm"]: (row["enrolled"], row["people"]) for row in told["arms"]}
    assert arms == {"treated": (322, 693), "control": (332, 717)}
    first = told["estimates"][0]
    assert first["estimator"] == "newcombe"
    assert (first["estimate"], first["ci_low"], first["ci_high"]) == pytest.approx((.00160602, -.05032027, .05353414), abs=5e-9)
    assert first["p"] == pytest.approx(math.erfc(.06045559 / math.sqrt(2)), abs=1e-6)
    assert told["guards"] == []
    assert numbers(told)["recorded"]["enrolments"] == 654 and numbers(told)["attributed"]["enrolments"] == 0
    assert numbers(told)["caused"]["enrolments"] == pytest.approx(.00160602 * 693, abs=1e-5)
    text = data.ok(*AFTER, "report", "experiment", "c").out
    assert "no effect shown" in text and "not" not in text.split("Verdict:")[0][-3:]


def test_the_trial_by_village(trial, data):
    arms = {}
    for row in trial:
        arms.setdefault(row["address"], set()).add(row["default"])
    mixed = {place for place, seen in arms.items() if len(seen) > 1}
    lines = [f"{place},{'treated' if seen == {'1'} else 'control'}" for place, seen in sorted(arms.items()) if place not in mixed]
    path = data.write("arms.csv", "unit,arm\n" + "\n".join(lines) + "\n")
    data.ok("experiment", "import", "--campaign", "c", "--unit", "place", "--measure-only", path)
    told = report(data)
    cells = {}
    for row in trial:
        if row["address"] not in mixed:
            cell = cells.setdefault(row["address"], [int(row["default"]), 0, 0])
            cell[1] += 1
            cell[2] += int(row["takeup_survey"])
    d, se, df = cr2([tuple(cell) for cell in cells.values()])
    first = told["estimates"][0]
    assert first["estimator"] == "cr2"
    assert (first["estimate"], first["se"], first["df"]) == pytest.approx((d, se, df), abs=1e-8)
    assert {row["arm"]: row["units"] for row in told["arms"]} == {
        "treated": sum(cell[0] for cell in cells.values()), "control": sum(1 - cell[0] for cell in cells.values())}
    # Welch's t on the villages' rates, once more.
    rates = [[cell[2] / cell[1] for cell in cells.values() if cell[0] == arm] for arm in (0, 1)]
    means = [sum(r) / len(r) for r in rates]
    squares = [sum((x - m) ** 2 for x in r) / (len(r) - 1) / len(r) for r, m in zip(rates, means)]
    welch = estimates(told)["welch"]
    assert (welch["estimate"], welch["se"]) == pytest.approx((means[1] - means[0], math.sqrt(sum(squares))), abs=1e-9)


def plant(made, data, count, rate, holdout, extra=0.0, place=None, **fields):
    """A campaign that ran; people enrol by `rate`, those not held out `extra` more often. Returns (contact, held out, place)."""
    draw = random.Random(11)
    made.init(outbox_channel("outbox", price=500))
    if place:
        data.ok("place", "import", data.write("p.csv", place))
    made.contacts(people(count, person_id=lambda n: f"0240000{n:05}", **fields))
    made.start(campaign(steps=[step(channel="outbox")], holdout=holdout))
    data.until_idle("--clock", "2026-12-01T08:00:00+07:00,x100000")
    rows = data.sql("SELECT CAST(substr(c.ref, 2) AS INTEGER), m.reason = 25, c.place_id FROM message m JOIN contact c ON c.id = (m.id >> 4) & 274877906943")
    lines, cells = [], []
    for number, kept_out, at in rows:
        enrolled = draw.random() < rate + (0 if kept_out else extra)
        cells.append((number, bool(kept_out), at, enrolled))
        if enrolled:
            lines.append(f"0240000{number:05},new,2026-12-{draw.randint(2, 30):02}")
    data.ok(*AFTER, "enrolment", "import", data.write("e.csv", "person_id,event,event_date\n" + "\n".join(lines) + "\n"))
    return cells


def test_a_planted_effect_is_read_back(made, data):
    cells = plant(made, data, 4000, .05, {"percent": 30}, .06)
    told = report(data)
    counts = [(sum(c[3] for c in cells if c[1] == out), sum(c[1] == out for c in cells)) for out in (True, False)]
    assert {row["arm"]: (row["enrolled"], row["people"]) for row in told["arms"]} == {"control": counts[0], "treated": counts[1]}
    first = told["estimates"][0]
    assert (first["estimate"], first["ci_low"], first["ci_high"]) == pytest.approx(newcombe(*counts[1], *counts[0]), abs=1e-9)
    assert first["ci_low"] < .06 < first["ci_high"] and told["guards"] == []
    caused = numbers(told)["caused"]
    assert caused["enrolments"] == pytest.approx(first["estimate"] * counts[1][1]) and caused["low"] > 0
    text = data.ok(*AFTER, "report", "experiment", "c").out
    assert "Verdict: effective" in text
    # The effect on the reached: on a slow machine a few messages expire.
    share = {row["arm"]: row["reached"] / row["people"] for row in told["arms"]}
    assert estimates(told)["cace"]["estimate"] == pytest.approx(first["estimate"] / (share["treated"] - share["control"]))
    # Before the planned end there is no word, unless it is past the bound.
    early = data.ok("--clock", "2026-12-05T09:00:00+07:00", "report", "experiment", "c").out
    assert "Verdict: too early" in early and "O'Brien-Fleming" in early


def test_no_effect_and_what_it_cost(made, data):
    plant(made, data, 2000, .05, {"percent": 50})
    text = data.ok(*AFTER, "report", "experiment", "c").out
    assert "no effect shown" in text and "the effect may be none" in text


def test_contamination_and_few_enrolments_forbid_a_verdict(made, data):
    plant(made, data, 400, .01, {"percent": 50}, .3)
    row = data.sql("SELECT id FROM message WHERE reason = 25")[0][0]
    data.sql_write("UPDATE message SET state = 5, reason = 25, tries = 1 WHERE id = ?", row)
    told = report(data)
    assert {guard["guard"] for guard in told["guards"]} == {"contamination"}
    text = data.ok(*AFTER, "report", "experiment", "c").out
    assert "Verdict: no verdict" in text


def test_a_village_lottery_with_strata(made, data):
    rows = ["code,name,level,parent,valid_from"] + [f"{d},H{d},district,,2020-01-01" for d in range(4)]
    rows += [f"{100 + n},X{n},commune,{n % 4},2020-01-01" for n in range(40)]
    cells = plant(made, data, 4000, .05, {"percent": 50, "unit": "place", "design": "lottery", "strata": "parent"}, .08,
                  "\n".join(rows) + "\n", place_code=lambda n: 100 + n % 40)
    told = report(data)
    by = {}
    for _, out, place, enrolled in cells:
        cell = by.setdefault(place, [int(not out), 0, 0])
        cell[1] += 1
        cell[2] += enrolled
    d, se, df = cr2([tuple(cell) for cell in by.values()])
    without = estimates(told)["cr2_without_strata"]
    assert (without["estimate"], without["se"], without["df"]) == pytest.approx((d, se, df), abs=1e-8)
    assert told["estimates"][0]["estimator"] == "cr2" and told["estimates"][0]["ci_low"] < .08 < told["estimates"][0]["ci_high"]
    assert {row["units"] for row in told["arms"]} == {20} and told["guards"] == []
    assert estimates(told)["permutation"]["p"] < .01
    assert "Verdict: effective" in data.ok(*AFTER, "report", "experiment", "c").out


def test_waves_read_back_what_was_planted(made, data):
    rows = "code,name,level,valid_from\n" + "".join(f"{100 + n},X{n},commune,2020-01-01\n" for n in range(30))
    made.init(outbox_channel("outbox"))
    data.ok("place", "import", data.write("p.csv", rows))
    made.contacts(people(300, place_code=lambda n: 100 + n % 30))
    holdout = {"unit": "place", "design": "waves", "waves": 3, "every": "P7D", "until": "2026-12-21"}
    made.start(campaign(steps=[step(channel="outbox")], holdout=holdout))
    waves = {code: arm for code, arm in data.sql("SELECT p.code, u.arm FROM experiment_unit u JOIN place p ON p.id = u.unit_id")}
    lines, number = [], 0
    for week in range(-3, 3):
        for code, wave in waves.items():
            treated = week >= wave - 1
            for _ in range(2 + int(code) % 3 + (week + 3) + (4 if treated else 0)):  # by place, by week, and 4 more where it has come
                number += 1
                day = f"2026-12-{1 + 7 * week + number % 7:02}" if week >= 0 else f"2026-11-{31 + 7 * week + number % 7:02}"
                lines.append(f"0241{number:08},new,{day},{code}")
    data.ok(*AFTER, "enrolment", "import", data.write("e.csv", "person_id,event,event_date,place_code\n" + "\n".join(lines) + "\n"))
    told = report(data)
    first = told["estimates"][0]
    assert first["estimator"] == "staggered" and first["estimate"] == pytest.approx(4, abs=1e-9)
    # Weeks with a later wave to compare with: the first wave's weeks 0 and 1, the second's week 1.
    assert numbers(told)["caused"]["enrolments"] == pytest.approx(4 * 30, abs=1e-6)


def test_without_a_lot(made, data):
    made.init(outbox_channel("outbox"), contacts=people(5))
    made.apply(campaign(steps=[step(channel="outbox")]))
    told = data.json(*AFTER, "report", "experiment", "c")
    row = {line["number"]: line for line in told["rows"]}["caused"]
    assert row["enrolments"] is None and "lot" in row["enrolments_why"]
    assert "nobody-here" in data.refused("report", "experiment", "nobody-here")


def test_six_forms(made, data):
    plant(made, data, 600, .1, {"percent": 40}, .2)
    for form in ("xlsx", "pdf", "html"):
        data.ok(*AFTER, "report", "experiment", "c", f"--{form}", data.path(f"r.{form}"))
    with open(data.path("r.html"), encoding="utf-8") as file:
        assert "newcombe" in file.read()
    assert data.ok(*AFTER, "report", "experiment", "c", "--csv").out.startswith("number,enrolments,low,high,meaning")
