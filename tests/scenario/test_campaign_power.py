"""What a campaign's lot will be able to see, told before it starts: from its own audience, holdout and the registry."""
import pytest

from rig.build import campaign, outbox_channel, people, step

pytestmark = pytest.mark.quick
NOW = ("--clock", "2026-11-23T09:00:00+07:00")


def villages(made, data, count, size):
    made.init(outbox_channel("outbox"))
    data.ok("place", "import", data.write("p.csv", "code,name,level,valid_from\n" + "".join(f"{100 + n},Thôn {n},village,2020-01-01\n" for n in range(count))))
    made.contacts(people(count * size, place_code=lambda n: 100 + n % count, person_id=lambda n: f"0240000{n:05}"))


def power(data, *args):
    return data.json(*NOW, "campaign", "power", "c", *args)


def test_the_planners_warning_by_the_numbers_of_measurement(made, data):
    """3 % base, 200 people a village, one more point: .29 with 20 villages an arm at ICC .01, .13 at .04."""
    villages(made, data, 40, 200)
    made.apply(campaign(steps=[step(channel="outbox")], holdout={"percent": 50, "unit": "place", "design": "lottery"}))
    told = power(data)
    assert told["units"] == [20, 20] and told["people"] == [4000, 4000] and told["people_per_place"] == 200
    assert told["p0"] == .03 and told["p1"] == pytest.approx(.04)
    assert [(row["icc"], round(row["power"], 2)) for row in told["rows"]] == [(.01, .29), (.04, .13)]
    assert told["weak"] and "More places help" in told["words"][-1] and any("assumed" in line for line in told["words"])
    by_hand = data.json("stats", "power", "--p0", "3%", "--p1", "4%", "--m", "200", "--icc", ".01", "--clusters", "20")["rows"]
    assert told["rows"][0]["power"] == pytest.approx(next(row["estimate"] for row in by_hand if row["name"] == "power"))
    vi = data.ok(*NOW, "--lang", "vi", "campaign", "power", "c").out
    assert "Cảnh báo" in vi and "xác suất" in vi and "%%" not in vi
    # Also where a campaign is checked and planned.
    for verb in ("check", "plan"):
        assert any("Warning" in line for line in data.json(*NOW, "campaign", verb, "c")["notices"]), verb
    # An effect that is seen is no warning.
    assert not power(data, "--effect", "10%")["weak"]
    assert "--effect" in data.refused(*NOW, "campaign", "power", "c", "--effect", "300%")


def test_the_rate_comes_from_the_registry_and_the_effect_from_the_goal(made, data):
    villages(made, data, 20, 50)
    lines = [f"0240000{n:05},new,2026-11-{1 + n % 20:02}" for n in range(1, 101)]
    data.ok(*NOW, "enrolment", "import", data.write("e.csv", "person_id,event,event_date\n" + "\n".join(lines) + "\n"))
    made.apply(campaign(steps=[step(channel="outbox")], goal={"enrolments": 45}, holdout={"percent": 10}))
    told = power(data)
    assert told["p0"] == .1 and told["units"] == [100, 900]
    assert told["p1"] == pytest.approx(.1 + 45 / 900) and len(told["rows"]) == 1
    assert told["per_arm"] == pytest.approx(2 / (1 / 100 + 1 / 900))
    by_hand = data.json("stats", "power", "--p0", ".1", "--p1", ".15", "--n", "180")["rows"]
    assert told["rows"][0]["power"] == pytest.approx(next(row["estimate"] for row in by_hand if row["name"] == "power"))


def test_without_a_lot_and_with_an_empty_arm(made, data):
    villages(made, data, 2, 3)
    made.apply(campaign(steps=[step(channel="outbox")]))
    told = power(data)
    assert not told["by_lot"] and "lot" in told["words"][0]
    assert data.json(*NOW, "campaign", "check", "c")["notices"] == []
    made.apply(campaign(steps=[step(channel="outbox")], holdout={"percent": 1}))
    assert "arms" in data.refused(*NOW, "campaign", "power", "c")
    assert any("arms" in line for line in data.json(*NOW, "campaign", "check", "c")["notices"])
