"""The main job from end to end: contacts in, a themed campaign out, every message accounted for; judged by what the peer received."""
import email
import email.policy
import glob
import os
from collections import Counter

import pytest

from rig.build import START, campaign, email_channel, outbox_channel, people, step
from rig.program import eventually

CLOCK = f"{START},x1000"


@pytest.mark.quick
def test_contacts_to_inbox(data, made, witness_with, scratch):
    mails = os.path.join(scratch, "mails")
    os.mkdir(mails)
    witness = witness_with("--keep", mails)
    rows = people(200) + [{"ref": "x1", "name": "Trần Thị Không Thư"}, {"ref": "x2", "name": "Lê Sai", "email": "sai @@ example"}]
    made.init(email_channel(witness.port), contacts=rows)
    made.start(campaign(steps=[step(content={
        "vi": {"subject": "Chào {{name}} ở Việt Nam", "text": "Kính gửi {{name}},\nmã của bạn là {{ref}}.\n",
               "html": "<p>Kính gửi <b>{{name}}</b></p>"},
        "en": {"subject": "Hello {{name}}", "text": "Dear {{name}}\n"}})]))
    data.until_idle("--clock", CLOCK)

    assert Counter(witness.recipients()) == Counter(row["email"] for row in people(200))
    assert data.states("c") == {"accepted": 200, "suppressed": 2}
    assert {row["reason"] for row in data.messages("c", "suppressed")} <= {"no_address", "invalid"}
    # Read back by another library.
    by_recipient = {}
    for path in glob.glob(os.path.join(mails, "*.eml")):
        with open(path, "rb") as file:
            mail = email.message_from_binary_file(file, policy=email.policy.default)
        by_recipient[mail["To"].addresses[0].addr_spec] = mail
    mail = by_recipient["p7@example.com"]
    assert mail["Subject"] == "Chào Nguyễn Văn 7 ở Việt Nam"
    assert "mã của bạn là p7." in mail.get_body(("plain",)).get_content()
    assert "<b>Nguyễn Văn 7</b>" in mail.get_body(("html",)).get_content()
    assert len({mail["Message-ID"] for mail in by_recipient.values()}) == 200


@pytest.mark.quick
def test_outbox_writes_one_file_per_recipient(data, made):
    made.init(outbox_channel(), contacts=people(30))
    made.start(campaign(steps=[step(channel="outbox")]))
    data.until_idle("--clock", CLOCK)
    assert data.states("c") == {"accepted": 30}
    found = [path for path in glob.glob(os.path.join(data.dir, "**"), recursive=True) if os.path.isfile(path)]
    with_greeting = []
    for path in found:
        with open(path, "rb") as file:
            if "Kính gửi Nguyễn Văn".encode() in file.read() and "outbox" in path:
                with_greeting.append(path)
    assert len(with_greeting) == 30


@pytest.mark.quick
def test_second_step_follows_and_asks_again(data, made, witness):
    """mail-2 leaves 7 days after mail-1, and not to those who joined meanwhile."""
    made.init(email_channel(witness.port), contacts=people(20))
    steps = [step("mail-1", content={"vi": {"subject": "một", "text": "a"}}),
             step("mail-2", when={"after": "mail-1", "delay": "P7D"}, only_if="not enrolled", content={"vi": {"subject": "hai", "text": "b"}})]
    made.start(campaign(steps=steps))
    data.serve("--clock", f"{START},x1").wait_ready()
    eventually(lambda: data.states("c").get("accepted") == 20, 20)
    data.open_serves[-1].stop()
    made.contacts(people(5, enrolled="2026-12-03"), "--clock", "2026-12-04T08:00")  # five of them join meanwhile
    data.until_idle("--clock", "2026-12-08T07:59:00+07:00,x100")
    assert Counter(record["to"] for record in witness.accepted()) == Counter(
        {f"p{n}@example.com": 1 if n <= 5 else 2 for n in range(1, 21)})
    reasons = Counter(row["reason"] for row in data.messages("c", "suppressed"))
    assert reasons == {"converted": 5}


def test_language_of_the_person_decides(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(3) + people(3, first=4, lang="en") + people(3, first=7, lang="fr"))
    made.start(campaign(steps=[step(content={"vi": {"subject": "chào", "text": "a"}, "en": {"subject": "hello", "text": "b"}})]))
    data.until_idle("--clock", CLOCK)
    subjects = {record["to"]: "hello" if "hello" in record["subject"] else "other" for record in witness.accepted()}
    assert [subjects[f"p{n}@example.com"] for n in range(1, 10)] == ["other"] * 3 + ["hello"] * 3 + ["other"] * 3


@pytest.mark.quick
def test_report_adds_up_on_every_axis(data, made, witness):
    data.ok("init")
    places = ("code,name,level,parent,valid_from,valid_to\n97,Tỉnh Lam Giang,province,,1997-01-01,\n"
              "971,Xã Bình Lộc,commune,97,1997-01-01,\n972,Xã Yên Hạc,commune,97,1997-01-01,\n")
    data.ok("place", "import", data.write("places.csv", places))
    made.init(email_channel(witness.port), contacts=people(40, place_code=lambda n: ["971", "972", "97", ""][n % 4]) + [{"ref": "n", "name": "x"}])
    made.start(campaign(steps=[step("a"), step("b", when={"after": "a", "delay": "PT10M"})], holdout={"percent": 30, "unit": "contact"}))
    data.until_idle("--clock", CLOCK)
    for axis in ("step", "state", "reason", "place", "day"):
        rows = data.rows("report", "campaign", "c", "--by", axis)
        assert sum(row["messages"] for row in rows if not row.get("total")) == 82, (axis, rows)
    csv_text = data.ok("report", "campaign", "c", "--by", "state", "--csv").out
    assert csv_text.splitlines()[0].count(",") >= 1 and "accepted" in csv_text
    assert "accepted" in data.ok("report", "campaign", "c", "--by", "state").out or data.ok("report", "campaign", "c").out


def test_rehearsal_sends_nothing_and_tells_the_truth(data, made, witness):
    """What the rehearsal says is what then happens."""
    made.init(email_channel(witness.port), contacts=people(60) + [{"ref": "n", "name": "x"}])
    name = made.apply(campaign(steps=[step("a"), step("b", when={"after": "a", "delay": "P1D"})], holdout={"percent": 20, "unit": "contact"}))
    told = data.json("campaign", "rehearse", name)
    assert witness.count() == 0
    assert all(row["per_minute"] == row["messages"] for row in told["waves"]), "all leave within one minute"
    for verb in ("plan", "approve", "start"):
        data.ok("campaign", verb, name)
    data.until_idle("--clock", f"{START},x20000")
    sent = sum(row["messages"] for row in told["rows"] if row.get("state") == "accepted")
    assert sent == data.states(name)["accepted"] == witness.count()
