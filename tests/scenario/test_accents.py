"""Accents and letters of an SMS: what the step says about them, what they cost, and the letter that costs."""
import pytest

from rig.build import START, campaign, email_channel, step
from rig.sms import Smsc, phones, sms_channel

pytestmark = pytest.mark.quick
TEXT = "Kính mời ông bà {{name}} đến xã để được tư vấn về bảo hiểm xã hội tự nguyện"
BARE = "Kinh moi ong ba Nguyen Van 1 den xa de duoc tu van ve bao hiem xa hoi tu nguyen"
ACCENTED = "Kính mời ông bà Nguyễn Văn 1 đến xã để được tư vấn về bảo hiểm xã hội tự nguyện"


@pytest.fixture
def smsc(scratch):
    peer = Smsc(scratch)
    yield peer
    peer.end()


def sms_step(name, accents=None, text=TEXT):
    made = step(name, channel="sms", content={"vi": {"text": text}})
    if accents:
        made["accents"] = accents
    return made


def test_the_step_says_what_becomes_of_accents(data, made, smsc):
    """keep, strip and strip_when_cheaper side by side: check, cost, preview and the operator agree."""
    made.init(sms_channel(smsc.port, options={"accents": "strip"}, prices=[{"from": "2026-01-01", "minor": 100}]), contacts=phones(1))
    steps = [sms_step("kept", "keep"), sms_step("bare", "strip"), sms_step("cheap", "strip_when_cheaper"),
             sms_step("short", "strip_when_cheaper", "Kính mời"), sms_step("channel")]
    made.apply(campaign(steps=steps))
    cost = {row["step"]: row for row in data.json("campaign", "cost", "c")["rows"]}
    assert {name: row["units"] for name, row in cost.items()} == {"kept": 2, "bare": 1, "cheap": 1, "short": 1, "channel": 1}

    def shown(name):
        (row,) = data.rows("message", "preview", "c", "--step", name, "--contact", "1")
        return row["text"]

    assert shown("kept").startswith(ACCENTED) and 'buộc dùng UCS-2' in shown("kept")
    assert f"Không dấu: 1 phần\n{BARE}" in shown("kept"), shown("kept")
    assert shown("bare").startswith(BARE) and shown("cheap").startswith(BARE) and "đã bỏ dấu" in shown("bare")
    assert shown("short").startswith("Kính mời")
    for verb in ("plan", "approve", "start"):
        data.ok("campaign", verb, "c")
    data.until_idle("--clock", f"{START},x10")
    assert sorted(row["text"] for row in smsc.rows() if row["text"] != ACCENTED[:67]) and {row["text"] for row in smsc.rows()} >= {BARE, "Kính mời"}


def test_check_names_the_letter_that_costs(data, made):
    made.init(sms_channel(1), contacts=phones(1))
    path = data.write("c.json", campaign(steps=[sms_step("s1", text="Chào {{name}} – mời “ông bà”")]))
    told = data.run("campaign", "check", path, "--json")
    (notice,) = told.json["notices"]
    assert told.code == 0 and "c.json:" in notice and "steps[0].content.vi" in notice
    assert 'chữ "ờ" (thứ 10) buộc dùng UCS-2' in notice and 'đã thay 3 ký tự đặc biệt, đầu tiên là "–"' in notice, notice
    assert notice in told.err


def test_accents_are_refused_where_nobody_minds_them(data, made):
    made.init(email_channel(1), sms_channel(1), contacts=phones(1))
    wrong = campaign(steps=[step(accents="strip")])
    assert "steps[0].accents" in data.refused("campaign", "check", data.write("c.json", wrong))
    wrong = campaign(steps=[sms_step("s1", "away")])
    assert "steps[0].accents" in data.refused("campaign", "check", data.write("c.json", wrong))


def test_a_campaign_may_ask_about_itself_before_it_is_applied(data, made):
    made.init(sms_channel(1), contacts=phones(1))
    steps = [sms_step("s1"), {**sms_step("s2"), "only_if": "not got 'c' step 's1'"}]
    made.apply(campaign(steps=steps))
    assert "unknown campaign" in data.refused("campaign", "check", data.write("d.json", campaign("d", steps=[{**sms_step("s"), "only_if": "got 'x'"}])))
