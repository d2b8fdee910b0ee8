"""When, how fast and how often: quiet hours, caps, pace, retries, expiry, holdout, several channels at once."""
import json
import time
from collections import Counter
from datetime import datetime

import pytest

from rig.build import START, campaign, email_channel, outbox_channel, people, step
from rig.program import SLOW, eventually

CLOCK = f"{START},x1000"
HOUSE_RULES = {"rules": [
    {"class": "state_information", "channel": "email", "source": "house rule", "timezone": "Asia/Ho_Chi_Minh",
     "hours": {"from": "07:00", "to": "20:00"}, "caps": [{"messages": 1, "period": "PT24H"}, {"messages": 2, "period": "P7D"}]},
    {"class": "advertising", "channel": "*", "source": "law", "consent": True}]}


def with_rules(data, rules=None):
    data.ok("rules", "apply", data.write("rules.json", rules or HOUSE_RULES))


@pytest.mark.quick
def test_holdout_is_drawn_once_and_kept(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(1000))
    made.start(campaign(holdout={"percent": 10, "unit": "contact"}, steps=[step("a"), step("b", when={"after": "a", "delay": "PT1H"})]))
    rows = [row for row in data.messages("c", "suppressed") if row["reason"] == "holdout"]
    by_step = {name: {row["address"] for row in rows if row["step"] == name} for name in ("a", "b")}
    assert by_step["a"] == by_step["b"], "somebody is held out of one step and not of the other"
    assert 60 <= len(by_step["a"]) <= 140
    data.until_idle("--clock", CLOCK)
    assert not by_step["a"] & set(witness.recipients())


def test_holdout_by_household_keeps_households_together(data, made):
    made.init(outbox_channel(), contacts=people(300, household=lambda n: f"h{n % 100}"))
    made.apply(campaign(holdout={"percent": 50, "unit": "household"}, steps=[step(channel="outbox")]))
    data.ok("campaign", "plan", "c")
    out = Counter(int(row["address"][1:].split("@")[0]) % 100 for row in data.messages("c", "suppressed"))
    assert set(out.values()) == {3} and 25 <= len(out) <= 75


def test_holdout_by_place_keeps_places_together(data, made):
    """Everybody of a commune gets it or nobody does; who lives nowhere we know is drawn alone."""
    data.ok("init")
    communes = "".join(f"97{number:03d},Xã {number},commune,97,2000-01-01,\n" for number in range(60))
    data.ok("place", "import", data.write("places.csv", f"code,name,level,parent,valid_from,valid_to\n97,Tỉnh Lam Giang,province,,2000-01-01,\n{communes}"))
    made.init(outbox_channel(), contacts=people(360, place_code=lambda number: f"97{number % 60:03d}" if number <= 300 else ""))
    made.apply(campaign(steps=[step(channel="outbox")], holdout={"percent": 30, "unit": "place"}))
    data.ok("campaign", "plan", "c")
    kept_out = {int(row["contact_ref"][1:]) for row in data.messages("c", "suppressed")}
    by_place = Counter(number % 60 for number in kept_out if number <= 300)
    assert 5 <= len(by_place) <= 35 and set(by_place.values()) == {5}, by_place
    assert 3 <= len([number for number in kept_out if number > 300]) <= 40


@pytest.mark.quick
def test_quiet_hours_hold_until_morning(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(10))
    with_rules(data)
    made.start(campaign(**{"class": "state_information"}, steps=[step(when={"at": "2026-12-01T20:30"})]))
    serve = data.serve("--clock", "2026-12-01T20:29:00+07:00,x60").wait_ready()
    eventually(lambda: data.states("c").get("held") == 10, 15)
    rows = data.messages("c", "held")
    assert {row["reason"] for row in rows} == {"quiet_hours"}
    assert witness.count() == 0
    serve.stop()
    data.until_idle("--clock", "2026-12-02T06:59:00+07:00,x60")
    assert witness.count() == 10


@pytest.mark.quick
def test_caps_count_over_all_campaigns_in_a_rolling_window(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(10))
    with_rules(data)
    state = {"class": "state_information"}
    made.start(campaign("one", **state, steps=[step(when={"at": "2026-12-01T08:00"})]))
    made.start(campaign("two", **state, steps=[step(when={"at": "2026-12-01T12:00"})]))
    made.start(campaign("three", **state, steps=[step(when={"at": "2026-12-03T12:00"})]))
    serve = data.serve("--clock", "2026-12-01T07:59:00+07:00,x60000").wait_ready()
    eventually(lambda: witness.count() >= 30, 60, words="all three campaigns came through")
    serve.stop()
    times = {name: data.messages(name) for name in ("one", "two", "three")}
    sent = {name: sorted(row["sent_at"] for row in rows) for name, rows in times.items()}

    def hours(one, other):
        first, second = (datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() for text in (one, other))
        return (second - first) / 3600

    assert hours(sent["one"][0], sent["two"][0]) >= 24 - 0.1, "two within 24 h"
    assert hours(sent["one"][0], sent["three"][0]) >= 7 * 24 - 0.1, "three within 7 days"


@pytest.mark.quick
def test_advertising_needs_consent(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(4))
    data.ok("consent", "import", data.write("consent.csv", (
        "email,channel,purpose,action,at,source,evidence\n"
        "p1@example.com,email,advertising,given,2026-11-01,form,phieu-1\n"
        "p2@example.com,*,*,given,2026-11-01,form,phieu-2\n"
        "p3@example.com,email,advertising,given,2026-11-01,form,phieu-3\n"
        "p3@example.com,email,advertising,withdrawn,2026-11-02,sms,STOP\n")))
    made.start(campaign(**{"class": "advertising"}))
    data.until_idle("--clock", CLOCK)
    assert sorted(witness.recipients()) == ["p1@example.com", "p2@example.com"]
    assert len(data.messages("c", "suppressed")) == 2


@pytest.mark.quick
def test_pace(data, made, witness):
    made.init(email_channel(witness.port, rate={"per_second": 50, "burst": 1}), contacts=people(200))
    made.start(campaign())
    data.until_idle("--clock", f"{START},x1")
    times = [record["at"] for record in witness.accepted()]
    took = times[-1] - times[0]
    assert 200 / 50 * 0.8 <= took <= 200 / 50 * 2 + 2 * SLOW, took
    worst = max(sum(1 for t in times if a <= t < a + 1) for a in times)
    assert worst <= 50 * 1.5, worst


@pytest.mark.quick
def test_retries_back_off_and_give_up(data, made, witness):
    rows = [{"ref": "g", "name": "Xám", "email": "grey1@example.com"}, {"ref": "f", "name": "Đầy", "email": "full1@example.com"},
            {"ref": "u", "name": "Lạ", "email": "unknown1@example.com"}, {"ref": "s", "name": "Rác", "email": "spam1@example.com"},
            {"ref": "b", "name": "Tốt", "email": "good@example.com"}]
    made.init(email_channel(witness.port, retry={"tries": 3, "first": "PT10M", "longest": "PT4H"}), contacts=rows)
    made.start(campaign())
    data.until_idle("--clock", CLOCK)
    ends = {row["address"]: row for row in data.messages("c")}
    assert ends["good@example.com"]["state"] == "accepted" and ends["good@example.com"]["tries"] == 1
    assert ends["grey1@example.com"]["state"] == "accepted" and ends["grey1@example.com"]["tries"] == 2
    assert ends["full1@example.com"]["state"] == "failed" and ends["full1@example.com"]["tries"] == 3
    assert ends["full1@example.com"]["reason"] == "mailbox_full"
    assert ends["unknown1@example.com"]["state"] == "failed" and ends["unknown1@example.com"]["tries"] == 1
    assert "5.1.1" in ends["unknown1@example.com"]["detail"]
    assert ends["spam1@example.com"]["state"] == "failed"


@pytest.mark.quick
def test_expiry(data, made, witness):
    """A message that cannot leave in time is suppressed as expired, not sent late."""
    made.init(email_channel(witness.port, rate={"per_minute": 10}), contacts=people(40))
    made.start(campaign(steps=[step(expires="PT2M")]))
    data.until_idle("--clock", f"{START},x40")
    states = data.states("c")
    assert 5 <= states["accepted"] <= 32 and states["accepted"] + states["suppressed"] == 40, states
    assert {row["reason"] for row in data.messages("c", "suppressed")} == {"expired"}


@pytest.mark.quick
def test_template_error_is_never_half_a_text(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(5, town=lambda n: "" if n == 3 else "Bình Lộc"))
    made.start(campaign(steps=[step(content={"vi": {"subject": "s", "text": "ở {{town}}"}})]))
    data.until_idle("--clock", CLOCK)
    assert sorted(witness.recipients()) == [f"p{n}@example.com" for n in (1, 2, 4, 5)]
    row, = data.messages("c", "suppressed")
    assert row["address"] == "p3@example.com" and row["reason"] == "template_error"


@pytest.mark.quick
def test_one_slow_channel_never_holds_another(data, made, witness_with):
    slow, fast = witness_with("--delay-ms", "3000", name="slow"), witness_with(name="fast")
    made.init(email_channel(slow.port, "slow", window=2), email_channel(fast.port, "fast"), contacts=people(500))
    made.start(campaign("a", steps=[step(channel="slow")]))
    made.start(campaign("b", steps=[step(channel="fast")]))
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    began = time.monotonic()
    eventually(lambda: fast.count() == 500, 15)
    assert time.monotonic() - began < 15 * SLOW and slow.count() < 60
    serve.stop(60)


def test_slow_answers_stall_nobody(data, made, smtp_sink_with):
    """smtp-sink -W .:1 answers each body after a second; with 20 connections 200 messages need ten seconds, not 200."""
    sink = smtp_sink_with("-W", ".:1")
    made.init(email_channel(sink.port, window=100, options={"connections": 20}), contacts=people(100))
    made.start(campaign())
    began = time.monotonic()
    data.until_idle("--clock", f"{START},x1", seconds=60)
    assert time.monotonic() - began < 20 * SLOW
    assert data.states("c") == {"accepted": 100}


@pytest.mark.quick
def test_server_away_and_back(data, made, witness_with):
    """No server: nothing is lost, nothing is failed for good; when it comes, all is sent, once."""
    from rig.ports import free_port
    port = free_port()
    made.init(email_channel(port, retry={"tries": 20, "first": "PT1S", "longest": "PT4S"}), contacts=people(50))
    made.start(campaign())
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    time.sleep(1.5)
    assert "failed" not in data.states("c")
    witness = witness_with(port=port)
    eventually(lambda: witness.count() == 50, 60, words="all sent once the server is there")
    serve.stop()
    assert max(Counter(witness.recipients()).values()) == 1


def test_recurring_step(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(3))
    made.start(campaign(steps=[step(when={"at": "2026-12-01T08:00", "rrule": "FREQ=WEEKLY;COUNT=3"})]))
    serve = data.serve("--clock", "2026-12-01T07:59:00+07:00,x100000").wait_ready()
    eventually(lambda: witness.count() == 9, 30)
    serve.stop()
    assert Counter(witness.recipients()) == {f"p{n}@example.com": 3 for n in (1, 2, 3)}


def test_budget(data, made, witness):
    made.init(email_channel(witness.port, price=100), contacts=people(50))
    made.start(campaign(budget={"amount": 2000, "currency": "VND"}))
    data.until_idle("--clock", CLOCK)
    assert data.states("c") == {"accepted": 20, "suppressed": 30}
    assert {row["reason"] for row in data.messages("c", "suppressed")} == {"over_budget"}


def test_not_approved_not_started(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(5))
    name = made.apply(campaign())
    data.refused("campaign", "approve", name)
    data.refused("campaign", "start", name)
    data.ok("campaign", "plan", name)
    data.refused("campaign", "start", name)
    data.until_idle("--clock", CLOCK)
    assert witness.count() == 0
    # A change after planning is refused; planning again drops the approval.
    changed = campaign(legal_basis="khác")
    data.ok("campaign", "approve", name)
    data.ok("campaign", "plan", name)
    data.refused("campaign", "start", name)
    message = data.refused("campaign", "apply", data.write("changed.json", changed))
    assert message


def test_export_round_trips(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(1))
    name = made.apply(campaign(holdout={"percent": 5, "unit": "contact"}))
    text = data.ok("campaign", "export", name).out
    again = data.ok("campaign", "apply", data.write("again.json", text), "--json").json
    assert not again.get("changed", False)
    assert json.loads(text)["name"] == name


@pytest.mark.quick
def test_fallback_reaches_those_whom_the_first_channel_did_not(data, made, witness):
    """The mail server knows some of them not, one has no address at all: the outbox steps in for these and for nobody else."""
    rows = people(6) + [{"ref": "u1", "name": "Lạ Một", "email": "unknown1@example.com", "phone": "0912345678"},
                        {"ref": "u2", "name": "Lạ Hai", "email": "unknown2@example.com", "phone": "0912345679"},
                        {"ref": "n1", "name": "Không Thư", "phone": "0912345670"},
                        {"ref": "s1", "name": "Rác", "email": "spam1@example.com", "phone": "0912345671"}]
    made.init(email_channel(witness.port), outbox_channel(), contacts=rows)
    made.start(campaign(steps=[step("mail"), step("paper", channel="outbox", when={"fallback_of": "mail", "reasons": ["invalid_address", "no_address"]})]))
    data.until_idle("--clock", CLOCK)
    paper = {row["contact_ref"]: (row["state"], row["reason"]) for row in data.messages("c") if row["step"] == "paper"}
    assert {ref for ref, (state, _) in paper.items() if state == "accepted"} == {"u1", "u2", "n1"}
    assert {reason for state, reason in paper.values() if state == "suppressed"} == {"condition"}
    assert len(paper) == 10


@pytest.mark.quick
def test_stop_says_how_it_is_and_ends_a_stop_that_was_cut_off(data, made):
    made.init(outbox_channel(), contacts=people(6))
    made.start(campaign("sent", steps=[step(channel="outbox")]))
    made.start(campaign("late", steps=[step(channel="outbox", when={"at": "2026-12-20T08:00"})]))
    with data.serving("--clock", CLOCK, "--json") as serve:
        assert json.loads(serve.out()) == {"state": "ready", "data": data.dir}
        eventually(lambda: data.states("sent") == {"accepted": 6}, 20)
        eventually(lambda: "sent is done" in serve.log(), 20)
    assert data.json("campaign", "stop", "sent") == {"campaign": "sent", "state": "done"}
    assert data.json("campaign", "stop", "late") == {"campaign": "late", "state": "stopped"}
    # As if the program had been killed between the state and the last rows.
    data.sql_write("UPDATE message SET state = 0, reason = 0 WHERE id IN (SELECT id FROM message WHERE state = 2 LIMIT 4)")
    assert data.states("late") == {"planned": 4, "suppressed": 2}
    assert data.json("campaign", "stop", "late")["state"] == "stopped" and data.states("late") == {"suppressed": 6}
    # Of all campaigns each row names its own.
    assert data.ok("message", "list").out.count("  late  s1  suppressed") == 6
    assert "late" not in data.ok("message", "list", "--campaign", "late").out
