"""Unsubscribing and preferences: nothing by GET, one click by POST, undo with evidence, in the person's language."""
import re

import pytest
from rig.build import campaign, content, outbox_channel, step
from test_http_door import CLOCK, Door, TEXT, sent_campaign

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def consents(data):
    return data.sql("SELECT contact_id, channel, purpose, action, source FROM consent ORDER BY id")


def suppressions(data):
    return data.sql("SELECT kind, address, reason FROM suppression ORDER BY address")


@pytest.mark.quick
def test_one_click(data, made):
    _, keys = sent_campaign(data, made)
    door = Door(data)
    # A scanner that follows every link unsubscribes nobody.
    for method in ("GET", "HEAD"):
        assert door.ask(method, f"/u/{keys[0]}").status == 200
    assert consents(data) == [] and suppressions(data) == []
    for _ in range(3):
        answer = door.ask("POST", f"/u/{keys[0]}", body="List-Unsubscribe=One-Click", headers=FORM)
        assert answer.status == 200 and "Location" not in answer.headers
    contact = consents(data)[0][0]
    assert consents(data) == [(contact, "outbox", "*", 0, "one-click")]
    address = data.sql("SELECT email FROM contact WHERE id = ?", contact)[0][0]
    assert suppressions(data) == [("email", address, "opted_out")]
    evidence = data.sql("SELECT evidence FROM consent")[0][0]
    assert keys[0] in evidence and "127.0.0.1" in evidence and "Android" in evidence
    multipart = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n"
    assert door.ask("POST", f"/u/{keys[1]}", body=multipart, headers={"Content-Type": "multipart/form-data; boundary=b"}).status == 200
    assert len(consents(data)) == 2
    for body in ("", "a=b", "List-Unsubscribe=No", "List-Unsubscribe", "%zz", "choice=maybe"):
        assert door.ask("POST", f"/u/{keys[2]}", body=body, headers=FORM).status == 400, body
    forged = ("b" if keys[2][0] == "a" else "a") + keys[2][1:]
    assert door.ask("POST", f"/u/{forged}", body="List-Unsubscribe=One-Click", headers=FORM).status == 404
    assert len(consents(data)) == 2
    door.serve.stop()
    # The next campaign leaves them out, and says why.
    made.start(campaign(name="d", steps=[step(channel="outbox", content=content(text=TEXT))]))
    data.until_idle("--clock", CLOCK)
    assert data.states("d") == {"accepted": 3, "suppressed": 2}
    reasons = {row["reason"]: row["messages"] for row in data.rows("report", "campaign", "d", "--by", "reason")}
    assert reasons["opted_out"] == 2


def test_page_and_undo(data, made):
    _, keys = sent_campaign(data, made, count=1, lang="vi")
    door = Door(data)
    asked = door.get(f"/u/{keys[0]}")
    page = asked.body.decode()
    assert 'lang="vi"' in page and "p***@example.com" in page and "p1@example.com" not in page and "Nguyễn" not in page
    assert "<script" not in page and "http" not in re.sub(r"<!DOCTYPE html>", "", page)
    assert "default-src 'none'" in asked.headers["Content-Security-Policy"] and asked.headers["Cache-Control"] == "no-store"
    assert asked.headers["Referrer-Policy"] == "no-referrer" and asked.headers["X-Frame-Options"] == "DENY"
    stopped = door.ask("POST", f"/u/{keys[0]}", body="choice=stop", headers=FORM).body.decode()
    assert "Từ lúc này" in stopped and 'value="undo"' in stopped
    assert [row[3:] for row in consents(data)] == [(0, "web")] and len(suppressions(data)) == 1
    again = door.ask("POST", f"/u/{keys[0]}", body="choice=undo", headers=FORM).body.decode()
    assert "sẽ lại được gửi" in again
    assert [row[3:] for row in consents(data)] == [(0, "web"), (1, "web-undo")] and suppressions(data) == []
    # A do-not-call list is not undone by its subject's click.
    data.sql_write("INSERT INTO suppression (kind, address, reason, at, source) VALUES ('email', 'p1@example.com', 'do_not_call', 1, 'import')")
    door.ask("POST", f"/u/{keys[0]}", body="choice=undo", headers=FORM)
    assert suppressions(data) == [("email", "p1@example.com", "do_not_call")]
    door.serve.stop()


def test_preferences(data, made):
    made.init(outbox_channel(name="second"))
    _, keys = sent_campaign(data, made, count=1, lang="en")
    door = Door(data)
    page = door.get(f"/p/{keys[0]}").body.decode()
    assert 'lang="en"' in page and "Your messages" in page and page.count("checkbox") == 1 and " checked" in page
    off = door.ask("POST", f"/p/{keys[0]}", body="shown=outbox", headers=FORM).body.decode()
    assert " checked" not in off and "Saved" in off
    assert [row[1:4] for row in consents(data)] == [("outbox", "*", 0)] and suppressions(data) == []
    on = door.ask("POST", f"/p/{keys[0]}", body="shown=outbox&on=outbox", headers=FORM).body.decode()
    assert " checked" in on
    assert [row[3] for row in consents(data)] == [0, 1]
    assert door.ask("POST", f"/p/{keys[0]}", body="shown=unknown_kind", headers=FORM).status == 200
    assert len(consents(data)) == 2
    for body in ("", "on=outbox", "shown=%ff", "&".join("a=b" for _ in range(100))):
        assert door.ask("POST", f"/p/{keys[0]}", body=body, headers=FORM).status == 400, body
    door.serve.stop()


def test_a_deleted_contact(data, made):
    _, keys = sent_campaign(data, made, count=1)
    data.sql_write("DELETE FROM contact")
    door = Door(data)
    assert door.get(f"/u/{keys[0]}").status == 404
    assert door.ask("POST", f"/u/{keys[0]}", body="List-Unsubscribe=One-Click", headers=FORM).status == 404
    assert door.get("/healthz").status == 200
    door.serve.stop()
