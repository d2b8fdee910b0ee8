"""What people say back: refusals, interest, the inbox, consents given back. Answers come in by mail (LMTP)."""
import smtplib
from email.message import EmailMessage

import pytest

from rig.build import START, campaign, email_channel, people, step
from rig.ports import free_port
from rig.program import eventually

CLOCK = f"{START},x1"


@pytest.fixture
def mailbox(data, made, witness):
    """A data folder with people, a mail channel, and a serve that hears their answers."""
    return Mailbox(data, made, witness)


class Mailbox:
    def __init__(self, data, made, witness):
        self.data, self.made, self.witness, self.port = data, made, witness, free_port()
        made.init(email_channel(witness.port, options={"lmtp_listen": f"127.0.0.1:{self.port}"}), contacts=people(4))

    def say(self, who, text, to="campaign@example.com"):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = who, to, "Re: tin"
        mail["Message-ID"] = f"<{abs(hash((who, text)))}@example.com>"
        mail.set_content(text)

        def delivered():
            with smtplib.LMTP("127.0.0.1", self.port, timeout=10) as client:
                return client.sendmail(who, [to], mail.as_bytes()) == {}

        def tried():
            try:
                return delivered()
            except (ConnectionRefusedError, smtplib.SMTPException):
                return False

        eventually(tried, 20, 0.2, "the mail is taken")

    def inbox(self, *args):
        return self.data.rows("inbox", "list", *args)

    def sent_to(self, who):
        return [record for record in self.witness.accepted() if record["to"] == who]


@pytest.mark.quick
def test_a_refusal_takes_effect_before_the_next_message_and_is_confirmed_once(data, made, witness, mailbox):
    made.start(campaign(steps=[step("now", when={"at": "2026-12-01T08:00"}), step("later", when={"at": "2026-12-01T09:00"})]))
    with data.serving("--clock", CLOCK):
        eventually(lambda: witness.count() == 4, 20)
        mailbox.say("p1@example.com", "Từ chối")
        eventually(lambda: len(mailbox.sent_to("p1@example.com")) == 2, 20, words="the confirmation")
        mailbox.say("p1@example.com", "TC")
        mailbox.say("p1@example.com", "tu choi!!")
        eventually(lambda: len(mailbox.inbox()) == 3, 20)
    rows = data.rows("consent", "list", "--contact", "1")
    assert [(row["action"], row["purpose"], row["source"]) for row in rows] == [("withdrawn", "*", "reply")]
    assert "Từ chối" in rows[0]["evidence"] and "p1@example.com" in rows[0]["evidence"]
    assert [row["address"] for row in data.rows("suppression", "list")] == ["p1@example.com"]
    assert {row["act"] for row in mailbox.inbox()} == {"opt_out"} and mailbox.inbox("--open") == []
    data.until_idle("--clock", "2026-12-01T08:59:30+07:00,x60")
    assert len(mailbox.sent_to("p1@example.com")) == 2, "written to after the refusal, or confirmed twice"
    assert witness.count() == 4 + 1 + 3
    late = [row for row in data.messages("c") if row["step"] == "later" and row["address"] == "p1@example.com"]
    assert [(row["state"], row["reason"]) for row in late] == [("suppressed", "opted_out")]
    data.ok("doctor")


@pytest.mark.quick
def test_undo_gives_consent_back_and_a_later_refusal_counts_again(data, mailbox):
    with data.serving("--clock", CLOCK):
        mailbox.say("p2@example.com", "STOP")
        eventually(lambda: len(mailbox.sent_to("p2@example.com")) == 1, 20)
        withdrawal = data.rows("consent", "list", "--contact", "2")[0]["id"]
        assert "note" in data.refused("consent", "undo", withdrawal)
        outcome = data.json("consent", "undo", withdrawal, "--note", "called: wrote STOP by mistake", "--by", "lan")
        assert outcome["suppressions_removed"] == 1 and not outcome["advertising"], "advertising needs consent that was never given"
        assert data.rows("suppression", "list") == []
        given = [row for row in data.rows("consent", "list", "--contact", "2") if row["action"] == "given"]
        assert {row["source"] for row in given} == {"undo"} and "advertising" not in {row["purpose"] for row in given}
        assert "newer one" in data.refused("consent", "undo", withdrawal, "--note", "again")
        assert "no withdrawal" in data.refused("consent", "undo", given[0]["id"], "--note", "x")
        mailbox.say("p2@example.com", "STOP")
        eventually(lambda: len(mailbox.sent_to("p2@example.com")) == 2, 20, words="a new refusal, a new confirmation")
    assert data.sql("SELECT who, verb, detail FROM audit WHERE verb = 'undo'") == [("lan", "undo", "called: wrote STOP by mistake")]


def test_undo_after_consent_gives_everything_back(data, made, mailbox):
    data.ok("consent", "import", data.write("c.csv", "email,channel,purpose,action,at,source\np3@example.com,email,advertising,given,2026-11-01,form\n"))
    with data.serving("--clock", CLOCK):
        mailbox.say("p3@example.com", "tc")
        eventually(lambda: len(data.rows("consent", "list", "--contact", "3")) == 2, 20)
    withdrawal = data.rows("consent", "list", "--contact", "3")[0]["id"]
    assert data.json("consent", "undo", withdrawal, "--note", "by phone")["advertising"]


@pytest.mark.quick
def test_interest_is_an_event_and_the_rest_waits_in_the_inbox(data, mailbox):
    with data.serving("--clock", CLOCK):
        mailbox.say("p1@example.com", "DK BHXH")
        mailbox.say("p2@example.com", "Đúng")
        mailbox.say("p3@example.com", "Khi nào thì dừng thu?")
        mailbox.say("nobody@example.org", "Tôi muốn hỏi")
        mailbox.say("nobody@example.org", "STOP")
        eventually(lambda: len(mailbox.inbox()) == 5, 20)
        eventually(lambda: len(mailbox.sent_to("p1@example.com")) == 1, 20)
        events = data.rows("contact", "events", "1")
        assert [(event["kind"], event["channel"], event["text"]) for event in events] == [("interest", "email", "DK BHXH")]
        assert data.rows("contact", "events", "2") == []
        assert "77" in data.refused("contact", "events", "77")
        waiting = {row["address"]: row for row in mailbox.inbox("--open")}
        assert set(waiting) == {"p2@example.com", "p3@example.com", "nobody@example.org"}
        stranger = [row for row in mailbox.inbox() if row["act"] == "opt_out"][0]
        assert stranger["state"] == "closed" and data.ok("inbox", "show", stranger["id"]).json["note"] is None
        eventually(lambda: len(mailbox.sent_to("nobody@example.org")) == 1, 20, words="confirmed though no contact has the address")
        assert "nobody@example.org" in [row["address"] for row in data.rows("suppression", "list")]

        question = waiting["p3@example.com"]["id"]
        data.ok("inbox", "assign", question, "Lan", "--by", "hoa")
        answer = data.json("inbox", "answer", question, "Chúng tôi sẽ gọi lại. {{name}}", "--by", "lan")
        eventually(lambda: len(mailbox.sent_to("p3@example.com")) == 1, 20)
        shown = data.json("message", "show", answer["message"])
        assert shown["state"] == "accepted" and shown["step"] == "answer"
        data.ok("inbox", "answer", question, "Và một lần nữa.", "--by", "lan")
        eventually(lambda: len(mailbox.sent_to("p3@example.com")) == 2, 20)
    entry = data.ok("inbox", "show", question).json
    assert entry["state"] == "answered" and entry["assigned"] == "Lan"
    assert [(act["who"], act["verb"]) for act in entry["history"]] == [("hoa", "assign"), ("lan", "answer"), ("lan", "answer")]
    data.ok("inbox", "close", question)
    assert "closed already" in data.refused("inbox", "close", question)
    data.ok("doctor")


def test_a_key_finds_the_person_whatever_address_they_write_from(data, made, witness, mailbox):
    made.start(campaign())
    with data.serving("--clock", CLOCK):
        eventually(lambda: witness.count() == 4, 20)
        key = [row for row in data.messages("c") if row["address"] == "p4@example.com"][0]["key"]
        mailbox.say("private@example.net", "Từ chối", to=f"campaign+{key}@example.com")
        eventually(lambda: len(mailbox.sent_to("p4@example.com")) == 2, 20)
    assert {row["address"] for row in data.rows("suppression", "list")} == {"p4@example.com", "private@example.net"}
    assert data.rows("consent", "list", "--contact", "4")[0]["action"] == "withdrawn"
    assert data.rows("contact", "events", "4")[0]["message"]


def test_bad_input_is_refused_and_nothing_is_lost(data, mailbox):
    with data.serving("--clock", CLOCK):
        mailbox.say("p1@example.com", "Xin hỏi\x07 một câu")
        eventually(lambda: len(mailbox.inbox()) == 1, 20)
    assert "5000" in data.refused("inbox", "answer", "1", "x" * 5000)
    assert "control" in data.refused("inbox", "answer", "1", "a\x07b")
    assert "empty" in data.refused("inbox", "answer", "1", "  ")
    assert "99" in data.refused("inbox", "answer", "99", "x")
    assert "not a number" in data.refused("inbox", "show", "abc")
    assert "no entry" in data.refused("inbox", "show", "99")
    data.ok("inbox", "answer", "1", "đã gọi điện", "--by-hand")
    assert data.ok("inbox", "show", "1").json["state"] == "answered"

    before = data.ok("keywords", "show").out
    rule = {"name": "a", "act": "opt_out", "channel": "*", "lang": "vi", "match": "first", "patterns": ["TC"], "confirm": {"vi": "x"}}
    again = {**rule, "name": "b", "patterns": ["t.c"]}
    assert "ambiguous" in data.refused("keywords", "apply", data.write("k.json", {"keywords": [rule, again]}))
    assert "k.json" in data.refused("keywords", "apply", data.write("k.json", "{"))
    assert "k.json:" in data.refused("keywords", "apply", data.write("k.json", {"keywords": [{**rule, "act": "dance"}]}))
    assert data.ok("keywords", "show").out == before
    data.ok("keywords", "apply", data.write("k.json", {"keywords": [{**rule, "patterns": ["het"]}]}))
    with data.serving("--clock", CLOCK):
        mailbox.say("p2@example.com", "hết")
        mailbox.say("p3@example.com", "TC")
        eventually(lambda: len(mailbox.inbox()) == 3, 20)
    assert [row["act"] for row in sorted(mailbox.inbox(), key=lambda row: row["id"])][1:] in (["opt_out", ""], ["", "opt_out"])


def test_names_of_the_program_are_its_own(data, made, mailbox):
    refused = data.refused("campaign", "apply", data.write("c.json", campaign("lantoa-system-x")))
    assert "lantoa-system-" in refused
