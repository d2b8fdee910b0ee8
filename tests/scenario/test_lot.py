"""Lots over places, waves, and arms that somebody else drew."""
import hashlib
import hmac

import pytest

from rig.build import campaign, outbox_channel, people, step

pytestmark = pytest.mark.quick
PLACES = 24


@pytest.fixture
def ready(made, data):
    rows = ["code,name,level,parent,valid_from"]
    rows += [f"{9 - d}0,Huyện {d},district,,2020-01-01" for d in range(3)]
    rows += [f"{100 + n},Xã {n},commune,{9 - n % 3}0,2020-01-01" for n in range(PLACES)]
    made.init(outbox_channel("outbox"))
    data.ok("place", "import", data.write("p.csv", "\n".join(rows) + "\n"))
    made.contacts(people(96, place_code=lambda n: 100 + n % PLACES, household=lambda n: f"h{n // 2}", size=lambda n: "big" if n % PLACES < 5 else "small"))
    return made


def lot_of(data, name="c"):
    key = data.sql("SELECT experiment_key FROM campaign WHERE name = ?", name)[0][0]
    return lambda place: hmac.new(key, f"lot:place:{place}".encode(), hashlib.sha256).digest()[:8]


def drawn(data):
    return {place: (arm, stratum) for place, arm, stratum in data.sql("SELECT unit_id, arm, stratum FROM experiment_unit")}


def test_a_lottery_in_strata(ready, data):
    made = campaign(steps=[step(channel="outbox")], holdout={"percent": 40, "unit": "place", "design": "lottery", "strata": "parent"})
    told = data.json("campaign", "plan", ready.apply(made))
    # The same lot once more: order by keyed hash within the stratum, the first of each are control.
    order, expected, control, dealt = lot_of(data), {}, 0, 0
    parents = dict(data.sql("SELECT id, parent_id FROM place WHERE level = 'commune'"))
    for parent in sorted({str(parent) for parent in parents.values()}):
        places = sorted((place for place in parents if str(parents[place]) == parent), key=order)
        dealt += len(places)
        for place in places:
            expected[place] = (0 if control < int(dealt * 0.4 + 0.5) else 1, parent)
            control += expected[place][0] == 0
    assert drawn(data) == expected and control == 10
    text = "".join(f"{place}:{arm}:{stratum}\n" for place, (arm, stratum) in sorted(expected.items()))
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert data.sql("SELECT design, unit, hash FROM experiment") == [("lottery", "place", digest)]
    assert data.sql("SELECT detail FROM audit WHERE verb = 'lottery' ORDER BY id DESC")[0][0] == digest
    # Everybody of a control place is kept out, nobody else.
    out = {row[0] for row in data.sql("SELECT c.place_id FROM message m JOIN contact c ON c.id = (m.id >> 4) & 274877906943 WHERE m.reason = 25")}
    assert out == {place for place, (arm, _) in expected.items() if arm == 0} and told["holdout"] == 40
    data.ok("campaign", "plan", "c")
    assert drawn(data) == expected
    shown = data.rows("experiment", "show", "c")
    assert sum(row["arm"] == "control" for row in shown) == 10 and len(shown) == PLACES


def test_strata_of_an_attribute(ready, data):
    made = campaign(steps=[step(channel="outbox")], holdout={"percent": 50, "unit": "place", "design": "lottery", "strata": "size"})
    data.ok("campaign", "plan", ready.apply(made))
    arms = drawn(data)
    counts = {size: sum(1 for arm, stratum in arms.values() if stratum == size and arm == 0) for size in ("big", "small")}
    assert sum(counts.values()) == 12 and counts["big"] in (2, 3)


def test_waves(ready, data):
    made = campaign(steps=[step("first", "outbox"), step("second", "outbox", {"after": "first", "delay": "P1D"})],
                    holdout={"unit": "place", "design": "waves", "waves": 3, "every": "P7D", "strata": "parent"})
    ready.start(made)
    arms = drawn(data)
    assert sorted(arm for arm, _ in arms.values()) == [1] * 8 + [2] * 8 + [3] * 8
    data.until_idle("--clock", "2026-12-01T08:00:00+07:00,x1000000")
    start = 1796086800000
    days = {}
    for step_name, place, at, state in data.sql("SELECT s.name, c.place_id, m.at, m.state FROM message m JOIN step s ON s.id = m.id >> 43 "
                                                "JOIN contact c ON c.id = (m.id >> 4) & 274877906943"):
        assert state in (4, 5)
        days.setdefault((step_name, arms[place][0]), set()).add((at - start) // 86400000)
    assert days == {("first", 1): {0}, ("first", 2): {7}, ("first", 3): {14}, ("second", 1): {1}, ("second", 2): {8}, ("second", 3): {15}}


@pytest.mark.parametrize("holdout, field", [
    ({"percent": 10, "unit": "contact", "design": "lottery"}, "holdout.design"),
    ({"unit": "place", "design": "waves", "waves": 1, "every": "P7D"}, "holdout.waves"),
    ({"unit": "place", "design": "waves", "waves": 3}, "holdout.every"),
    ({"unit": "place", "design": "waves", "waves": 3, "every": "P7D", "percent": 3}, "holdout.percent"),
    ({"percent": 10, "unit": "place", "strata": "parent"}, "holdout.strata"),
    ({"percent": 10, "unit": "place", "design": "lottery", "strata": "a') --"}, "holdout.strata"),
    ({"percent": 10, "unit": "place", "waves": 3}, "holdout.waves"),
    ({"percent": 10, "until": "2026-11-01"}, "holdout.until"),
    ({"percent": 10, "unit": "place", "design": "colour"}, "holdout.design")])
def test_what_a_file_may_not_say(ready, data, holdout, field):
    fault = data.refused("campaign", "apply", data.write("x.json", campaign(steps=[step(channel="outbox")], holdout=holdout)))
    assert field in fault and "x.json:" in fault


def test_an_arm_must_not_be_empty(ready, data):
    made = campaign(steps=[step(channel="outbox")], holdout={"percent": 1, "unit": "place", "design": "lottery"})
    assert "1 %" in data.refused("campaign", "plan", ready.apply(made))
    assert data.sql("SELECT count(*) FROM experiment")[0][0] == 0


def arms_file(data, lines, name="arms.csv"):
    return data.write(name, "unit,arm,stratum\n" + "\n".join(lines) + "\n")


def test_imported_arms_decide(ready, data):
    ready.apply(campaign(steps=[step(channel="outbox")]))
    lines = [f"{100 + n},{'đối chứng' if n % 2 else 'treated'},s{n % 3}" for n in range(PLACES)]
    path = arms_file(data, lines)
    told = data.json("experiment", "import", "--campaign", "c", "--unit", "place", path)
    assert (told["treated"], told["control"], told["people"], told["changed"]) == (12, 12, 96, True)
    assert data.json("experiment", "import", "--campaign", "c", "--unit", "place", path)["changed"] is False
    assert data.json("campaign", "plan", "c")["holdout"] == 48
    # Planned: the arms would change what is sent.
    other = arms_file(data, [lines[0].replace("treated", "control")] + lines[1:], "other.csv")
    assert "unplan" in data.refused("experiment", "import", "--campaign", "c", "--unit", "place", other)
    for verb in ("approve", "start"):
        data.ok("campaign", verb, "c")
    for extra in ((), ("--measure-only",)):
        assert "started" in data.refused("experiment", "import", "--campaign", "c", "--unit", "place", other, *extra)


@pytest.mark.parametrize("unit, lines, words", [
    ("place", ["100,treated,", "999,control,"], ("arms.csv:3", "unit", "999")),
    ("place", ["100,treated,", "100,control,", "101,control,"], ("arm", "100", "both arms")),
    ("place", ["100,treated,a", "100,treated,b", "101,control,"], ("stratum", "100")),
    ("place", ["100,treated,", "101,treated,"], ("arm", "control")),
    ("place", ["100,maybe,", "101,treated,"], ("arms.csv:2", "arm", "maybe")),
    ("place", [",treated,", "101,control,"], ("arms.csv:2", "unit")),
    ("contact", ["p1,treated,", "nobody,control,"], ("arms.csv:3", "nobody")),
    ("household", ["h1,treated,", "h999,control,"], ("arms.csv:3", "h999"))])
def test_arms_that_make_no_sense(ready, data, unit, lines, words):
    ready.apply(campaign(steps=[step(channel="outbox")]))
    fault = data.refused("experiment", "import", "--campaign", "c", "--unit", unit, arms_file(data, lines))
    for word in words:
        assert word in fault
    assert data.sql("SELECT count(*) FROM experiment_unit")[0][0] == 0


def test_a_campaign_with_its_own_lot_takes_no_arms(ready, data):
    ready.apply(campaign(steps=[step(channel="outbox")], holdout={"percent": 10}))
    path = arms_file(data, ["p1,treated,", "p2,control,"])
    assert "its own" in data.refused("experiment", "import", "--campaign", "c", "--unit", "contact", path)
    assert "--unit" in data.refused("experiment", "import", "--campaign", "c", path)
