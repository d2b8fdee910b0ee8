"""The seven laws of the ledger (core/delivery/ledger.h), each from outside."""
import contextlib
import os
import re
import shutil
import signal
import time
from collections import Counter

import pytest

from rig.build import START, campaign, email_channel, outbox_channel, people, step, table
from rig.program import SLOW, eventually

CLOCK = f"{START},x1000"
STATES = {"planned", "held", "suppressed", "sending", "accepted", "delivered", "failed", "uncertain"}


def audience_is_sum(data, name, audience, steps=1):
    rows = data.rows("report", "campaign", name, "--by", "state")
    assert {row["state"] for row in rows if not row.get("total")} <= STATES
    assert sum(row["messages"] for row in rows if not row.get("total")) == audience * steps
    for row in data.messages(name, "suppressed"):
        assert row["reason"], f"suppressed without a reason: {row}"


@pytest.mark.quick
def test_law_1_audience_is_the_sum_over_states(data, made, witness):
    rows = people(60) + [{"ref": "none", "name": "Không Thư"}] + [
        {"ref": f"f{n}", "name": "Lỗi", "email": address} for n, address in
        enumerate(["unknown1@example.com", "full2@example.com", "spam3@example.com", "grey4@example.com"])]
    channel = email_channel(witness.port, retry={"tries": 3, "first": "PT1M", "longest": "PT5M"})
    made.init(channel, contacts=rows)
    made.start(campaign(holdout={"percent": 20, "unit": "contact"}, steps=[step("a"), step("b", when={"after": "a", "delay": "PT1H"})]))
    audience_is_sum(data, "c", 65, 2)
    serve = data.serve("--clock", f"{START},x1000").wait_ready()
    while serve.running() and witness.count() < 90:
        audience_is_sum(data, "c", 65, 2)  # at every moment, not only at the end
        if not data.states("c").get("planned"):
            break
    serve.stop()
    data.until_idle("--clock", "2026-12-01T12:00:00+07:00,x1000")
    audience_is_sum(data, "c", 65, 2)
    assert {row["state"] for row in data.messages("c")} <= {"accepted", "failed", "suppressed"}


@pytest.mark.quick
def test_law_2_sending_is_committed_before_a_byte_leaves(data, made, witness_with):
    """When the server has seen a message, another reader of the database already finds its row sending or further."""
    witness = witness_with("--delay-ms", "300")
    made.init(email_channel(witness.port, rate={"per_second": 40}), contacts=people(60))
    made.start(campaign())
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    for _ in range(12):
        time.sleep(0.1)
        seen = witness.recipients()
        states = {row["address"]: row["state"] for row in data.messages("c")}
        early = [address for address in seen if states.get(address) in (None, "planned", "held")]
        assert not early, early
    serve.stop()


@pytest.mark.quick
def test_law_3_after_a_crash_nothing_is_lost_or_doubled(data, made, witness_with):
    """One crash in the middle; tests/crash has the thousand."""
    witness = witness_with("--delay-ms", "40")
    made.init(email_channel(witness.port, window=20), contacts=people(400))
    made.start(campaign())
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    eventually(lambda: witness.count() > 100, 20)
    serve.kill(also_hosts=True)
    data.until_idle("--clock", "2026-12-01T08:10:00+07:00,x100")
    received = Counter(witness.recipients())
    assert max(received.values()) == 1, received.most_common(3)
    states = data.states("c")
    assert set(states) <= {"accepted", "uncertain"} and states.get("uncertain", 0) <= 20, states
    uncertain = {row["address"] for row in data.messages("c", "uncertain")}
    everybody = {row["email"] for row in people(400)}
    assert everybody - set(received) <= uncertain


def test_law_4_the_key_never_changes(data, made, witness):
    """Over retries the Message-ID stays; "send again" by a person makes a new one, and is audited."""
    made.init(email_channel(witness.port, retry={"tries": 4, "first": "PT1M", "longest": "PT5M"}),
              contacts=[{"ref": "g", "name": "Xám", "email": "grey1@example.com"}, {"ref": "u", "name": "Lạ", "email": "unknown1@example.com"}])
    made.start(campaign())
    before = {row["address"]: row["key"] for row in data.messages("c")}
    data.until_idle("--clock", CLOCK)
    after = {row["address"]: row["key"] for row in data.messages("c")}
    assert before == after and all(re.fullmatch("[a-z2-7]{20}", key) for key in after.values())
    record = witness.accepted()
    assert [r["to"] for r in record] == ["grey1@example.com"]
    assert after["grey1@example.com"] in record[0]["id"]
    # A person says "send again": a new row with a key of its own, audited, and the old one as it was.
    failed, = [row for row in data.messages("c") if row["address"] == "unknown1@example.com"]
    data.ok("message", "resend", failed["id"])
    data.until_idle("--clock", "2026-12-01T10:00:00+07:00,x1000")
    rows = [row for row in data.messages("c") if row["address"] == "unknown1@example.com"]
    assert [row["generation"] for row in rows] == [0, 1] and rows[0]["key"] == failed["key"] != rows[1]["key"]
    # The address was refused for good, so it is known as invalid by now.
    assert rows[0]["state"] == "failed" and (rows[1]["state"], rows[1]["reason"]) == ("suppressed", "invalid"), rows
    assert data.sql("SELECT count(*) FROM audit WHERE object LIKE ?", f"%{failed['id']}%")[0][0] == 1


@pytest.mark.quick
def test_law_5_everything_is_asked_again_at_the_last_moment(data, made, witness):
    """Between planning and sending: one opts out, one joins, one loses the address; and a lot was drawn."""
    made.init(email_channel(witness.port), contacts=people(100))
    made.start(campaign(audience="not enrolled", holdout={"percent": 25, "unit": "contact"}, steps=[step(only_if="not enrolled")]))
    planned = [row["address"] for row in data.messages("c", "planned")]
    held_out = {row["address"] for row in data.messages("c", "suppressed") if row["reason"] == "holdout"}
    assert len(planned) + len(held_out) == 100 and 8 <= len(held_out) <= 45
    out, joined = planned[0], planned[1]
    data.ok("suppression", "import", data.write("out.csv", f"address,reason\n{out},opted_out\n"))
    made.contacts([{"ref": joined[:-len("@example.com")], "enrolled": "2026-11-30"}], "--clock", "2026-12-01T07:30")
    data.until_idle("--clock", CLOCK)
    received = set(witness.recipients())
    assert received == set(planned) - {out, joined}
    reasons = {row["address"]: row["reason"] for row in data.messages("c", "suppressed")}
    assert reasons[out] == "opted_out" and reasons[joined] == "converted"


@pytest.mark.quick
def test_law_6_a_restored_backup_waits_for_a_person(data, made, witness):
    made.init(email_channel(witness.port, rate={"per_second": 50}), contacts=people(100))
    made.start(campaign())
    copy = data.path("copy.db")
    data.ok("backup", copy)
    data.until_idle("--clock", CLOCK)
    assert witness.count() == 100
    # The disk dies; the copy from before the sending is put in its place.
    database = data.database
    for name in os.listdir(data.dir):
        if name.startswith(os.path.basename(database)):
            os.unlink(os.path.join(data.dir, name))
    shutil.copy(copy, database)
    serve = data.serve("--clock", CLOCK).wait_ready()
    time.sleep(1.5 * SLOW)
    assert witness.count() == 100, "sent again without a person having said so"
    serve.stop()
    assert data.states("c") == {"planned": 100}
    told = data.ok("doctor").out + data.run("campaign", "list").out
    assert "restor" in told.lower() or "backup" in told.lower(), told


@pytest.mark.quick
def test_law_6_a_missed_start_waits_for_a_person(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(10))
    made.start(campaign())
    data.until_idle("--clock", "2026-12-01T10:30:00+07:00,x100")
    assert witness.count() == 0 and data.states("c") == {"planned": 10}
    data.ok("campaign", "resume", "c")
    data.until_idle("--clock", "2026-12-01T10:40:00+07:00,x100")
    assert witness.count() == 10


def test_law_6_a_start_within_two_hours_goes_on(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(10))
    made.start(campaign())
    data.until_idle("--clock", "2026-12-01T09:30:00+07:00,x100")
    assert witness.count() == 10


@pytest.mark.quick
@pytest.mark.parametrize("verb", ["pause", "stop", "stop-all"])
def test_law_7_pause_and_stop_take_effect_within_two_seconds(data, made, witness, verb):
    made.init(email_channel(witness.port, rate={"per_second": 100}), contacts=people(3000))
    made.start(campaign())
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    eventually(lambda: witness.count() > 50, 20)
    if verb == "stop-all":
        data.ok("stop-all")
    else:
        data.ok("campaign", verb, "c")
    time.sleep(2)
    at = witness.count()
    time.sleep(1)
    assert witness.count() == at < 1500
    audience_is_sum(data, "c", 3000)
    states = data.states("c")
    if verb == "pause":
        assert states["planned"] == 3000 - at and states["accepted"] == at
        data.ok("campaign", "resume", "c")
        eventually(lambda: witness.count() > at + 20, 10)
    else:
        assert {row["reason"] for row in data.messages("c", "suppressed")} == {"stopped"}
        assert states == {"suppressed": 3000 - at, "accepted": at}
    serve.stop()
    assert max(Counter(witness.recipients()).values()) == 1


def test_law_7_a_row_takes_at_most_150_bytes(data, made):
    made.init(outbox_channel(), contacts=people(30000))
    name = made.apply(campaign(steps=[step("a", channel="outbox"), step("b", channel="outbox", when={"after": "a", "delay": "P1D"})]))
    database = data.database

    def size():
        data.sql_write("PRAGMA wal_checkpoint(TRUNCATE)")
        return os.path.getsize(database)

    before = size()
    data.ok("campaign", "plan", name)
    assert (size() - before) / 60000 <= 150


def peak_kib(pids):
    """Sum over the processes of the most memory each has used so far; those that ended count nothing."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, AttributeError):
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                total += int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))
    return total


@pytest.mark.parametrize("small,large", [(2000, 30000), pytest.param(10000, 1000000, marks=pytest.mark.long)])
def test_law_7_memory_does_not_grow_with_the_audience(data, made, smtp_sink_with, small, large):
    """Core and channel host together."""
    sink = smtp_sink_with("-c")
    made.init(email_channel(sink.port, window=500))
    peaks = []
    for name, count, first in (("small", small, 1), ("large", large, small + 1)):
        data.ok("contact", "import", data.write("people.csv", table(people(count, first=first, batch=name))), timeout=600)
        made.start(campaign(name, audience=f"batch = '{name}'"))
        serve = data.serve("--clock", f"{START},x1").wait_ready()
        eventually(lambda: data.states(name) == {"accepted": count}, 600, 0.5, f"{count} accepted")
        peaks.append(peak_kib([serve.pid, *serve.hosts().values()]))  # while both still run
        assert serve.stop() == 0
    print(f"core and host: {peaks[0]} KiB for {small}, {peaks[1]} KiB for {large}")
    assert peaks[1] - peaks[0] < 20 * 1024, peaks


def test_sigterm_ends_cleanly_in_the_middle(data, made, witness_with):
    witness = witness_with("--delay-ms", "30")
    made.init(email_channel(witness.port), contacts=people(500))
    made.start(campaign())
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    eventually(lambda: witness.count() > 30, 20)
    serve.process.send_signal(signal.SIGTERM)
    assert serve.wait(30) == 0
    states = data.states("c")
    assert states.get("uncertain", 0) == 0 and states.get("sending", 0) == 0, states
    assert states["accepted"] == witness.count()
