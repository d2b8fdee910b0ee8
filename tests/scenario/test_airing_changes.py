"""What becomes of booked airings when their outlets change: hours, minutes, a device, closed; before and after a device has them."""
import json
import os

import pytest

from rig.build import campaign, table
from rig.program import eventually
from test_airing import DAWN, airings, heard, material, outlet, plan, rows, run, speaker, start  # noqa: F401
from test_loudspeaker import Device, Loud
from test_loudspeaker import airings as loud_airings
from test_loudspeaker import outlet as loud_outlet


def change(data, *outlets, clock=DAWN):
    """Imports these rows; what the program says of their airings."""
    return data.json("--clock", clock + ",x1", "outlet", "import", data.write("changed.csv", table(outlets)))["airings"]


def times(found, *decisions):
    return [row["start"][:16] for row in found if row["decision"] in decisions]


def test_hours_that_change_withdraw_only_what_no_longer_fits(data, made, speaker):  # noqa: F811
    speaker(outlet("A1"), outlet("A2", "24002"))
    plan(data, made, campaign("c", steps=[airings(outlets="all", airings={"days": 1})]))
    data.ok("airing", "approve", "--outlet", "A1", "--by", "xa")
    start(data, "c")
    stood = rows(data, "--outlet", "A2")
    assert change(data, outlet("A1", windows="mo-su 06:00-06:30; mo-su 17:00-17:30")) == {
        "withdrawn": 1, "taken_back": 0, "moved": 0, "dropped": 0, "offered": 1}
    mine = rows(data, "--outlet", "A1")
    assert times(mine, "withdrawn") == ["2026-12-01T05:00"]
    assert times(mine, "approved") == ["2026-12-01T17:00"]
    assert times(mine, "offered") == ["2026-12-01T06:00"]
    gone = [row for row in mine if row["decision"] == "withdrawn"]
    assert {(row["state"], row["reason"], row["decided_by"]) for row in gone} == {("suppressed", "withdrawn", "lantoa")}
    assert "its outlet changed: it lies outside the station's windows" in gone[0]["detail"], gone[0]
    assert rows(data, "--outlet", "A2") == stood
    month = data.json("report", "airtime", "--place", "Đồng Tiến", "--month", "2026-12")["rows"][0]
    assert "A1" not in (month.get("h05") or "") and "06:00 A1" in month["h06"]
    assert change(data, outlet("A1", windows="mo-su 06:00-06:30; mo-su 17:00-17:30")) == dict.fromkeys(
        ("withdrawn", "taken_back", "moved", "dropped", "offered"), 0)
    run(data)
    assert {line[3][11:16] for line in heard(data)} == {"17:00"}
    assert sum(data.states("c").values()) == 4 + 1


@pytest.mark.quick
def test_what_was_only_offered_moves_and_a_closed_outlet_falls_silent(data, made, speaker):  # noqa: F811
    speaker(outlet("A1"), outlet("A2"), outlet("A3"))
    plan(data, made, campaign("c", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1})]))
    data.ok("airing", "approve", "--outlet", "A2", "--by", "xa")
    data.ok("airing", "approve", "--outlet", "A3", "--by", "xa")
    file = data.write("changed.csv", table([outlet("A1", windows="mo-su 07:00-07:30"), outlet("A2", state="retired"), outlet("A3", minutes_per_day="1")]))
    shown = data.run("--lang", "vi", "--clock", DAWN + ",x1", "outlet", "import", file)
    assert "rút 2 lượt đã duyệt" in shown.out and "1 lượt dời chỗ" in shown.out, shown
    found = {row["outlet"]: row for row in rows(data)}
    assert found["A1"]["start"][11:16] == "07:00" and found["A1"]["decision"] == "offered"
    assert found["A2"]["decision"] == found["A3"]["decision"] == "withdrawn"
    assert "the outlet is closed" in found["A2"]["detail"] or "ngừng" in found["A2"]["detail"], found["A2"]
    (refused,) = data.rows("airing", "refused")
    assert (refused["outlet"], refused["reason"]) == ("A3", "too_long")
    again = data.json("--clock", DAWN + ",x1", "outlet", "undo", "3")["airings"]
    assert (again["offered"], again["moved"]) == (2, 1), again  # the commune is asked once more: nothing is approved by itself
    assert {row["outlet"] for row in rows(data, "--state", "offered")} == {"A1", "A2", "A3"}


def test_devices_that_have_it_already_give_it_back(data, made):
    """Hours, device and state change after three devices and a paper plan have the airings."""
    loud = Loud(data, made)
    loud.outlets(loud_outlet("K7", "device:loa-7"), loud_outlet("GIAY", "paper:mao-dien", "24002"))
    loud.start(campaign("c", steps=[loud_airings()]))
    seven, eight = Device(loud.port, "loa-7", "khoa-cua-loa-7"), Device(loud.port, "loa-8", "khoa-cua-loa-8")
    clock = "2026-12-01T04:50:00+07:00"
    with loud.serving(clock + ",x1"):
        loud.becomes("K7", "accepted")
        loud.becomes("GIAY", "accepted")
        (item,) = seven.fetch(loud.now())["items"]
        said = change(data, loud_outlet("K7", "device:loa-8"), clock=clock)
        assert (said["withdrawn"], said["taken_back"]) == (0, 1), said
        eventually(lambda: [one["key"] for one in eight.fetch(loud.now())["items"]] == [item["key"]], 30)
        assert seven.fetch(loud.now())["items"] == [] and loud.row("K7")["decision"] == "approved"
        loud.becomes("K7", "accepted")
        said = change(data, loud_outlet("K7", "device:loa-8", windows="mo-su 17:00-17:30"), loud_outlet("GIAY", "", "24002", state="retired"), clock=clock)
        assert (said["withdrawn"], said["taken_back"], said["offered"]) == (2, 2, 1), said
        eventually(lambda: eight.fetch(loud.now())["items"] == [], 30)
        calendar = os.path.join(loud.paper, "mao-dien", "2026-12", "calendar.ics")
        eventually(lambda: "STATUS:CANCELLED" in open(calendar, encoding="utf-8").read(), 30)
        gone = eventually(lambda: [row for row in data.rows("airing", "list") if row["state"] == "suppressed"][1:] and rows(data), 30)
    assert {(row["outlet"], row["decision"], row["reason"]) for row in gone} == {
        ("K7", "withdrawn", "withdrawn"), ("GIAY", "withdrawn", "withdrawn"), ("K7", "offered", "awaits_commune")}
    assert sum(data.states("c").values()) == 3


def emergency(**asked):
    spec = campaign("e", steps=[airings(outlets="all")])
    spec["class"], spec["steps"][0]["when"] = "emergency", {"at": "now"}
    spec["steps"][0]["airings"] = {"materials": ["bao"], "priority": "emergency", "reason": "bão", **asked}
    return spec


@pytest.mark.quick
def test_an_emergency_tells_what_it_runs_into(data, made, speaker):  # noqa: F811
    speaker(outlet("A1"), outlet("A2", "24002"))
    plan(data, made, campaign("c", steps=[airings(outlets="all")]))
    spec = emergency(materials=["gia-dinh"])
    spec["steps"][0]["when"] = {"at": "2026-12-01T05:01"}
    assert plan(data, made, spec)["airings"] == {"booked": 2, "clashes": 0, "refused": 0, "interrupts": 2, "moved": 0, "dropped": 0}
    data.ok("campaign", "unplan", "e")
    spec["steps"][0]["when"] = {"at": "now"}
    made.apply(spec)
    shown = data.run("--lang", "vi", "--clock", "2026-12-02T17:01:00+07:00,x1", "campaign", "plan", "e")
    assert "ngắt 2 lượt phát khác" in shown.out, shown


@pytest.mark.quick
def test_an_emergency_does_not_wait_for_an_outlet_with_nothing_to_play(data, made, speaker):  # noqa: F811
    speaker(outlet("A1"), outlet("N1", languages="nut"), outlet("N2", "24002", languages="nut"))
    material(data, "bao", 30, "tay")
    made.apply(emergency())
    assert "no outlet has an approved recording" in data.refused("--clock", DAWN + ",x1", "campaign", "plan", "e")
    material(data, "bao", 30, "nut")
    said = data.json("--clock", DAWN + ",x1", "campaign", "plan", "e")["airings"]
    assert said == {"booked": 2, "clashes": 0, "refused": 1, "interrupts": 0, "moved": 0, "dropped": 0}, said
    assert {row["outlet"] for row in rows(data)} == {"N1", "N2"}
    (refused,) = data.rows("airing", "refused")
    assert (refused["outlet"], refused["reason"], refused["asked"], refused["placed"]) == ("A1", "no_material", 1, 0)
    for who in ("one", "two"):
        data.ok("--by", who, "campaign", "approve", "e", "--reason", "bão")
    data.ok("campaign", "start", "e")
    material(data, "bao", 30, "vi")  # somebody has recorded it meanwhile: A1 follows, the others are not told twice
    night = "2026-12-01T02:00:00+07:00"
    assert data.json("--clock", night + ",x1", "airing", "plan", "e")["placed"] == 1 and data.rows("airing", "refused") == []
    run(data, clock=night, until="x60")
    assert sorted((row["outlet"], row["state"]) for row in rows(data)) == [(name, "delivered") for name in ("A1", "N1", "N2")]
    assert sorted(line[2] for line in heard(data)) == ["A1", "N1", "N2"]


@pytest.mark.quick
def test_everything_shown_is_in_the_readers_language(data, made, speaker):  # noqa: F811
    """Lists of airings and outlets in Vietnamese, names that are not there, and the figures of the yes."""
    speaker(outlet("A1", windows="mo-su 05:00-05:02"), outlet("N1", languages="nut"))
    material(data, "rieng", 30, "tay")
    one = {"per_day": 1, "days": 1, "priority": "priority"}
    plan(data, made, campaign("a", steps=[airings(outlets="code = 'A1'", airings=one)]))
    plan(data, made, campaign("b", steps=[airings(outlets="all", airings={**one, "per_day": 2, "gap": "PT1M"}),
                                          airings("c", outlets="code = 'N1'", airings={"materials": ["rieng"], "days": 1})]))
    plan(data, made, campaign("d", steps=[airings(outlets="all", airings={"per_day": 6, "days": 1, "gap": "PT3H"})]))
    shown = data.run("--lang", "vi", "airing", "list").out + data.run("--lang", "vi", "airing", "clash").out + data.run(
        "--lang", "vi", "airing", "refused").out + data.run("--lang", "vi", "outlet", "list").out
    raw = {row[key] for row in rows(data) + data.rows("airing", "refused") for key in ("priority", "decision", "state", "reason") if row.get(key)}
    assert {"normal", "priority", "offered", "held", "awaits_commune", "no_material", "taken"} <= raw, sorted(raw)
    words = set(shown.replace(";", " ").split())
    assert "không" in words and "thường" in words
    assert not words & (raw | {"true", "false", "mo-su", "station"}), words & (raw | {"true", "false", "mo-su", "station"})
    assert "t2-cn" in words and "mo-su" in data.json("outlet", "list")["rows"][0]["windows"]
    for name in (("--campaign", "aa"), ("--outlet", "A9")):
        for verb in ("list", "clash", "refused", "approve"):
            assert name[1] in data.refused("airing", verb, *name)
    said = data.json("campaign", "approve", "a")
    assert (said["people"], said["airings"], said["outlets"], said["households"]) == (0, 1, 1, 320), said


@pytest.mark.quick
def test_a_later_campaign_gets_its_share_of_what_nobody_approved(data, made, speaker):  # noqa: F811
    speaker(outlet("A1", windows="mo-su 05:00-05:06"), outlet("A2", "24002", windows="mo-su 05:00-05:06"))
    asked = {"per_day": 4, "days": 1, "gap": "PT0S"}
    plan(data, made, campaign("a", steps=[airings(outlets="all", airings=asked)]))
    data.ok("airing", "approve", "--outlet", "A2", "--by", "xa")
    approved = rows(data, "--outlet", "A2")
    made.apply(campaign("b", steps=[airings(outlets="all", airings=asked)]))
    shown = data.run("--lang", "vi", "--clock", DAWN + ",x1", "campaign", "plan", "b").out
    assert "2 lượt nhường chỗ" in shown, shown
    mine = [(row["campaign"], row["decision"]) for row in rows(data, "--outlet", "A1")]
    assert sorted(mine) == [("a", "offered")] * 2 + [("a", "withdrawn")] * 2 + [("b", "offered")] * 2
    gone = [row["detail"] for row in rows(data, "--outlet", "A1") if row["decision"] == "withdrawn"]
    assert all("made room for campaign b" in words or "nhường chỗ cho chiến dịch b" in words for words in gone), gone
    assert [row for row in rows(data, "--outlet", "A2") if row["campaign"] == "a"] == approved
    (full,) = [row for row in data.rows("airing", "refused", "--campaign", "b") if row["outlet"] == "A2"]
    assert (full["asked"], full["placed"], full["reason"], full["other"]) == (4, 0, "taken", "a"), full
    for name in ("a", "b"):  # nobody takes it back: planning again changes nothing
        said = data.json("--clock", DAWN + ",x1", "airing", "plan", name)
        assert (said["placed"], said["moved"], said["dropped"]) == (0, 0, 0), said


@pytest.mark.quick
def test_one_that_cannot_be_approved_does_not_stop_the_others(data, made, speaker):  # noqa: F811
    """A row of the database is changed by hand to what no import leaves behind: an offered airing over an approved one."""
    speaker(outlet("A1"), outlet("A2", "24002"))
    plan(data, made, campaign("a", steps=[airings(outlets="all")]))
    first, second, *_ = [row["id"] for row in rows(data, "--outlet", "A1")]
    data.ok("airing", "approve", str(first), "--by", "xa")
    data.sql_write("UPDATE airing SET start_at = (SELECT start_at FROM airing WHERE id = ?) WHERE id = ?", first, second)
    said = data.run("--json", "airing", "approve", "--campaign", "a", "--by", "xa")
    assert said.code == 0 and json.loads(said.out) == {
        "approved": 6, "declined": 0, "unchanged": 1, "moved": 0, "gave_way": 0, "taken_back": 0, "refused": 1}, said
    assert f"airing {second} lies over airing {first}" in said.err
    assert f"airing {second} lies over" in data.refused("airing", "approve", str(second))
    assert {row["decision"] for row in rows(data) if row["id"] != second} == {"approved"}
