"""Figures kept for reports: the same as counted anew, after everything that people and the daemon do; a fault is found and healed."""
import sqlite3

import pytest

from rig.build import campaign, outbox_channel, people, step, table

CLOCK = "2026-12-01T07:55:00+07:00,x1000"
PLACES = [{"code": "24", "name": "Tỉnh Bắc Ninh", "level": "province", "parent": "", "valid_from": "2025-07-01"},
          {"code": "7001", "name": "Xã Một", "level": "commune", "parent": "24", "valid_from": "2025-07-01"},
          {"code": "7002", "name": "Xã Hai", "level": "commune", "parent": "24", "valid_from": "2025-07-01"}]
SMS = {"vi": {"text": "Chào {{name}}"}}


def crowd(count, first=1, home=None):
    return people(count, first=first, place_code=lambda n: home or ("7001", "7002")[n % 2])


def start(made, name, **more):
    made.start(campaign(name=name, steps=[step("moi", channel="outbox", content=SMS)], **more))


def reports(data):
    return [data.json("report", *words) for words in (
        ("place", "--charts"), ("place", "--by", "channel"), ("channel", "--charts"), ("theme",), ("theme", "theme"),
        ("campaign", "a", "--by", "state"), ("campaign", "a", "--by", "place"), ("campaign", "a", "--by", "day"))]


def figures(documents):
    return [{key: value for key, value in one.items() if key != "report"} for one in documents]


def agree(data):
    """Reports of kept figures, then the same counted anew."""
    reports(data)  # keeps what is not
    kept = figures(reports(data))
    assert data.ok("doctor").out.count("kept_figures") == 1
    data.sql_write("DELETE FROM report_kept")
    assert figures(reports(data)) == kept
    return kept


@pytest.fixture
def sent(data, made):
    data.ok("init")
    data.ok("place", "import", data.write("places.csv", table(PLACES)))
    made.init(outbox_channel(), contacts=crowd(200))
    start(made, "a", holdout={"percent": 20, "unit": "contact"})
    data.until_idle("--clock", CLOCK)
    return data


@pytest.mark.quick
def test_kept_is_what_a_count_gives(sent, made):
    first = agree(sent)
    total = first[0]["sum"]
    assert total["messages"] == total["contacts"] == 200 and total["accepted"] == total["people"] > 100
    kept = sent.sql("SELECT step_id FROM report_kept ORDER BY step_id")
    assert [row[0] for row in kept] == [0, sent.sql("SELECT id FROM step")[0][0]]

    message = sent.sql("SELECT id FROM message WHERE state = 2 LIMIT 1")[0][0]
    sent.ok("message", "resend", str(message))
    assert figures(reports(sent)) != first  # one waits again
    sent.until_idle("--clock", "2026-12-02T08:00:00+07:00,x1000")
    agree(sent)

    made.contacts(crowd(60, home="7002"))  # sixty people move, and ten come
    made.contacts(crowd(10, first=301))
    moved = agree(sent)[0]["rows"]
    assert [row["contacts"] for row in moved] == [70 + 5, 130 + 5]
    sent.ok("contact", "undo", str(sent.sql("SELECT max(id) FROM import_batch")[0][0]))
    agree(sent)

    start(made, "b")
    half = figures(reports(sent))
    assert half[0]["sum"]["waiting"] == half[0]["sum"]["contacts"] == 200
    sent.ok("campaign", "stop", "b")
    stopped = agree(sent)
    assert stopped[0]["sum"]["waiting"] == 0 and stopped[0]["sum"]["messages"] == 400


def test_a_wrong_figure_is_found_and_healed(sent):
    right = agree(sent)
    message = sent.sql("SELECT id FROM message WHERE state = 4 LIMIT 1")[0][0]
    sent.sql_write("UPDATE message SET state = 6 WHERE id = ?", message)  # another program: nobody noted it
    assert figures(reports(sent)) == right
    found = sent.run("doctor")
    assert found.code != 0 and "1 " in next(line for line in found.out.splitlines() if "kept_figures" in line)
    assert sent.json("report", "recount") == {"steps": 1}
    assert reports(sent)[0]["sum"]["accepted"] == right[0]["sum"]["accepted"] - 1
    assert sent.run("doctor").code == 0


@pytest.mark.parametrize("bytes_", [b"", b"\xff" * 40, b"\x81", b"b" + b"\x01" * 7, b"\x00\x00\x63\x01"])
def test_damaged_figures_are_counted_anew(sent, bytes_):
    right = agree(sent)
    for part in ("figures", "people"):
        reports(sent)
        sent.sql_write(f"UPDATE report_kept SET {part} = ?", bytes_)
        assert figures(reports(sent)) == right


def test_a_report_needs_no_place_to_write(sent):
    right = agree(sent)
    sent.sql_write("DELETE FROM report_kept")
    busy = sqlite3.connect(sent.database, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    assert figures(reports(sent)) == right
    busy.execute("ROLLBACK")
    busy.close()
    assert sent.sql("SELECT count(*) FROM report_kept")[0][0] == 0
