"""Airings from the command line to a device: planned, decided by the commune, handed out, as run; and the laws of the ledger for them."""
import datetime
import hashlib
import os
import shutil

import pytest

from rig.build import campaign, step, table
from rig.program import BUILD, eventually

SOUND = b"OggS not a real sound, but the same bytes"
SHA = hashlib.sha256(SOUND).hexdigest()
PLACES = [{"code": "24", "name": "Tỉnh Bắc Ninh", "level": "province", "valid_from": "2025-07-01"},
          {"code": "24001", "name": "Xã Đồng Tiến", "level": "commune", "parent": "24", "valid_from": "2025-07-01"},
          {"code": "24002", "name": "Phường Mão Điền", "level": "commune", "parent": "24", "valid_from": "2025-07-01"}]
DAWN = "2026-12-01T04:00:00+07:00"


def outlet(code, place="24001", device="ok", **more):
    row = {"code": code, "name": f"Đài {code}", "kind": "station", "owner": "commune", "place_code": place, "coverage": f"{place}:320",
           "windows": "mo-su 05:00-05:30; mo-su 17:00-17:30", "device": f"test:{device}/{code}", "channel": "speaker", "languages": "vi", "minutes_per_day": 30}
    row.update(more)
    return row


def airings(name="loa", when="2026-12-01T05:00", **more):
    asked = {"per_day": 2, "days": 2, "gap": "PT2H", "materials": ["gia-dinh"]}
    asked.update(more.pop("airings", {}))
    made = step(name=name, channel="speaker", when={"at": when}, airings=asked, **more)
    del made["content"]
    return made


@pytest.fixture
def speaker(data, made, scratch):
    """A data folder with a test channel for outlets; speaker(outlets...) imports them and a material of 90 s."""
    plugins = os.path.join(scratch, "plugins")
    os.mkdir(plugins)
    for folder in (os.path.join(BUILD, "plugins"), os.path.join(BUILD, "tests", "plugins")):
        for name in os.listdir(folder):
            if name.endswith(".so"):
                shutil.copy(os.path.join(folder, name), plugins)
    data.env["LANTOA_PLUGINS"] = plugins
    made.init({"name": "speaker", "plugin": "speaker", "options": {"file": data.path("heard.tsv")}, "window": 100,
               "retry": {"tries": 3, "first": "PT1M", "longest": "PT5M"}})

    def ready(*rows):
        data.ok("place", "import", data.write("places.csv", table(PLACES)))
        data.ok("--clock", DAWN + ",x1", "outlet", "import", data.write("outlets.csv", table(rows)))
        material(data, "gia-dinh", 90)
        return data
    return ready


def material(data, name, seconds, lang="vi"):
    os.makedirs(os.path.join(data.dir, "materials"), exist_ok=True)
    with open(os.path.join(data.dir, "materials", SHA), "wb") as file:
        file.write(SOUND)
    data.sql_write("INSERT INTO recording (name, lang, sha256, bytes, length_ms, loudness_lufs, peak_dbtp, format, origin, source_sha256, findings, "
                   "state, made_at, made_by) VALUES (?, ?, ?, ?, ?, -23, -3, 'ogg/opus 48000 mono', 'recorded', ?, '[]', 'approved', 0, 'x')",
                   name, lang, SHA, len(SOUND), seconds * 1000, SHA)


def plan(data, made, spec, clock=DAWN):
    name = made.apply(spec)
    return data.json("--clock", clock + ",x1", "campaign", "plan", name)


def start(data, name):
    data.ok("campaign", "approve", name)
    data.ok("campaign", "start", name)


def rows(data, *args):
    return data.rows("airing", "list", *args)


def heard(data):
    path = data.path("heard.tsv")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def run(data, until="x3600", clock=DAWN, seconds=120):
    data.until_idle("--clock", f"{clock},{until}", seconds=seconds)


def test_offered_approved_played(data, made, speaker):
    speaker(outlet("A1"), outlet("A2", "24002"))
    plan(data, made, campaign("c", steps=[airings(outlets="all")]))
    booked = rows(data)
    assert len(booked) == 8 and {row["decision"] for row in booked} == {"offered"}
    assert {row["reason"] for row in booked} == {"awaits_commune"}
    assert [row["start"][:16] for row in booked if row["outlet"] == "A1"] == [
        "2026-12-01T05:00", "2026-12-01T17:00", "2026-12-02T05:00", "2026-12-02T17:00"]
    said = data.json("airing", "approve", "--outlet", "A1", "--by", "xa-dong-tien")
    assert said["approved"] == 4
    start(data, "c")
    run(data)
    played = {row["id"]: row for row in rows(data)}
    mine = [row for row in played.values() if row["outlet"] == "A1"]
    assert {row["state"] for row in mine} == {"delivered"} and {row["played_s"] for row in mine} == {90}
    other = [row for row in played.values() if row["outlet"] == "A2"]
    assert {row["state"] for row in other} == {"suppressed"} and {row["reason"] for row in other} == {"expired"}
    got = heard(data)
    assert len(got) == 4 and {line[2] for line in got} == {"A1"} and {line[8] for line in got} == {str(len(SOUND))}
    assert got[0][3] == "2026-12-01T05:00:00+07:00" and got[0][4] == "2026-12-01T05:28:30+07:00" and got[0][7] == "Xã Đồng Tiến"
    assert sum(data.states("c").values()) == 8  # law 1
    assert len({line[0] for line in got}) == 4


def test_half_past_four_is_refused_and_says_why(data, made, speaker):
    speaker(outlet("A1", windows="mo-su 05:00-05:01"))
    plan(data, made, campaign("c", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1})]))
    assert rows(data) == []
    refused = data.rows("airing", "refused")
    assert len(refused) == 1 and refused[0]["reason"] == "too_long" and refused[0]["day"] == "2026-12-01", refused


def test_a_decline_is_final_and_outlives_planning_again(data, made, speaker):
    speaker(outlet("A1"))
    spec = campaign("c", steps=[airings(outlets="all")])
    plan(data, made, spec)
    first, second = (row["id"] for row in rows(data)[:2])
    assert "reason" in data.refused("airing", "decline", str(first)).lower()
    data.ok("airing", "decline", str(first), "--reason", "lễ hội", "--by", "xa")
    data.ok("airing", "approve", str(second), "--by", "xa")
    before = next(row for row in rows(data) if row["id"] == second)
    plan(data, made, spec)
    after = {row["id"]: row for row in rows(data)}
    assert after[first]["decision"] == "declined" and after[first]["reason"] == "declined"
    assert after[second]["decision"] == "approved" and after[second]["start"] == before["start"]
    assert len(after) == 4 and sum(data.states("c").values()) == 4


def test_a_clash_of_priorities_is_seen_before_approval_and_decided(data, made, speaker):
    speaker(outlet("A1", windows="mo-su 05:00-05:02"))
    one = {"per_day": 1, "days": 1, "priority": "priority"}
    plan(data, made, campaign("a", steps=[airings(outlets="all", airings=one)]))
    plan(data, made, campaign("b", steps=[airings(outlets="all", airings=one)]))
    clash = data.rows("airing", "clash")
    assert {row["campaign"] for row in clash} == {"a", "b"} and len(clash) == 2
    said = data.json("airing", "approve", "--campaign", "b", "--by", "xa")
    assert said["approved"] == 0 and said["unchanged"] == 1  # a clash is decided one by one
    mine = next(row["id"] for row in clash if row["campaign"] == "b")
    said = data.json("airing", "approve", str(mine), "--by", "xa")
    assert said == {**said, "approved": 1, "gave_way": 1}
    assert {row["campaign"]: row["decision"] for row in rows(data)} == {"a": "declined", "b": "approved"}
    assert data.rows("airing", "clash") == []


def test_normal_airings_make_room_for_priority_ones(data, made, speaker):
    speaker(outlet("A1", windows="mo-su 05:00-05:03"))
    plan(data, made, campaign("a", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1})]))
    plan(data, made, campaign("b", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1, "priority": "priority"})]))
    times = {row["campaign"]: row["start"][11:19] for row in rows(data)}
    assert times == {"b": "05:00:00", "a": "05:01:30"}


def test_an_emergency_goes_at_once_everywhere_after_two_people(data, made, speaker):
    speaker(outlet("A1"), outlet("A2", "24002"))
    spec = campaign("e", steps=[airings(when="now", outlets="all")])
    spec["class"] = "emergency"
    spec["steps"][0]["when"] = {"at": "now"}
    spec["steps"][0]["airings"] = {"materials": ["gia-dinh"], "priority": "emergency", "reason": "bão"}
    plan(data, made, spec)
    assert {row["decision"] for row in rows(data)} == {"approved"}
    data.ok("--by", "one", "campaign", "approve", "e", "--reason", "bão")
    assert "e" in data.refused("--by", "one", "campaign", "start", "e")
    data.ok("--by", "two", "campaign", "approve", "e", "--reason", "bão")
    data.ok("campaign", "start", "e")
    run(data, clock="2026-12-01T02:00:00+07:00", until="x60")  # quiet hours
    assert {row["state"] for row in rows(data)} == {"delivered"}
    assert len(heard(data)) == 2 and {line[6] for line in heard(data)} == {"emergency"}


def test_what_an_emergency_cut_is_repeated_where_there_is_room(data, made, speaker):
    speaker(outlet("A1", device="cut"))
    plan(data, made, campaign("c", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1})]))
    data.ok("airing", "approve", "--campaign", "c", "--by", "xa")
    start(data, "c")
    run(data)
    booked = rows(data)
    assert len(booked) == 2 and booked[0]["state"] == "failed" and booked[0]["played_s"] == 4
    assert "cut by an emergency" in booked[0]["detail"] and booked[1]["decided_by"] == "repeat"


def test_a_busy_device_is_tried_until_the_window_ends(data, made, speaker):
    speaker(outlet("A1", device="busy"))
    plan(data, made, campaign("c", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1})]))
    data.ok("airing", "approve", "--campaign", "c", "--by", "xa")
    start(data, "c")
    run(data)
    (row,) = rows(data)
    assert row["state"] == "failed" and row["reason"] == "timeout", row
    assert len(heard(data)) > 3 and data.states("c") == {"failed": 1}


def test_quiet_hours_that_came_later_are_kept(data, made, speaker):
    speaker(outlet("A1"))
    plan(data, made, campaign("c", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1})]))
    data.ok("airing", "approve", "--campaign", "c", "--by", "xa")
    start(data, "c")
    data.ok("--clock", DAWN + ",x1", "outlet", "import", data.write("outlets.csv", table([outlet("A1", windows="mo-su 06:00-06:30")])))
    run(data)
    said, other = rows(data)
    assert said["state"] == "suppressed" and said["reason"] == "withdrawn" and heard(data) == []
    assert other["start"][11:16] == "06:00" and other["reason"] == "expired"


def test_stop_and_pause(data, made, speaker):
    speaker(outlet("A1"))
    plan(data, made, campaign("c", steps=[airings(outlets="all")]))
    data.ok("airing", "approve", "--campaign", "c", "--by", "xa")
    start(data, "c")
    data.ok("campaign", "stop", "c")
    assert data.states("c") == {"suppressed": 4} and {row["reason"] for row in rows(data)} == {"stopped"}


def test_a_persons_word_counts_with_who_and_when(data, made, speaker):
    speaker(outlet("A1", device="hold"))
    plan(data, made, campaign("c", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1})]))
    data.ok("airing", "approve", "--campaign", "c", "--by", "xa")
    (row,) = rows(data)
    at = "2026-12-01T05:02"
    later = "2026-12-01T09:00:00+07:00,x1"
    data.refused("--clock", later, "airing", "confirm", str(row["id"]), "--played", at)
    start(data, "c")
    run(data)
    (row,) = rows(data)
    assert row["state"] == "accepted" and row["played_s"] is None
    assert "90" in data.refused("--clock", later, "airing", "confirm", str(row["id"]), "--played", at, "--seconds", "91")
    for clock, reason, end in ((later, "awaits_confirmation", "open"), ("2026-12-09T09:00:00+07:00,x1", "not_confirmed", "missed")):
        (row,) = data.rows("--clock", clock, "airing", "list")
        (told,) = data.rows("--clock", clock, "report", "asrun", "c")
        assert (row["state"], row["reason"], told["planned"], told[end]) == ("accepted", reason, 1, 1), (row, told)
    assert data.json("--clock", clock, "report", "asrun", "c")["tables"]["lost"]["rows"][0]["why"] == "not_confirmed"
    data.ok("--clock", later, "--by", "cô Hoa", "airing", "confirm", str(row["id"]), "--played", at, "--seconds", "60")
    (row,) = rows(data)
    assert row["state"] == "delivered" and row["confirmed_by"] == "cô Hoa" and row["played_s"] == 60
    assert row["played_at"].startswith("2026-12-01T05:02")


def test_a_person_may_know_better_than_a_silent_device_but_not_than_one_that_told(data, made, speaker):
    speaker(outlet("A1", device="refuse"), outlet("A2", device="cut"))
    plan(data, made, campaign("c", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1})]))
    data.ok("airing", "approve", "--campaign", "c", "--by", "xa")
    start(data, "c")
    run(data)
    silent, cut, *_ = rows(data)
    assert (silent["state"], silent["played_s"], cut["state"], cut["played_s"]) == ("failed", None, "failed", 4)
    said = ("--clock", "2026-12-01T09:00:00+07:00,x1", "--by", "cô Hoa", "airing", "confirm")
    data.refused(*said, str(cut["id"]), "--played", "2026-12-01T05:00")
    data.ok(*said, str(silent["id"]), "--played", "2026-12-01T05:10")
    silent = rows(data)[0]
    assert (silent["state"], silent["reason"], silent["confirmed_by"], silent["played_s"]) == ("delivered", "", "cô Hoa", 90), silent


def test_a_draft_can_be_costed_and_nothing_is_booked(data, made, speaker):
    speaker(outlet("A1"))
    made.channel({"name": "outbox", "plugin": "outbox", "options": {}, "window": 10, "price": 300})
    made.contacts([{"ref": "p1", "name": "Hoa", "email": "h@example.com"}])
    made.apply(campaign("c", steps=[airings(outlets="all"), step(name="s2", channel="outbox")]))
    cost = data.json("campaign", "cost", "c")
    assert cost["cost"] == 300, cost
    assert rows(data) == []
    plan(data, made, campaign("c", steps=[airings(outlets="all"), step(name="s2", channel="outbox")]))
    assert data.json("campaign", "cost", "c")["cost"] == 300 and len(rows(data)) == 4
    assert sum(data.states("c").values()) == 5


def test_bad_files_name_line_and_field(data, made, speaker):
    speaker(outlet("A1"))
    faults = [({"per_day": 0, "days": 1, "materials": ["gia-dinh"]}, "airings.per_day"),
              ({"per_day": 1, "days": 1, "materials": ["gia-dinhh"]}, "gia-dinh"),
              ({"per_day": 1, "days": 60, "materials": ["gia-dinh"]}, "airings.days"),
              ({"materials": ["gia-dinh"], "priority": "emergency"}, "airings.reason"),
              ({"materials": ["gia-dinh"], "priority": "emergency", "reason": "x"}, "airings.priority")]
    for number, (asked, words) in enumerate(faults):
        spec = campaign("c", steps=[airings(outlets="all")])
        spec["steps"][0]["airings"] = asked
        message = data.run("campaign", "apply", data.write(f"bad{number}.json", spec))
        assert message.code != 0 and words in message.err, message
    spec = campaign("c", steps=[airings(outlets="ownerr = 'village'")])
    message = data.run("campaign", "apply", data.write("bad.json", spec))
    assert message.code != 0 and "steps[0].outlets" in message.err and "owner" in message.err, message


def test_check_tells_how_long_materials_last_and_who_hears_nothing(data, made, speaker):
    speaker(outlet("A1"), outlet("N1", languages="nut"), outlet("N2", languages="nut; en"), outlet("N3", "24002", languages="nut"))
    material(data, "moi", 30, "en")
    data.sql_write("UPDATE recording SET script = ? WHERE name = 'moi'", "word " * 140)
    material(data, "nhap", 20)
    data.sql_write("UPDATE recording SET state = 'draft' WHERE name = 'nhap'")
    spec = campaign("c", steps=[airings(outlets="place = 'Đồng Tiến'", airings={"materials": ["gia-dinh", "moi", "nhap"]})])
    file = data.write("c.json", spec)
    told = data.json("campaign", "check", file)["notices"]
    assert [(f"materials[{number}]: " in line, line.split("]: ", 1)[1]) for number, line in zip((0, 0, 1, 1, 1, 2, 2, 2), told)] == [
        (True, "lasts 90 s in vi (approved)"),
        (True, "has no approved recording in nut, which 2 outlets prefer: 0 of them play nothing, the others another of their languages or Vietnamese"),
        (True, "lasts 30 s in en (approved); its 140 words take a person about 60 s to read aloud"),
        (True, "has no approved recording in vi, which 1 outlets prefer: 1 of them play nothing, the others another of their languages or Vietnamese"),
        (True, "has no approved recording in nut, which 2 outlets prefer: 1 of them play nothing, the others another of their languages or Vietnamese"),
        (True, "lasts 20 s in vi (not listened to yet, so it is not planned)"),
        (True, "has no approved recording in vi, which 1 outlets prefer: 1 of them play nothing, the others another of their languages or Vietnamese"),
        (True, "has no approved recording in nut, which 2 outlets prefer: 2 of them play nothing, the others another of their languages or Vietnamese")], told
    shown = data.run("--lang", "vi", "campaign", "check", file)
    assert shown.code == 0 and "140 tiếng, một người đọc hết khoảng 60 giây" in shown.err and "không phát gì" in shown.err, shown.err
    spec["steps"][0]["airings"]["materials"] = ["moi"]
    plan(data, made, spec)
    assert {row["outlet"] for row in rows(data)} == {"N2"}  # as it was told
    assert {(row["outlet"], row["reason"]) for row in data.rows("airing", "refused")} == {("A1", "no_material"), ("N1", "no_material")}


def test_two_outlets_with_one_device_lose_nothing(data, made, speaker):
    speaker(outlet("A1"))
    plan(data, made, campaign("c", steps=[airings(outlets="all")]))
    booked = rows(data)
    second = {**outlet("A2"), "device": "test:ok/A1"}
    file = data.write("again.csv", table([second, outlet("A3", windows=""), outlet("A4", "24002")]))
    for lang, words in (("vi", ("điểm phát A1 đang dùng thiết bị này", "phải có khung giờ phát")), ("en", ("outlet A1 has this device", "windows"))):
        data.ok("--lang", lang, "outlet", "import", file, "--rejects", data.path("r.csv"))
        with open(data.path("r.csv"), encoding="utf-8-sig") as rejects:
            lines = rejects.read()
        assert all(word in lines for word in (*words, '2,"device"', '3,"windows"')) and "A4" not in lines, lines
    assert [row["code"] for row in data.json("outlet", "list")["rows"]] == ["A1", "A4"]
    assert rows(data) == booked


def test_the_month_of_a_commune_and_what_was_played(data, made, speaker):
    speaker(outlet("A1"), outlet("A2", "24002", device="hold", owner="village"))
    plan(data, made, campaign("c", steps=[airings(outlets="all")]))
    data.ok("airing", "approve", "--outlet", "A1", "--by", "xa")
    month = data.json("report", "airtime", "--place", "Đồng Tiến", "--month", "2026-12")
    assert len(month["rows"]) == 31 and set(month["rows"][0]) >= {"day", "h05", "h17"}
    assert "05:00 A1: gia-dinh" in month["rows"][0]["h05"] and month["rows"][5]["h05"] in ("", None)
    data.ok("report", "airtime", "--place", "Đồng Tiến", "--month", "2026-12", "--pdf", data.path("month.pdf"))
    with open(data.path("month.pdf"), "rb") as file:
        assert file.read(5) == b"%PDF-"
    shown = data.ok("--lang", "vi", "report", "airtime", "--month", "2026-12").out
    assert "LỊCH PHÁT THANH" in shown and "Tháng 12 năm 2026" in shown and "T3 01/12" in shown
    start(data, "c")
    run(data)
    report = data.json("report", "asrun", "c")
    by = {row["outlet"]: row for row in report["rows"]}
    assert by["A1"]["planned"] == by["A1"]["played"] == 4 and by["A1"]["heard_min"] == 6 and by["A1"]["owner"] == "commune"
    assert by["A2"]["refused"] == 4 and by["A2"]["owner"] == "village"
    assert len(report["tables"]["lost"]["rows"]) == 4 and report["tables"]["lost"]["rows"][0]["why"]
    data.refused("report", "airtime", "--month", "2026-13")


def test_rehearsal_shows_airings(data, made, speaker):
    speaker(outlet("A1"))
    plan(data, made, campaign("c", steps=[airings(outlets="all")]))
    shown = data.json("--clock", DAWN + ",x1", "campaign", "rehearse", "c")
    assert shown["airings"] == {"booked": 4, "clashes": 0, "refused": 0}
    assert {row["state"] for row in shown["rows"]} == {"accepted"}
    assert {row["decision"] for row in rows(data)} == {"offered"}


def test_a_crash_loses_and_doubles_nothing(data, made, speaker):
    speaker(*[outlet(f"A{number}") for number in range(40)])
    plan(data, made, campaign("c", steps=[airings(outlets="all", airings={"per_day": 1, "days": 1})]))
    data.ok("airing", "approve", "--campaign", "c", "--by", "xa")
    start(data, "c")
    serve = data.serve("--clock", "2026-12-01T04:58:00+07:00,x30").wait_ready()
    eventually(lambda: len(heard(data)) > 0, 30, 0.01)
    serve.kill(also_hosts=True)
    run(data, clock="2026-12-01T05:03:00+07:00", until="x60")
    states = data.states("c")
    assert sum(states.values()) == 40 and set(states) <= {"delivered", "uncertain", "accepted"}, states
    keys = [line[0] for line in heard(data)]
    assert len(keys) == len(set(keys))  # nobody heard it twice
