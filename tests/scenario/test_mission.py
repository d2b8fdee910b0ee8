"""The whole mission in one piece: one campaign over loudspeakers, email, SMS and a social network, from its rehearsal to what came of it.

The peers: paper for the loudspeakers, an SMTP server, the SMSC of npm smpp, a Telegram server."""
import email
import email.policy
import os
import re
import sys

import pytest

from rig.build import campaign, content, email_channel, people, step, table
from rig.ports import free_port
from rig.program import ROOT, eventually
from rig.sms import Smsc, sms_channel, sms_text
from test_experiment import newcombe
from test_http_door import Door
from test_inbound import Mailbox
from test_social import page, telegram  # noqa: F401

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "unit", "loudspeaker"))
from loud_rig import tone  # noqa: E402

pytestmark = pytest.mark.needs("ffmpeg", "node")
PLACES = [{"code": "24", "name": "Tỉnh Bắc Ninh", "level": "province", "valid_from": "2025-07-01"},
          {"code": "24001", "name": "Xã Đồng Tiến", "level": "commune", "parent": "24", "valid_from": "2025-07-01"},
          {"code": "24002", "name": "Phường Mão Điền", "level": "commune", "parent": "24", "valid_from": "2025-07-01"}]
OUTLETS = [{"code": f"L{n}", "name": f"Loa thôn {n}", "kind": "cluster", "owner": "village", "place_code": "24001", "coverage": "24001:120",
            "windows": "mo-su 05:00-05:30", "device": f"paper:thon-{n}", "channel": "loa", "languages": "vi", "minutes_per_day": 30} for n in (1, 2)]
BEFORE, DAWN, MORNING = ("2026-11-30T20:00:00+07:00,x1", "2026-12-01T04:50:00+07:00,x1", "2026-12-01T07:59:58+07:00,x10")
EVENING, AFTER = ("2026-12-02T18:00:00+07:00,x1", "2027-01-10T09:00:00+07:00,x1")
PEOPLE, LINK, BOUNCES, UNDELIVERED = 360, "https://dang-ky.example.com/bhxh", 359, 360


class Mission:
    """The campaign's peers and its data folder."""

    def __init__(self, data, made, witness, smsc, social, folder):
        self.data, self.made, self.witness, self.smsc, self.social, self.folder = data, made, witness, smsc, social, folder
        self.box = object.__new__(Mailbox)
        self.box.port = free_port()

    def prepare(self):
        os.mkdir(self.data.path("paper"))
        self.made.init(
            email_channel(self.witness.port, options={"lmtp_listen": f"127.0.0.1:{self.box.port}"}), sms_channel(self.smsc.port, price=500),
            page(self.social, receive="poll"),
            {"name": "loa", "plugin": "loudspeaker", "options": {"paper_dir": self.data.path("paper")}, "window": 20})
        self.data.ok("place", "import", self.data.write("places.csv", table(PLACES)))
        self.made.contacts(people(
            PEOPLE, person_id=lambda n: f"0240000{n:05}", place_code=lambda n: 24001 + n % 2,
            email=lambda n: "unknown@example.com" if n == BOUNCES else f"p{n}@example.com",
            phone=lambda n: f"+8490{n:06d}{int(n == UNDELIVERED)}"))
        self.data.ok("outlet", "import", self.data.write("outlets.csv", table(OUTLETS)))
        sound = tone(self.data.path("gia-dinh.wav"), 2)
        for verb in (["add", "gia-dinh", "--for", "vi", "--file", sound], ["listen", "gia-dinh"], ["approve", "gia-dinh"]):
            self.data.ok("material", *verb)
        self.data.ok("settings", "set", "public_url", "https://x.vn")
        self.data.ok("rules", "apply", os.path.join(ROOT, "config", "rules", "approval.json"))

    def plan(self):
        morning = {"at": "2026-12-01T08:00"}
        air = step("loa", "loa", {"at": "2026-12-01T05:00"}, outlets="all", airings={"per_day": 1, "days": 1, "materials": ["gia-dinh"]})
        del air["content"]
        steps = [air, step("thu", "email", morning, content=content(text=f"Kính gửi {{{{name}}}}, mời đăng ký: {LINK}\n")),
                 step("tin", "sms", morning, content=sms_text(f"Moi dang ky BHXH: {LINK}")),
                 step("bai", "kenh", morning, content={"vi": {"text": "Bảo hiểm xã hội tự nguyện"}}),
                 step("nhac", "sms", {"at": "2026-12-03T08:00"}, only_if="not enrolled", content=sms_text("Han cuoi la 31/12"))]
        path = self.data.write("c.json", campaign(steps=steps, holdout={"percent": 30}, budget={"amount": 1_000_000}, **{"class": "state_information"}))
        told = self.data.json("campaign", "check", path)
        assert told["ok"], told
        self.data.ok("campaign", "apply", path, "--by", "an")
        self.data.ok("--clock", BEFORE, "campaign", "plan", "c")

    def arms(self):
        """Numbers of the people by arm, as the lot fell."""
        held = {row["contact_ref"] for row in self.listed("suppressed") if row["reason"] == "holdout"}
        numbers = range(1, PEOPLE + 1)
        return [n for n in numbers if f"p{n}" not in held], [n for n in numbers if f"p{n}" in held]

    def listed(self, *state):
        return self.data.rows("message", "list", "--campaign", "c", "--limit", "5000", *(word for one in state for word in ("--state", one)))

    def outcomes(self):
        """step -> state -> how many messages"""
        counts = {}
        for row in self.listed():
            if row["reason"] != "holdout":
                states = counts.setdefault(row["step"], {})
                states[row["state"]] = states.get(row["state"], 0) + 1
        return counts

    def become(self, wanted, seconds=60):
        """Waits until these steps have come out so."""
        seen = {}

        def reached():
            seen.update(self.outcomes())
            return all(seen[name] == states for name, states in wanted.items())
        try:
            eventually(reached, seconds, 0.2)
        except AssertionError as failure:
            raise AssertionError(f"{seen}, not {wanted}\n{self.data.open_serves[-1].log()[-3000:]}") from failure

    def code_in_letter(self, number):
        for name in os.listdir(self.folder):
            with open(os.path.join(self.folder, name), "rb") as file:
                letter = email.message_from_binary_file(file, policy=email.policy.default)
            if f"Nguyễn Văn {number}," in letter.get_body(("plain",)).get_content():
                return re.search(r"https://x\.vn/t/([\w-]{16})", letter.get_body(("plain",)).get_content())[1]
        raise AssertionError(f"no letter for {number}")

    def code_in_text(self, number):
        text, = [row["text"] for row in self.smsc.rows() if row["to"] == f"8490{number:06d}0"]
        return re.search(r"https://x\.vn/t/([\w-]{16})", text)[1]


@pytest.fixture
def mission(data, made, witness_with, scratch, telegram):  # noqa: F811
    kept = os.path.join(scratch, "letters")
    os.mkdir(kept)
    smsc = Smsc(scratch)
    yield Mission(data, made, witness_with("--keep", kept), smsc, telegram, kept)
    smsc.end()


def test_the_whole_mission(mission, data):
    mission.prepare()
    mission.plan()

    # Rehearsed: nothing leaves, and the figures are those of the plan.
    told = data.json("--clock", BEFORE, "campaign", "rehearse", "c")
    assert told["airings"] == {"booked": 2, "clashes": 0, "refused": 0} and told["cost"] > 0, told
    assert mission.witness.count() == 0 and mission.smsc.rows() == [] and mission.social.sent == []

    # Approved: by the commune for its loudspeakers, and by somebody who did not write it.
    month = data.json("report", "airtime", "--place", "Đồng Tiến", "--month", "2026-12")["rows"][0]["h05"]
    assert "gia-dinh" in month and "?" in month
    data.ok("--clock", BEFORE, "airing", "approve", "--campaign", "c", "--by", "xa-dong-tien")
    assert "an wrote campaign c" in data.refused("--clock", BEFORE, "campaign", "approve", "c", "--by", "an")
    assert f"{PEOPLE} people" in data.ok("--clock", BEFORE, "campaign", "approve", "c", "--by", "chi").out
    data.ok("--clock", BEFORE, "campaign", "start", "c")
    treated, control = mission.arms()
    assert len(treated) + len(control) == PEOPLE and 70 < len(control) < 150, len(control)

    # Run: paper before dawn, people and the page in the morning.
    with data.serving("--clock", DAWN):
        eventually(lambda: {row["state"] for row in data.rows("airing", "list")} == {"accepted"}, 30, words=data.rows("airing", "list"))
    for row in data.rows("airing", "list"):
        data.ok("--clock", "2026-12-01T06:00:00+07:00,x1", "airing", "confirm", row["id"], "--played", "2026-12-01T05:01", "--by", "bác Tư")
    clicker, texter, refuser, asker = [n for n in treated if n < BOUNCES][:4]
    letters = {"accepted": len(treated) - (BOUNCES in treated)} | ({"failed": 1} if BOUNCES in treated else {})
    texts = {"delivered": len(treated) - (UNDELIVERED in treated)} | ({"failed": 1} if UNDELIVERED in treated else {})
    door = Door(data, "--clock", MORNING)
    mission.become({"loa": {"delivered": 2}, "thu": letters, "tin": texts, "bai": {"accepted": 1}})
    assert sorted(mission.witness.recipients()) == sorted(f"p{n}@example.com" for n in treated if n != BOUNCES)
    assert {row["to"] for row in mission.smsc.rows()} == {f"8490{n:06d}{int(n == UNDELIVERED)}" for n in treated}
    assert len(mission.social.sent) == 1

    # Tracked: a refusal and a question by SMS, an answer by letter, a comment under the post, links followed.
    mission.smsc.say(f"mo 8490{refuser:06d}0 TC")
    mission.smsc.say(f"mo 8490{asker:06d}0 Cho tôi hỏi mức đóng")
    mission.box.say(f"p{clicker}@example.com", "DK BHXH")
    mission.social.said(-200, "Đóng ở đâu?", chat={"id": -200, "type": "supergroup"}, **{"from": {"id": 912345678}},
                        reply_to_message={"forward_origin": {"chat": {"id": -100777}, "message_id": 1}})
    eventually(lambda: len(data.rows("inbox", "list")) == 4, 30, 0.1, "what people said")
    said = {row["channel"]: row for row in data.rows("inbox", "list") if row["act"] != "opt_out" and row["text"] != "DK BHXH"}
    assert {name: row["text"].strip() for name, row in said.items()} == {"sms": "Cho tôi hỏi mức đóng", "kenh": "Đóng ở đâu?"}
    # The clock has left the two seconds after sending behind in which whoever follows a link is a machine.
    for code in (mission.code_in_letter(clicker), mission.code_in_text(texter)):
        answer = door.get(f"/t/{code}")
        assert (answer.status, answer.headers["Location"]) == (302, LINK)
    eventually(lambda: sum(row["human"] for row in data.rows("link", "list", "--campaign", "c")) == 2, 20, 0.1, "both are counted")
    door.serve.stop()

    # Converted: the registry's file; the reminder passes over who enrolled and who refused.
    enrolled = {clicker, texter, *treated[4::3]}
    lines = [f"0240000{n:05},new,2026-12-02,{24001 + n % 2}" for n in [*sorted(enrolled), *control[:2]]]
    told = data.json("--clock", EVENING, "enrolment", "import", data.write("e.csv", "person_id,event,event_date,place_code\n" + "\n".join(lines) + "\n"))
    assert told["matched"] == len(lines) and told["review"] == 0
    before = len(mission.smsc.rows())
    data.until_idle("--clock", "2026-12-03T07:59:58+07:00,x60")
    reminded = {row["to"][4:-1] for row in mission.smsc.rows()[before:] if row["text"].startswith("Han cuoi")}
    assert reminded == {f"{n:06d}" for n in treated if n not in enrolled and n != refuser}

    # Reported.
    check_reports(data, mission, treated, control, enrolled)


def check_reports(data, mission, treated, control, enrolled):
    def report(*words):
        return data.json("--clock", AFTER, "report", *words)

    recorded = len(enrolled) + 2
    states = report("campaign", "c")
    ledger = len(mission.listed())
    assert sum(row["messages"] for row in states["rows"]) == ledger
    assert {row["outlet"]: (row["planned"], row["played"]) for row in report("asrun", "c")["rows"]} == {"L1": (1, 1), "L2": (1, 1)}
    month = report("airtime", "--place", "Đồng Tiến", "--month", "2026-12")["rows"][0]["h05"]
    assert "L1: gia-dinh" in month and "L2: gia-dinh" in month and "?" not in month
    spent = sum(row["cost"] or 0 for row in report("cost", "c", "--by", "step")["rows"])
    # All texts but the confirmation of the refusal, which is of no campaign of people.
    assert spent == 500 * (len(mission.smsc.rows()) - 1) > 0
    # Every enrolment is somebody's doing or nobody's: each way to a person or a village has a part in it, the page, which speaks to nobody, none.
    shares = report("attribution", "c", "--model", "linear")["rows"]
    assert sum(row["credit"] for row in shares) == pytest.approx(recorded)
    credited = {row["name"]: row["credit"] for row in shares if row["kind"] == "credit"}
    assert credited.pop("kenh", 0) == 0 and set(credited) == {"email", "sms", "loa"} and min(credited.values()) > 0, credited
    # What the campaign caused: the lot's answer.
    told = report("experiment", "c")
    arms = {row["arm"]: (row["enrolled"], row["people"]) for row in told["tables"]["arms"]["rows"]}
    assert arms == {"treated": (len(enrolled), len(treated)), "control": (2, len(control))}
    first = told["tables"]["estimates"]["rows"][0]
    assert (first["estimate"], first["ci_low"], first["ci_high"]) == pytest.approx(newcombe(*arms["treated"], *arms["control"]), abs=1e-9)
    numbers = {row["number"]: row["enrolments"] for row in told["rows"]}
    assert numbers["recorded"] == recorded and numbers["caused"] == pytest.approx(first["estimate"] * len(treated))
    assert "Verdict: effective" in data.ok("--clock", AFTER, "report", "experiment", "c").out
    data.ok("--clock", AFTER, "report", "campaign", "c", "--pdf", data.path("c.pdf"))
    data.ok("doctor")
