"""Reports that go to managers by themselves: one a period, whatever restarts, with the report attached."""
import email
import email.policy
import glob
import os
import time

import pytest

from rig.build import campaign, email_channel, people, step
from rig.program import SLOW

pytestmark = pytest.mark.quick


@pytest.fixture
def scheduled(data, made, witness_with, scratch):
    """A campaign that is through, and a report every day at 08:30 to two managers. The letters the witness took are kept."""
    folder = os.path.join(scratch, "letters")
    os.mkdir(folder)
    witness = witness_with("--keep", folder)
    made.init(email_channel(witness.port), contacts=people(6) + [
        {"ref": "m1", "name": "Giám đốc", "email": "boss@example.com"}, {"ref": "m2", "name": "Phó", "email": "deputy@example.com"}])
    made.start(campaign(steps=[step()]))
    data.until_idle("--clock", "2026-12-01T07:55:00+07:00,x1000")
    data.ok("report", "schedule", "add", "hang-ngay", "--kind", "campaign", "--of", "c", "--by", "state", "--rule", "FREQ=DAILY",
            "--first", "2026-12-02T08:30", "--channel", "email", "--to", "boss@example.com", "--to", "deputy@example.com", "--to", "boss@example.com",
            "--clock", "2026-12-01T20:00:00+07:00,x1")
    return witness, folder


def to_managers(witness):
    """Letters to the managers beyond the campaign's own one to each."""
    return [record for record in witness.accepted() if record["to"] in ("boss@example.com", "deputy@example.com")][2:]


def test_one_report_a_period_with_the_file(data, scheduled):
    witness, folder = scheduled
    assert len(to_managers(witness)) == 0
    data.until_idle("--clock", "2026-12-02T08:29:00+07:00,x1")
    assert not to_managers(witness), "before its time"
    for _ in range(3):
        data.until_idle("--clock", "2026-12-02T08:31:00+07:00,x1000")
        assert [record["to"] for record in sorted(to_managers(witness), key=lambda r: r["to"])] == ["boss@example.com", "deputy@example.com"]
    # Two days without a daemon: the newest period is made, the one that was missed is not.
    data.until_idle("--clock", "2026-12-05T09:00:00+07:00,x1000")
    assert len(to_managers(witness)) == 4
    row = data.rows("report", "schedule", "list")[0]
    assert row["recipients"] == 2 and row["fault"] is None and row["next_at"] == "2026-12-06T08:30:00+07:00"
    letters = []
    for path in glob.glob(os.path.join(folder, "**", "*"), recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                letter = email.message_from_binary_file(file, policy=email.policy.default)
            if any(part.get_filename() == "hang-ngay.pdf" for part in letter.walk()):
                letters.append(letter)
    assert len(letters) == 4
    parts = {part.get_content_type(): part for part in letters[0].walk()}
    assert parts["application/pdf"].get_content()[:5] == b"%PDF-"
    assert letters[0]["subject"] == "Báo cáo chiến dịch c" and "hang-ngay.pdf" in parts["text/plain"].get_content()
    # The messages stand in the ledger, in campaigns of the program, which the reports of themes leave out.
    names = [name for (name,) in data.sql("SELECT name FROM campaign WHERE name LIKE 'lantoa-system-report-%'")]
    assert len(names) == 2
    assert data.states(names[0]) == {"accepted": 2}
    assert [row["theme"] for row in data.rows("report", "theme")] == ["theme"]
    assert [row["result"] for row in data.rows("doctor") if row["result"] not in ("ok", "warning")] == []


def test_a_daemon_that_runs_makes_it_by_itself(data, scheduled):
    witness, _ = scheduled
    with data.serving("--clock", "2026-12-02T08:29:00+07:00,x60"):
        end = time.monotonic() + 30 * SLOW
        while len(to_managers(witness)) < 2 and time.monotonic() < end:
            time.sleep(0.05)
    assert len(to_managers(witness)) == 2


def test_a_report_that_cannot_be_made_says_so_and_is_tried_again(data, scheduled):
    witness, _ = scheduled
    data.sql_write("UPDATE campaign SET name = 'away' WHERE name = 'c'")
    data.until_idle("--clock", "2026-12-02T08:31:00+07:00,x1000")
    row = data.rows("report", "schedule", "list")[0]
    assert "c" in row["fault"] and row["next_at"] == "2026-12-02T08:30:00+07:00" and not to_managers(witness)
    data.sql_write("UPDATE campaign SET name = 'c' WHERE name = 'away'")
    data.until_idle("--clock", "2026-12-02T08:50:00+07:00,x1000")
    assert len(to_managers(witness)) == 2 and data.rows("report", "schedule", "list")[0]["fault"] is None


def test_schedules_are_checked_and_removed(data, scheduled):
    good = ["--kind", "theme", "--rule", "FREQ=WEEKLY", "--first", "2026-12-02T08:30", "--channel", "email", "--to", "boss@example.com",
            "--clock", "2026-12-01T20:00:00+07:00,x1"]

    def refused(**changes):
        words = list(good)
        for key, value in changes.items():
            words[words.index(f"--{key}") + 1] = value
        return data.refused("report", "schedule", "add", "x", *words)

    assert "no contact" in refused(to="nobody@example.com")
    assert "there is no report" in refused(kind="weather")
    assert "every hour" in refused(rule="FREQ=MINUTELY")
    assert refused(rule="FREQ=SOMETIMES") and refused(first="tomorrow")
    assert "UNTIL" in refused(rule="FREQ=DAILY;UNTIL=20201231T000000Z")
    assert refused(channel="pigeon")
    assert "already" in data.refused("report", "schedule", "add", "hang-ngay", *good)
    assert "no name" in data.refused("report", "schedule", "add", "Hằng ngày", *good)
    data.ok("report", "schedule", "remove", "hang-ngay")
    assert data.rows("report", "schedule", "list") == []
    assert "no schedule" in data.refused("report", "schedule", "remove", "hang-ngay")


def test_nothing_is_made_before_the_lock_and_the_check(data, scheduled):
    """A second daemon makes no report; a restored database does not send again what may have gone out since."""
    witness, _ = scheduled
    with data.serving("--clock", "2026-12-01T20:00:00+07:00,x1"):
        assert "serve" in data.refused("serve", "--until-idle", "--clock", "2026-12-02T08:31:00+07:00,x1000")
        assert data.sql("SELECT count(*) FROM campaign WHERE name LIKE 'lantoa-system-report%'") == [(0,)]
    data.sql_write("INSERT INTO meta (key, value) VALUES ('restored', '1') ON CONFLICT (key) DO UPDATE SET value = '1'")
    data.until_idle("--clock", "2026-12-02T08:31:00+07:00,x1000")
    assert data.rows("report", "schedule", "list")[0]["next_at"] == "2026-12-03T08:30:00+07:00"
    assert not to_managers(witness)
    data.until_idle("--clock", "2026-12-03T08:31:00+07:00,x1000")
    assert len(to_managers(witness)) == 2


def test_materials_that_nothing_names_are_swept_at_the_start(data, scheduled):
    data.until_idle("--clock", "2026-12-02T08:31:00+07:00,x1000")
    folder = os.path.join(data.dir, "materials")
    named, = os.listdir(folder)
    old, young, other = "0" * 63 + "a", "0" * 63 + "b", "notes.txt"
    for name in (old, young, other):
        with open(os.path.join(folder, name), "w") as file:
            file.write("left by a kill")
    for name in (named, old, other):
        os.utime(os.path.join(folder, name), (1, 1))
    data.until_idle("--clock", "2026-12-02T09:00:00+07:00,x1000")
    assert sorted(os.listdir(folder)) == sorted([named, young, other])
