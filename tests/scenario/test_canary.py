"""The first wave: a small part goes alone, the rest follows when it arrives, and the campaign pauses by itself when it does not."""
import re

import pytest

from rig.build import START, campaign, email_channel, outbox_channel, people, step
from rig.program import eventually

pytestmark = pytest.mark.quick
CLOCK = f"{START},x1000"


def some_unknown(count, *numbers, word="unknown"):
    """That many people; the mail server knows these numbers not."""
    return people(count, email=lambda n: f"{word}{n}@example.com" if n in numbers else f"p{n}@example.com")


def waits_for(data, name="c"):
    return next(row["waits_for"] for row in data.rows("campaign", "list") if row["name"] == name)


def state_of(data, name="c"):
    return next(row["state"] for row in data.rows("campaign", "list") if row["name"] == name)


def test_a_bad_first_wave_pauses_the_campaign_and_a_person_lets_the_rest_go(data, made, witness):
    made.init(email_channel(witness.port), contacts=some_unknown(400, 3, 10, 20))
    made.start(campaign())
    serve = data.serve("--clock", CLOCK).wait_ready()
    eventually(lambda: state_of(data) == "paused", 20)
    assert witness.count() == 47 and data.states("c") == {"accepted": 47, "failed": 3, "planned": 350}
    assert "first wave of step s1: 3 of 50 failed (6.0 %, at most 5 % may)" in waits_for(data)
    assert data.sql("SELECT who, verb FROM audit WHERE verb = 'pause'") == [("lantoa", "pause")]
    data.ok("campaign", "resume", "c")
    eventually(lambda: data.states("c") == {"accepted": 397, "failed": 3}, 30)
    serve.stop()


def test_a_good_enough_first_wave_lets_the_rest_follow_by_itself(data, made, witness):
    made.init(email_channel(witness.port), contacts=some_unknown(400, 3, 10, 200, 201, 202, 203, 204, 205, 206, 207, 208))
    made.start(campaign())
    data.until_idle("--clock", CLOCK)
    assert data.states("c") == {"accepted": 389, "failed": 11} and state_of(data) == "done"


def test_the_wave_is_one_per_cent_of_a_large_audience(data, made, witness):
    made.init(email_channel(witness.port), contacts=some_unknown(6000, *range(1, 40)))
    made.start(campaign())
    serve = data.serve("--clock", CLOCK).wait_ready()
    eventually(lambda: state_of(data) == "paused", 20)
    serve.stop()
    tried = 6000 - data.states("c")["planned"]
    assert tried <= 60, tried


@pytest.mark.parametrize("canary,failed", [(False, 99), ({"pause_above_percent": 100}, 99)])
def test_it_can_be_switched_off(data, made, witness, canary, failed):
    made.init(email_channel(witness.port), contacts=some_unknown(120, *range(1, 100)))
    made.start(campaign(canary=canary))
    data.until_idle("--clock", CLOCK)
    assert data.states("c") == {"accepted": 21, "failed": failed}


def test_a_small_audience_is_not_split(data, made, witness):
    made.init(email_channel(witness.port), contacts=some_unknown(99, *range(1, 90)))
    made.start(campaign())
    data.until_idle("--clock", CLOCK)
    assert data.states("c") == {"accepted": 10, "failed": 89}


def test_a_restart_keeps_the_wave(data, made, witness_with):
    witness = witness_with("--delay-ms", "100")
    made.init(email_channel(witness.port, rate={"per_second": 20, "burst": 1}), contacts=some_unknown(200, *range(45, 51)))
    made.start(campaign())
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    eventually(lambda: witness.count() >= 5, 20)
    serve.kill(also_hosts=True)
    serve = data.serve("--clock", f"{START},x20").wait_ready()
    eventually(lambda: state_of(data) == "paused", 30)
    serve.stop()
    # It pauses at the third failure, when some of the wave may not have left yet.
    assert 150 <= data.states("c")["planned"] <= 153


def test_the_outcomes_that_are_known_decide_when_some_never_come(data, made, witness):
    """Full mailboxes are tried again for hours; the others of the wave have long said that it works."""
    channel = email_channel(witness.port, retry={"tries": 9, "first": "PT1H", "longest": "PT4H"})
    made.init(channel, contacts=some_unknown(200, *range(1, 21), word="full"))
    made.start(campaign())
    serve = data.serve("--clock", f"{START},x600").wait_ready()
    eventually(lambda: witness.count() == 180, 30, words="all others have it")
    serve.stop()
    at = data.sql("SELECT max(at) - min(at) FROM message WHERE state = 4")[0][0]
    assert at >= 30 * 60 * 1000, "the rest left before the wave's half hour was over"


def test_those_nobody_writes_to_are_no_wave(data, made, witness):
    """The first hundred are left out at the last moment: the wave moves on to people who are written to."""
    rows = people(300, kind=lambda n: "no" if n <= 100 else "yes", email=lambda n: f"unknown{n}@example.com" if n > 100 else f"p{n}@example.com")
    made.init(email_channel(witness.port), contacts=rows)
    made.start(campaign(steps=[step(only_if="kind = 'yes'")]))
    serve = data.serve("--clock", CLOCK).wait_ready()
    eventually(lambda: state_of(data) == "paused", 20)
    serve.stop()
    states = data.states("c")
    assert states["suppressed"] == 100 and states["failed"] == 50 and states["planned"] == 150


def test_quiet_hours_hold_the_wave_and_the_rest_waits_for_it(data, made, witness):
    made.init(email_channel(witness.port), contacts=some_unknown(200, 1, 2, 3))
    made.start(campaign(hours={"from": "07:00", "to": "20:00"}, steps=[step(when={"at": "2026-12-01T20:30"})]))
    serve = data.serve("--clock", "2026-12-01T20:29:00+07:00,x6000").wait_ready()
    eventually(lambda: state_of(data) == "paused", 30)
    serve.stop()
    assert data.states("c") == {"accepted": 47, "failed": 3, "planned": 150}


def test_a_rehearsal_shows_it(data, made):
    made.init(outbox_channel(), contacts=people(200))
    made.apply(campaign(steps=[step(channel="outbox")]))
    told = data.json("campaign", "rehearse", "c")
    assert told["first_waves"] == [{"step": "s1", "occurrence": 1, "messages": 50}]
    assert re.search(r"step s1: the first 50 messages go alone", data.ok("campaign", "rehearse", "c").out)
    made.apply(campaign("r", steps=[step(channel="outbox", when={"at": "2026-12-01T08:00", "rrule": "FREQ=WEEKLY;COUNT=2"})]))
    shown = data.ok("campaign", "rehearse", "r").out
    assert re.findall(r"step s1, occurrence (\d): the first", shown) == ["1", "2"]


@pytest.mark.parametrize("canary,words", [({"percent": 0}, "canary.percent"), ({"at_least": 0}, "canary.at_least"), (3, "canary"),
                                          ({"within": "PT5S"}, "canary.within"), ({"receipts": "P1M"}, "canary.receipts"), ({"colour": 1}, "canary.colour")])
def test_a_wrong_one_is_refused(data, made, canary, words):
    made.init(outbox_channel())
    told = data.refused("campaign", "apply", data.write("bad.json", campaign(canary=canary, steps=[step(channel="outbox")])))
    assert words in told and "bad.json:" in told
