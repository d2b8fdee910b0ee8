"""An SMS campaign through the whole program and an SMSC of others (npm smpp): results, receipts, throttling, crashes, answers."""
import contextlib
import os
from collections import Counter

import pytest

from rig.build import START, campaign, step
from rig.program import eventually
from rig.sms import Smsc, phones, sms_channel, sms_text


@pytest.fixture
def smsc_with(scratch):
    started = []

    def start(**options):
        started.append(Smsc(scratch, **options))
        return started[-1]

    yield start
    for peer in started:
        peer.end()


def sms_campaign(**more):
    return campaign(steps=[step(channel="sms", content=sms_text())], **more)


def by_digit(data):
    found = {}
    for row in data.messages("c"):
        found.setdefault(row["address"][-1], set()).add(row["state"])
    return found


def test_every_number_ends_as_the_operator_says(data, made, smsc_with):
    """Delivered, undeliverable, throttled, refused, expired, late: and the sums hold."""
    smsc = smsc_with()
    made.init(sms_channel(smsc.port, options={"timeout": "3s"}), contacts=phones(90, "012345689"))
    made.start(sms_campaign())
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: data.states("c") == {"delivered": 50, "failed": 30, "uncertain": 10}, 30, 0.3, "all ended: " + str(data.states("c")))
    found = by_digit(data)
    assert all(found[digit] == {"delivered"} for digit in "02689")
    assert all(found[digit] == {"failed"} for digit in "135")
    assert found["4"] == {"uncertain"}
    counts = Counter(row["to"] for row in smsc.rows())
    assert max(counts.values()) == 1 and len(counts) == 80
    texts = {row["text"] for row in smsc.rows()}
    assert "Chào Nguyễn Văn 1, mời ông bà tham gia BHXH tự nguyện" in texts
    assert all(row["status"] == 0 for row in smsc.rows("ack")) and len(smsc.rows("ack")) == 70


def test_a_throttling_operator_costs_no_tries(data, made, smsc_with):
    smsc = smsc_with(tps=60, receipts="none")
    made.init(sms_channel(smsc.port, retry={"tries": 1, "first": "PT1S", "longest": "PT2S"}), contacts=phones(300))
    made.start(sms_campaign())
    data.until_idle("--clock", f"{START},x1", seconds=60)
    assert data.states("c") == {"accepted": 300}
    assert len({row["to"] for row in smsc.rows()}) == len(smsc.rows()) == 300


@pytest.mark.parametrize("victim", ["host", "core"])
def test_a_crash_leaves_at_most_the_window_and_a_late_receipt_settles_it(data, made, smsc_with, victim):
    """Killed in mid flight: whoever was on the way is uncertain, nobody gets it twice, and the operator's receipt tells the end."""
    window = 20
    smsc = smsc_with(delay=50, receipts="late", echo=1)
    made.init(sms_channel(smsc.port, options={"window": window}), contacts=phones(400))
    made.start(sms_campaign())
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    eventually(lambda: len(smsc.rows()) > 150, 20, 0.01, "the campaign is under way")
    if victim == "host":
        with contextlib.suppress(ProcessLookupError):
            os.kill(serve.hosts()["sms"], 9)
    else:
        serve.kill(also_hosts=True)
        serve = data.serve("--clock", f"{START},x1").wait_ready()
    eventually(lambda: sum(data.states("c").get(state, 0) for state in ("accepted", "uncertain", "delivered")) == 400, 30, 0.3, str(data.states("c")))
    states = data.states("c")
    assert 1 <= states.get("uncertain", 0) <= window, states
    counts = Counter(row["to"] for row in smsc.rows())
    assert max(counts.values()) == 1, "nobody got it twice"
    uncertain = {row["address"][1:] for row in data.messages("c", "uncertain")}
    arrived = uncertain & set(counts)
    smsc.say("late")
    eventually(lambda: all(row["state"] == "delivered" for row in data.messages("c") if row["address"][1:] in arrived), 20, 0.3,
               "the late receipts settle what had arrived")
    serve.stop()
    assert data.states("c").get("uncertain", 0) == len(uncertain - arrived)


def test_messages_wait_for_an_operator_that_is_away(data, made, smsc_with):
    """While nobody answers nothing fails; when the operator is there, everybody gets the message once."""
    first = smsc_with()
    port = first.port
    first.end()
    made.init(sms_channel(port, retry={"tries": 5, "first": "PT1S", "longest": "PT2S"}), contacts=phones(30))
    made.start(sms_campaign())
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: any("refused" in (row["detail"] or "") for row in data.messages("c")), 20, 0.3, "the messages say why they wait")
        assert not data.states("c").get("failed")
        smsc = smsc_with(port=port, name="second")
        eventually(lambda: data.states("c").get("delivered") == 30, 30, 0.3, "all arrive")
    assert max(Counter(row["to"] for row in smsc.rows()).values()) == 1


def test_a_refusal_by_sms_holds_before_the_next_message(data, made, smsc_with):
    """TC stops what comes next and is confirmed once; anything else lands in the inbox."""
    smsc = smsc_with()
    made.init(sms_channel(smsc.port), contacts=phones(5))
    later = step(name="s2", channel="sms", when={"at": "2026-12-01T08:05"}, content=sms_text("Tin thu hai"))
    made.start(campaign(steps=[step(channel="sms", content=sms_text("Tin thu nhat")), later]))
    with data.serving("--clock", f"{START},x10"):
        eventually(lambda: sum(row["text"] == "Tin thu nhat" for row in smsc.rows()) == 5, 20, 0.2, "the first step")
        smsc.say("mo 84900000010 TC")
        smsc.say("mo 0900000020 Cho tôi hỏi mức đóng của người nghèo")
        eventually(lambda: len(data.rows("inbox", "list")) >= 2, 15, 0.3, "both are in the inbox")
        smsc.say("mo 84900000010 tu choi")
        eventually(lambda: sum(row["text"] == "Tin thu hai" for row in smsc.rows()) == 4, 40, 0.3, "the second step, to the other four")
    second = {row["to"] for row in smsc.rows() if row["text"] == "Tin thu hai"}
    assert second == {f"8490{n:06d}0" for n in (2, 3, 4, 5)}
    others = [row for row in smsc.rows() if row["text"] not in ("Tin thu nhat", "Tin thu hai")]
    assert [row["to"] for row in others] == ["84900000010"], "confirmed once"
    assert "Cho tôi hỏi mức đóng của người nghèo" in {row["text"] for row in data.rows("inbox", "list")}


def test_stop_while_the_operator_throttles(data, made, smsc_with):
    """What has begun is brought to its end, what has not comes back untouched, and the sums hold."""
    smsc = smsc_with(tps=10, receipts="none")
    made.init(sms_channel(smsc.port, options={"window": 10}), contacts=phones(300))
    made.start(sms_campaign())
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: len(smsc.rows()) > 20, 20, 0.1, "under way")
        data.ok("campaign", "stop", "c")
        eventually(lambda: set(data.states("c")) == {"accepted", "suppressed"}, 20, 0.3, "nothing is left open: " + str(data.states("c")))
        taken = len(smsc.rows())
    states = data.states("c")
    assert sum(states.values()) == 300 and states["accepted"] == taken == len(smsc.rows()) < 120, states
