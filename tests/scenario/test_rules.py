"""The rules of sending as data: label and refusal, brand name, the do-not-call list, dates, and what no rule may delay."""
import json
import os

import pytest

from rig.build import START, campaign, email_channel, outbox_channel, people, step
from rig.program import ROOT, eventually
from rig.sms import Smsc, phones, sms_channel, sms_text

CLOCK = f"{START},x1000"
AD = {"class": "advertising"}


@pytest.fixture
def smsc(scratch):
    peer = Smsc(scratch)
    yield peer
    peer.end()


def consent(data, channel, *keys, purpose="advertising"):
    rows = "".join(f"{key},{channel},{purpose},given,2026-11-01,form,phieu\n" for key in keys)
    data.ok("consent", "import", data.write("consent.csv", "ref,channel,purpose,action,at,source,evidence\n" + rows))


def brand(smsc_port, **more):
    return sms_channel(smsc_port, refusal_to="8088", **more)


def sms_ad(**more):
    return campaign(steps=[step(channel="sms", content=sms_text("Giam gia {{name | strip}}"))], **AD, **more)


def dnc(data, dated, numbers="0987654321\n"):
    return data.json("suppression", "import", data.write("dnc.csv", "phone\n" + numbers), "--list", "do-not-call", "--dated", dated)


def test_advertising_by_sms_has_label_first_and_refusal_last(data, made, smsc):
    """Counted, priced and shown before approval; held without a do-not-call list, and out as soon as there is one."""
    made.init(brand(smsc.port, prices=[{"from": "2026-01-01", "minor": 100}]), contacts=phones(3))
    consent(data, "sms", "p1", "p2")
    path = data.write("c.json", sms_ad())
    told = data.run("campaign", "check", path, "--json")
    assert told.code == 0 and "do-not-call" in told.json["notices"][0] and "steps[0].channel" in told.json["notices"][0]
    made.apply(sms_ad())
    text = "[QC] Giam gia Nguyen Van 1\nTu choi: soan TC gui 8088"
    (shown,) = data.rows("message", "preview", "c", "--step", "s1", "--contact", "1")
    assert shown["text"].startswith(text + "\n") and f"{len(text)} ký tự" in shown["note"], shown
    cost = data.json("campaign", "cost", "c")
    assert (cost["messages"], cost["units"], cost["cost"]) == (2, 2, 200), cost
    for verb in ("plan", "approve", "start"):
        data.ok("campaign", verb, "c")
    with data.serving("--clock", f"{START},x10"):
        eventually(lambda: data.states("c") == {"held": 2, "suppressed": 1}, 20, 0.2, "held: " + str(data.states("c")))
        assert {row["reason"] for row in data.messages("c", "held")} == {"do_not_call_list_old"}
        assert not smsc.rows()
        assert dnc(data, "2026-11-20", "0900000020\n")["added"] == 1
        eventually(lambda: len(smsc.rows()) == 1, 20, 0.2, "p1 alone: p2 is on the list")
    assert [row["text"] for row in smsc.rows()] == [text]
    assert {row["address"]: row["reason"] for row in data.messages("c", "suppressed")} == {
        "+84900000020": "do_not_call", "+84900000030": "no_consent"}


@pytest.mark.quick
def test_the_do_not_call_list_is_one_against_advertising(data, made, smsc):
    """State information goes to who stands in it; a rule can say otherwise; a refusal holds all the same."""
    made.init(brand(smsc.port), contacts=phones(3))
    consent(data, "sms", "p1", "p2", "p3")
    dnc(data, "2026-11-20", "0900000010\n0900000020\n")
    data.ok("suppression", "add", "0900000020")
    told = data.json("suppression", "add", "0900000030", "--reason", "do_not_call")
    assert told["address"] == "0900000030"
    for name, kind, strict, expected in (("ad", "advertising", None, set()), ("info", "state_information", None, {"+84900000010", "+84900000030"}),
                                         ("strict", "state_information", True, set())):
        if strict is not None:
            data.ok("rules", "apply", data.write("r.json", {"rules": [{"class": "*", "channel": "*", "source": "x", "do_not_call": strict}]}))
        made.start(campaign(name, steps=[step(channel="sms", content=sms_text("Tin"))], **{"class": kind}))
        data.until_idle("--clock", CLOCK)
        reasons = {row["address"]: row["reason"] for row in data.messages(name, "suppressed")}
        listed = {} if expected else {"+84900000010": "do_not_call", "+84900000030": "do_not_call"}
        assert reasons == {"+84900000020": "opted_out", **listed}, name
        assert {row["address"] for row in data.messages(name) if row["state"] in ("accepted", "delivered")} == expected, name


@pytest.mark.quick
def test_advertising_from_a_number_is_refused(data, made):
    made.init(sms_channel(1, name="number", options={"source_addr": "84912345678"}, refusal_to="8088"), sms_channel(1, name="none"),
              outbox_channel(), contacts=phones(1))
    for name, part in (("number", '"84912345678"'), ("none", '"refusal_to"')):
        made_up = campaign(steps=[step(channel=name, content=sms_text("Giam gia"))], **AD)
        told = data.run("campaign", "check", data.write("c.json", made_up))
        assert told.code != 0 and "steps[0].channel" in told.err and part in told.err, told.err
        assert part in data.refused("campaign", "apply", data.write("c.json", made_up))
    data.ok("campaign", "apply", data.write("c.json", campaign(steps=[step(channel="number", content=sms_text("Tin"))])))
    # Rules that change after the file was applied hold all the same.
    rule = {"class": "internal", "channel": "sms", "source": "x", "brand_name": True}
    data.ok("rules", "apply", data.write("r.json", {"rules": [rule]}))
    assert '"84912345678"' in data.refused("campaign", "plan", "c")


@pytest.mark.quick
def test_rules_put_in_force_later_hold_what_they_forbid(data, made, smsc):
    made.init(sms_channel(smsc.port, options={"source_addr": "8088"}), contacts=phones(2))
    made.start(campaign(steps=[step(channel="sms", content=sms_text("Tin"))]))
    data.ok("rules", "apply", data.write("r.json", {"rules": [{"class": "internal", "channel": "*", "brand_name": True}]}))
    with data.serving("--clock", f"{START},x10"):
        eventually(lambda: data.states("c") == {"held": 2}, 20, 0.2, "held")
        assert {row["reason"] for row in data.messages("c")} == {"rule"} and not smsc.rows()
        data.ok("rules", "apply", data.write("r.json", {"rules": []}))
        eventually(lambda: len(smsc.rows()) == 2, 20, 0.2, "let go")


@pytest.mark.quick
def test_advertising_by_email(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(2))
    consent(data, "email", "p1")
    content = {"vi": {"subject": "Quà tặng", "text": "Mời {{name}}.\n", "html": "<html><body><p>Mời {{name}}</p></body></html>"}}
    made.start(campaign(steps=[step(content=content)], **AD))
    data.until_idle("--clock", CLOCK)
    assert witness.recipients() == ["p1@example.com"]
    shown = data.json("message", "preview", "c", "--step", "s1", "--contact", "1")["rows"][0]["text"]
    assert shown.startswith("[QC] Quà tặng\n") and shown.endswith(".\nTừ chối nhận quảng cáo: trả lời thư này với nội dung TC"), shown


@pytest.mark.quick
def test_a_rule_ends_and_the_next_begins_at_midnight(data, made):
    """One campaign, one step a day: the label is the one of the day, without a restart."""
    made.init(outbox_channel(), contacts=people(1))
    rules = [{"class": "internal", "channel": "outbox", "to": "2026-12-02", "source": "old", "label": "[CU]"},
             {"class": "internal", "channel": "outbox", "from": "2026-12-03", "source": "new", "label": "[MOI]"}]
    data.ok("rules", "apply", data.write("r.json", {"rules": rules}))
    daily = {"rrule": "FREQ=DAILY;COUNT=4", "at": "2026-12-01T08:00"}
    made.start(campaign(steps=[step(channel="outbox", when=daily, content={"vi": {"subject": "Tin", "text": "Chào"}})]))
    data.until_idle("--clock", f"{START},x100000")
    found = []
    for folder, _, files in os.walk(os.path.join(data.dir, "outbox")):
        found += [os.path.join(folder, name) for name in files]
    texts = [open(name, encoding="utf-8").read() for name in sorted(found, key=os.path.getmtime)]
    assert sum("[CU]" in text for text in texts) == 2 and sum("[MOI]" in text for text in texts) == 2, texts


@pytest.mark.quick
def test_overlapping_rules_are_refused(data):
    data.ok("init")
    text = ('{"rules": [\n'
            ' {"class": "advertising", "channel": "sms", "from": "2026-01-01", "to": "2026-12-31"},\n'
            ' {"class": "advertising", "channel": "sms",\n'
            '  "from": "2026-12-31"}]}')
    path = data.write("r.json", text)
    told = data.refused("rules", "apply", path)
    assert "r.json:4: field rules[1].from: overlaps rules[0]" in told, told
    assert "overlaps" not in json.dumps(data.json("rules", "show"))


@pytest.mark.quick
def test_the_files_that_come_along_can_be_applied(data):
    data.ok("init")
    built_in = json.loads(data.ok("rules", "show").out)
    for name in ("messages.json", "messages-strict.json"):
        path = os.path.join(ROOT, "config", "rules", name)
        data.ok("rules", "apply", path)
        with open(path, encoding="utf-8") as file:
            wanted = json.load(file)
        assert json.loads(data.ok("rules", "show").out) == wanted
        assert all(rule["source"] for rule in wanted["rules"])
        assert name != "messages.json" or built_in == wanted


@pytest.mark.quick
def test_do_not_call_lists_have_their_day(data):
    data.ok("init")
    path = data.write("dnc.csv", "phone\n0987654321\n0987654322\n")
    for args, part in ((("--list", "do-not-call"), "--dated"), (("--dated", "2026-11-01"), "--list"), (("--list", "x", "--dated", "2026-11-01"), "--list"),
                       (("--list", "do-not-call", "--dated", "2099-01-01"), "to come")):
        assert part in data.refused("suppression", "import", path, *args)
    assert not data.rows("suppression", "list")
    assert dnc(data, "2026-11-20")["added"] == 1
    assert "2026-11-20" in data.refused("suppression", "import", path, "--list", "do-not-call", "--dated", "2026-11-19")
    empty = data.write("empty.csv", "phone\nkhong-phai-so\n")
    assert "no address" in data.refused("suppression", "import", empty, "--list", "do-not-call", "--dated", "2026-11-21")
    assert {row["reason"] for row in data.rows("suppression", "list")} == {"do_not_call"}


@pytest.mark.quick
def test_a_do_not_call_list_that_lacks_many_is_not_taken_by_itself(data):
    """A wrong file, or the first of several: nothing changes until somebody says that it is meant."""
    def numbers(first, count):
        return data.write("dnc.csv", "phone\n" + "".join(f"09876{number:05d}\n" for number in range(first, first + count)))

    def held():
        return {row["address"] for row in data.rows("suppression", "list", "--limit", "1000")}

    def take(day, *more):
        return ["suppression", "import", data.path("dnc.csv"), "--list", "do-not-call", "--dated", day, *more]

    data.ok("init")
    numbers(0, 200)
    data.ok(*take("2026-11-10"))
    before = held()
    for first, count in ((0, 150), (500, 200)):
        numbers(first, count)
        message = data.refused(*take("2026-11-20"))
        assert "dnc.csv" in message and "of the 200 addresses" in message and "--drop-missing" in message and "\n" not in message.strip()
        assert held() == before
    assert "danh sách không quảng cáo" in data.run(*take("2026-11-20"), "--lang", "vi").err
    assert data.sql("SELECT value FROM meta WHERE key = 'do_not_call_dated'") == [("2026-11-10",)]
    numbers(15, 200)
    assert data.json(*take("2026-11-20"))["dropped"] == 15
    numbers(500, 100)
    assert data.json(*take("2026-11-21", "--drop-missing"))["dropped"] == 200
    numbers(600, 100)
    assert data.json(*take("2026-11-21"))["dropped"] == 0 and len(held()) == 200


@pytest.mark.quick
def test_doors_that_stay_shut_to_the_end(data, made, witness):
    """What is not out by the last closing hour of the window never leaves: not at night either."""
    made.init(email_channel(witness.port), contacts=people(5))
    rule = {"class": "internal", "channel": "email", "hours": {"from": "07:00", "to": "20:00"}}
    data.ok("rules", "apply", data.write("r.json", {"rules": [rule]}))
    made.start(campaign(window={"from": "2026-12-01", "to": "2026-12-01", "timezone": "Asia/Ho_Chi_Minh"},
                        steps=[step(when={"at": "2026-12-01T20:30"})]))
    data.until_idle("--clock", "2026-12-01T20:29:00+07:00,x1000")
    assert witness.count() == 0
    assert {row["reason"] for row in data.messages("c")} == {"expired"} and data.states("c") == {"suppressed": 5}


@pytest.mark.quick
def test_emergencies_pass_hours_and_caps(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(3))
    rule = {"class": "*", "channel": "*", "hours": {"from": "07:00", "to": "20:00"}, "caps": [{"messages": 1, "period": "P7D"}]}
    data.ok("rules", "apply", data.write("r.json", {"rules": [rule]}))
    for number in (1, 2):
        name = made.apply(campaign(f"e{number}", steps=[step(when={"at": f"2026-12-01T23:0{number}"})], **{"class": "emergency"}))
        data.ok("campaign", "plan", name)
        for who in ("an", "be"):
            data.ok("campaign", "approve", name, "--by", who, "--reason", "lũ về")
        data.ok("campaign", "start", name)
    data.until_idle("--clock", "2026-12-01T23:00:00+07:00,x10")
    assert witness.count() == 6


@pytest.mark.quick
def test_a_refusal_holds_for_the_address_in_any_case(data, made, witness):
    made.init(email_channel(witness.port), contacts=[{"ref": "a", "name": "A", "email": "An.Nguyen@Example.com"},
                                                     {"ref": "b", "name": "B", "email": "be@example.com"}, {"ref": "c", "name": "C", "email": "chi@example.com"}])
    data.ok("suppression", "add", "an.nguyen@example.com")
    data.ok("suppression", "add", "BE@EXAMPLE.COM")
    made.start(campaign())
    data.until_idle("--clock", CLOCK)
    assert witness.recipients() == ["chi@example.com"]
    assert {row["reason"] for row in data.messages("c", "suppressed")} == {"opted_out"}
    data.ok("suppression", "remove", "AN.nguyen@example.com")
    assert [row["address"] for row in data.rows("suppression", "list")] == ["be@example.com"]


@pytest.mark.quick
def test_confirmations_wait_for_no_rule(data, made, smsc):
    """House hours are over and the cap is reached: a refusal is confirmed all the same, at once."""
    made.init(sms_channel(smsc.port), contacts=phones(1))
    made.start(campaign(steps=[step(channel="sms", when={"at": "2026-12-01T19:59"}, content=sms_text("Tin"))]))
    rule = {"class": "*", "channel": "*", "hours": {"from": "07:00", "to": "20:00"}, "caps": [{"messages": 1, "period": "P7D"}]}
    data.ok("rules", "apply", data.write("r.json", {"rules": [rule]}))
    with data.serving("--clock", "2026-12-01T19:58:30+07:00,x20"):
        eventually(lambda: len(smsc.rows()) == 1, 20, 0.1, "the message")
        eventually(lambda: data.ok("doctor").code == 0 and smsc.rows(), 20, 0.1)
        smsc.say("mo 84900000010 TC")
        eventually(lambda: len(smsc.rows()) == 2, 20, 0.1, "the confirmation")
    (row,) = data.rows("consent", "list")
    data.ok("consent", "undo", str(row["id"]), "--note", "gọi điện xin nhận lại")
    assert [r["source"] for r in data.rows("consent", "list")][-1] == "reply" and not data.rows("suppression", "list")
