"""Backup, restore, and what the doctor finds when something is wrong."""
import datetime
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest

from rig.build import START, campaign, outbox_channel, people, step
from rig.program import eventually

pytestmark = pytest.mark.quick

# Writes without ever moving the WAL into the database file, and dies as in a crash.
DIES = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA wal_autocheckpoint = 0")
db.execute("UPDATE contact SET name = 'after the backup'")
db.commit()
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def ready(data, made):
    made.init(outbox_channel(), contacts=people(50))
    return data


def names(data):
    return {row["name"] for row in data.rows("contact", "list", "--limit", 100)}


def test_a_restored_backup_is_what_was_backed_up(ready, made):
    """Also when the database that it takes the place of died with a WAL beside it."""
    made.start(campaign(steps=[step(channel="outbox")]))
    before, copy = names(ready), ready.path("copy.db")
    ready.ok("backup", copy)
    ready.until_idle("--clock", f"{START},x1000")
    subprocess.run([sys.executable, "-c", DIES, ready.database], check=False)
    assert os.path.getsize(ready.database + "-wal") > 0
    told = ready.json("restore", copy)
    assert names(ready) == before and ready.states("c") == {"planned": 50}
    with sqlite3.connect(told["kept"]) as kept:
        assert kept.execute("SELECT DISTINCT name FROM contact").fetchall() == [("after the backup",)], "the database before is kept whole"
    # What left after the backup is not sent again by itself.
    ready.until_idle("--clock", f"{START},x1000")
    assert ready.states("c") == {"planned": 50}
    assert "restored" in {row["name"]: row["waits_for"] for row in ready.rows("campaign", "list")}["c"]
    ready.ok("doctor")


def test_a_backup_of_a_running_store_goes_to_a_new_machine(ready, made, scratch):
    made.start(campaign(steps=[step(channel="outbox", when={"at": "2026-12-01T08:00"})]))
    copy = ready.path("copy.db")
    with ready.serving("--clock", "2026-12-01T07:00:00+07:00,x1"):
        ready.ok("backup", copy)
        assert "end it first" in ready.refused("restore", copy)
    ready.dir = os.path.join(scratch, "new")
    assert ready.json("restore", copy) == {"restored": copy, "kept": None}
    assert len(names(ready)) == 50 and os.stat(ready.database).st_mode & 0o077 == 0


@pytest.mark.parametrize("spoil,part", [
    (lambda path: open(path, "wb").close(), "no backup of lantoa"),
    (lambda path: shutil.copy(__file__, path), "not a database"),
    (lambda path: sqlite3.connect(path).executescript("UPDATE meta SET value = '999' WHERE key = 'schema'"), "999"),
    (os.unlink, "no such")], ids=["empty", "text", "newer", "missing"])
def test_what_is_no_backup_changes_nothing(ready, spoil, part):
    copy = ready.path("copy.db")
    ready.ok("backup", copy)
    spoil(copy)
    files = sorted(os.listdir(ready.dir))
    message = ready.refused("restore", copy)
    assert part in message and len(message.splitlines()) == 1, message
    assert sorted(os.listdir(ready.dir)) == files
    assert len(names(ready)) == 50


def test_an_empty_database_is_no_new_installation(ready):
    """A file cut off at nothing (a full disk, a broken copy) must not pass for a campaign without people."""
    ready.until_idle()
    database = ready.database
    os.truncate(database, 0)
    for words in (["init"], ["segment", "count", "all"], ["serve", "--until-idle"], ["doctor"]):
        message = ready.refused(*words)
        assert "empty" in message and "lantoa restore" in message and len(message.splitlines()) == 1, message
    os.unlink(database)
    with open(database + "-wal", "wb") as file:
        file.write(b"left over")
    assert "without its database" in ready.refused("init")


def faults(data):
    result = data.run("doctor", "--json")
    found = {row["check"]: row["text"] for row in result.json["rows"] if row["result"] == "fault"}
    assert (result.code == 0) == (not found), result
    return found


@pytest.mark.parametrize("harm,check,part", [
    ("UPDATE message SET reason = 0 WHERE state = 2", "ledger_reason", "10 suppressed messages without a reason"),
    ("UPDATE message SET state = 9 WHERE id = (SELECT min(id) FROM message WHERE state = 4)", "ledger_state", "1 messages in an unknown state"),
    ("DELETE FROM message WHERE id = (SELECT max(id) FROM message)", "ledger_sum", "1 campaigns whose steps differ"),
    ("UPDATE step SET id = id + 100 WHERE name = 'b'", "ledger_step", "1 steps are missing"),
    ("UPDATE channel SET state = 'parked', parked_reason = 'a wrong password'", "channel", "a wrong password"),
], ids=["reason", "state", "sum", "step", "channel"])
def test_doctor_names_each_fault(data, made, harm, check, part):
    rows = people(20)
    for row in rows[:5]:
        del row["email"]
    made.init(outbox_channel(), contacts=rows)
    made.start(campaign(steps=[step("a", channel="outbox"), step("b", channel="outbox")]))
    data.until_idle("--clock", f"{START},x1000")
    data.ok("report", "campaign", "c")
    assert faults(data) == {}
    data.sql_write(harm)
    assert part in faults(data)[check]


def test_doctor_tells_what_waits_without_calling_it_a_fault(ready, made):
    made.start(campaign(steps=[step(channel="outbox", when={"at": "2026-12-01T08:00"})]))
    ready.sql_write("UPDATE message SET state = 7 WHERE id = (SELECT min(id) FROM message)")
    serve = ready.serve("--clock", "2026-12-01T12:00:00+07:00,x1").wait_ready()
    eventually(lambda: {row["state"] for row in ready.rows("campaign", "list")} == {"paused"}, 10)
    serve.stop()
    told = {row["check"]: row["text"] for row in ready.rows("doctor")}
    assert "1 messages are uncertain" in told["uncertain"] and "missed its start" in told["campaign"]


@pytest.fixture
def damaged(ready, made):
    """The page of contacts is garbage; a campaign is about to ask it."""
    today = datetime.date.today()
    window = {"from": (today - datetime.timedelta(days=1)).isoformat(), "to": (today + datetime.timedelta(days=1)).isoformat(), "timezone": "Asia/Ho_Chi_Minh"}
    made.start(campaign(steps=[step(channel="outbox", when={"at": "now"})], window=window))
    ready.sql_write("PRAGMA wal_checkpoint(TRUNCATE)")
    root = ready.sql("SELECT rootpage FROM sqlite_master WHERE name = 'contact'")[0][0]
    size = ready.sql("PRAGMA page_size")[0][0]
    with open(ready.database, "r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 300)
    return ready


def test_doctor_finds_a_damaged_file(damaged):
    result = damaged.run("doctor")
    assert result.code != 0 and "lantoa restore" in result.err and len(result.err.splitlines()) == 1, result
    found = {row["check"]: row for row in damaged.run("doctor", "--json").json["rows"]}
    assert list(found) == ["integrity"] and found["integrity"]["result"] == "fault" and "***" not in found["integrity"]["text"]


def test_a_damaged_database_is_no_backup(damaged):
    files = sorted(os.listdir(damaged.dir))
    assert "damaged" in damaged.refused("restore", damaged.database)
    assert sorted(os.listdir(damaged.dir)) == files


def test_serve_ends_on_a_damaged_database(damaged):
    """Trying again heals nothing, and whoever waits for the end is not left waiting."""
    result = damaged.run("serve", timeout=40)
    assert result.code == 1 and "damaged" in result.err.splitlines()[-1], result
