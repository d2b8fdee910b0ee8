"""Refusals that come another way: from a number nobody has, and by the page; each is confirmed, once."""
import os
import unicodedata

import pytest

from rig.build import START, campaign, step
from rig.program import eventually
from rig.sms import Smsc, phones, sms_channel, sms_text
from test_http_choice import FORM
from test_http_door import Door, sent_campaign

pytestmark = pytest.mark.quick


def strip(text):
    return "".join(c for c in unicodedata.normalize("NFD", text).lower() if not unicodedata.combining(c))


@pytest.fixture
def smsc(scratch):
    peer = Smsc(scratch)
    yield peer
    peer.end()


def test_a_number_nobody_has_is_confirmed_to(data, made, smsc):
    """It is suppressed, told so once, and a contact imported later with that number gets nothing."""
    made.init(sms_channel(smsc.port), contacts=phones(1))
    made.start(campaign(steps=[step(channel="sms", content=sms_text("Tin"))]))
    with data.serving("--clock", f"{START},x10"):
        eventually(lambda: len(smsc.rows()) == 1, 20, 0.1, "connected")
        smsc.say("mo 84907777770 TC")
        eventually(lambda: len(smsc.rows()) == 2, 20, 0.1, "confirmed")
        smsc.say("mo 84907777770 TC")
        eventually(lambda: len(data.rows("inbox", "list")) == 2, 20, 0.2, "heard twice")
        made.contacts([{"ref": "new", "name": "Mới", "phone": "0907777770"}])
        made.start(campaign("d", audience="ref = 'new'", steps=[step(channel="sms", when={"at": "now"}, content=sms_text("Tin moi"))]))
        eventually(lambda: data.states("d") == {"suppressed": 1}, 20, 0.2, "the newcomer is not written to")
    assert [row["to"] for row in smsc.rows()] == ["84900000010", "84907777770"]
    assert {row["state"] for row in data.rows("inbox", "list")} == {"closed"}
    assert data.ok("doctor")


def letters(data):
    found = []
    for folder, _, names in os.walk(os.path.join(data.dir, "outbox")):
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                found.append(file.read())
    return found


def test_a_refusal_on_the_page_is_confirmed_by_message(data, made):
    """Once, by the channel of the letter, though the person is now written to by nobody else."""
    _, keys = sent_campaign(data, made, count=2, lang="vi")
    door = Door(data)
    for _ in range(3):
        assert door.ask("POST", f"/u/{keys[0]}", body="List-Unsubscribe=One-Click", headers=FORM).status == 200
    confirmed = "lantoa-system-confirm-1-1"
    eventually(lambda: [row["state"] for row in data.messages(confirmed)] == ["accepted"], 20, 0.2, "confirmed")
    assert any("da nhan yeu cau tu choi" in strip(text) for text in letters(data))
    assert door.ask("POST", f"/u/{keys[0]}", body="choice=stop", headers=FORM).status == 200
    door.serve.stop()
    assert data.sql("SELECT count(*) FROM message_text") == [(1,)]
