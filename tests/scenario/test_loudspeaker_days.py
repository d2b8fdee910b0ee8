"""Devices that fetch, over days, through the whole program: lost links, wrong clocks, what came too late, half past four."""
from rig.build import campaign, table
from rig.program import SLOW
from rig.loud import PLANNED, Loud, airings, emergency, outlet

from device_sim import Device
from loud_rig import millis
from test_loud_rtp import Receiver

DAY = 86400000
EVE = "2026-11-30T18:00:00+07:00,x1"
NEXT = "2026-12-02T09:00:00+07:00,x1"


def device(loud, number, clock_ms=0):
    return Device(loud.port, f"loa-{number}", f"khoa-cua-loa-{number}", clock_ms)


def test_a_day_without_a_link_and_a_wrong_clock(data, made):
    """Three devices fetch the plan in the evening; two lose their link, one of them with a clock three hours slow, and the third is switched off."""
    loud = Loud(data, made, keys="loa-9 khoa-cua-loa-9")
    loud.outlets(*(outlet(f"K{n}", f"device:loa-{n}") for n in (7, 8, 9)))
    loud.start(campaign("c", steps=[airings(per_day=2)]))
    seven, eight, nine = device(loud, 7), device(loud, 8, -3 * 3600000 - 250), device(loud, 9)
    with loud.serving(EVE):
        for code in ("K7", "K8", "K9"):
            loud.all_become(code, "accepted", 2)
        since = loud.now()
        planned = [item["start"][:16] for item in seven.fetch(since)["items"]]
        eight.fetch(since)
        nine.fetch(since)
    assert planned == ["2026-12-01T05:00", "2026-12-01T17:00"], "never before the quiet hours end"
    seven.play_until(since, since + DAY)
    eight.play_until(since, since + DAY)
    nine.play_until(millis("2026-12-01T12:00:00+07:00"), since + DAY)
    with loud.serving(NEXT):
        assert {row["state"] for row in data.rows("airing", "list")} == {"accepted"}, "nothing is known yet"
        for one in (seven, eight, nine):
            status, answer = one.upload(loud.now())
            assert status == 200 and len(answer["taken"]) == 2
        played = {code: loud.all_become(code, "delivered", 2) for code in ("K7", "K8")}
        late = sorted(data.rows("airing", "list", "--outlet", "K9"), key=lambda row: row["start"])
        again, known = eight.upload(loud.now())
        assert again == 200 and len(known["known"]) == 2, "a repeat does no harm"
    for rows in played.values():
        for row, start in zip(rows, planned):
            assert abs(millis(row["played_at"]) - millis(f"{start}:00+07:00")) < 2000 * SLOW and row["played_s"] == 2, row
    assert [(row["state"], row["reason"], row["detail"]) for row in late][0] == ("failed", "timeout", "expired")
    assert late[1]["state"] == "delivered" and abs(millis(late[1]["played_at"]) - millis("2026-12-01T17:00:00+07:00")) < 2000 * SLOW
    report = data.json("report", "asrun", "c")
    by = {row["outlet"]: row for row in report["rows"]}
    assert [(by[code]["planned"], by[code]["played"], by[code]["missed"]) for code in ("K7", "K8", "K9")] == [(2, 2, 0), (2, 2, 0), (2, 1, 1)]
    (clock,) = report["tables"]["clocks"]["rows"]
    assert (clock["outlet"], clock["airings"], clock["doubtful"]) == ("K8", 2, 0) and abs(clock["offset_s"] + 10800.25) < 2 * SLOW
    (owner,) = report["tables"]["owners"]["rows"]
    assert (owner["owner"], owner["outlets"], owner["planned"], owner["played"], owner["by_device"]) == ("village", 3, 6, 5, 5)
    assert "hết hạn" in data.ok("--lang", "vi", "report", "asrun", "c").out


def test_what_came_too_late_is_not_played(data, made):
    """Handed out and not begun in time, never handed out, never fetched: three ways to be late, and no sound."""
    receiver = Receiver()
    loud = Loud(data, made)
    loud.outlets(outlet("RTP", f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"), outlet("SAU", f"rtp://127.0.0.1:{receiver.port}?codec=l16", windows="mo-su 05:40-05:50"),
                 outlet("KEO", "device:loa-7"))
    loud.start(campaign("c", steps=[airings()]))
    with loud.serving("2026-12-01T04:59:40+07:00,x1"):
        for code in ("RTP", "KEO"):
            loud.becomes(code, "accepted")
    with loud.serving("2026-12-01T06:00:00+07:00,x1"):
        ends = [loud.becomes("RTP", "failed"), loud.becomes("KEO", "failed"), loud.becomes("SAU", "suppressed")]
        assert device(loud, 7).fetch(loud.now())["items"] == []
    assert [(row["reason"], row["detail"]) for row in ends] == [
        ("timeout", "expired: it could begin until 05:29"), ("unreachable", "missed: device offline"), ("expired", "too late: the last moment to begin is over")]
    assert not receiver.stop()
    told = {row["outlet"]: (row["missed"], row["refused"]) for row in data.json("report", "asrun", "c")["rows"]}
    assert told == {"RTP": (1, 0), "KEO": (1, 0), "SAU": (0, 1)}
    shown = data.ok("--lang", "vi", "report", "asrun", "c").out
    assert "quá giờ: chỉ được bắt đầu đến 05:29" in shown and "không phát: thiết bị mất liên lạc" in shown, shown


def test_half_past_four(data, made):
    """No outlet gets it, no campaign gets it; only an emergency speaks."""
    receiver = Receiver()
    loud = Loud(data, made)
    early = outlet("SOM", "device:loa-7", windows="mo-su 04:30-05:30")
    rejects = data.path("rejects.csv")
    data.ok("--clock", PLANNED, "outlet", "import", data.write("early.csv", table([early])), "--rejects", rejects)
    with open(rejects, encoding="utf-8-sig") as file:
        assert "quiet hours" in file.read()
    assert data.rows("outlet", "list") == []
    loud.outlets(outlet("RTP", f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"))
    loud.start(campaign("c", steps=[airings(when="2026-12-01T04:30")]))
    assert loud.row("RTP")["start"].startswith("2026-12-01T05:00")
    loud.ready(emergency(material="gia-dinh"))
    with loud.serving("2026-12-01T04:30:00+07:00,x1"):
        asked = loud.begins("bao")
        loud.becomes("RTP", "delivered", campaign_name="bao")
        assert loud.row("RTP", "c")["state"] == "planned"
    packets = receiver.stop()
    assert len(packets) == 100 and packets[0][0] - asked < 2


def test_how_early_is_the_outlets_own(data, made):
    """Who fetches once a week needs more than two days; whose paper is printed each day, no month."""
    loud = Loud(data, made)
    rows = [outlet("K7", "device:loa-7", lead_hours=200), outlet("K8", "device:loa-8"), outlet("P1", "paper:mot"), outlet("P2", "paper:hai", lead_hours=24)]
    loud.outlets(*rows)
    assert {row["code"]: row["lead_hours"] for row in data.rows("outlet", "list")} == {"K7": 200, "K8": 48, "P1": 744, "P2": 24}
    loud.start(campaign("c", steps=[airings()]))
    with loud.serving("2026-11-24T12:00:00+07:00,x1"):
        for code in ("K7", "P1"):
            loud.becomes(code, "accepted")
        assert [loud.row(code)["state"] for code in ("K8", "P2")] == ["planned", "planned"]
        assert len(device(loud, 7).fetch(loud.now())["items"]) == 1 and not device(loud, 8).fetch(loud.now())["items"]
        rows[1]["lead_hours"] = 200
        data.ok("--clock", "2026-11-24T12:00:05+07:00,x1", "outlet", "import", data.write("outlets.csv", table(rows)))
        loud.becomes("K8", "accepted")
        assert loud.row("P2")["state"] == "planned"
    rules = {"source": "thử", "quiet": "22:00-05:00", "minutes_per_day": 45, "lead_hours": {"paper:": 48, "device:": 1, "device:loa-8": 72}}
    data.ok("rules", "apply", data.write("rules.json", rules))
    rows[1]["lead_hours"] = ""
    data.ok("--clock", "2026-11-24T12:00:05+07:00,x1", "outlet", "import", data.write("outlets.csv", table(rows)))
    assert {row["code"]: row["lead_hours"] for row in data.rows("outlet", "list")} == {"K7": 200, "K8": 72, "P1": 48, "P2": 24}
    for wrong, words in ((1441, "0 to 1440"), ("x", "0 to 1440")):
        rows[0]["lead_hours"] = wrong
        rejects = data.path("rejects.csv")
        data.ok("outlet", "import", data.write("outlets.csv", table(rows)), "--rejects", rejects)
        with open(rejects, encoding="utf-8-sig") as file:
            text = file.read()
        assert "lead_hours" in text and words in text, text
    for wrong, words in (({"paper:": 2000}, "1440"), ({"": 3}, "device"), (48, "object")):
        assert words in data.refused("rules", "apply", data.write("rules.json", {**rules, "lead_hours": wrong}))
