"""Approval: by whom, for what, until when, and what takes it back."""
import json
import os

import pytest

from rig.build import THEME, campaign, outbox_channel, people, step
from rig.program import ROOT
from test_cost import phones, sms_channel, sms_step

pytestmark = pytest.mark.quick
SHIPPED = os.path.join(ROOT, "config", "rules", "approval.json")


def rules(*rows, **more):
    return {"approvals": [{"source": "test", **row} for row in rows], **more}


def put_in_force(data, *rows, **more):
    data.ok("rules", "apply", data.write("approval.json", rules(*rows, **more)))


def planned(data, made, contacts=None, channel=None, **more):
    made.init(channel or outbox_channel(price=7), contacts=contacts or people(3))
    more.setdefault("steps", [step(channel="outbox")])
    data.ok("campaign", "apply", data.write("c.json", campaign(**more)), "--by", "an")
    data.ok("campaign", "plan", "c", "--by", "an")


def shown(data):
    return data.json("campaign", "show", "c")


def test_without_rules_one_person_is_enough_and_it_says_so(data, made):
    planned(data, made)
    told = data.ok("campaign", "approve", "c", "--by", "an").out
    assert "3 people, 3 messages, 3 parts, 21 VND" in told
    assert "approved by one person; rules for a second: lantoa rules apply config/rules/approval.json" in told
    data.ok("campaign", "start", "c")


def test_the_shipped_rules_ask_by_size_channel_and_class(data, made):
    made.init(sms_channel(), outbox_channel(), contacts=phones(1200) + people(300, first=5000))
    data.ok("rules", "apply", SHIPPED)
    cases = [("small", "outbox", "phone = '+84960000001'", "internal", 1, True), ("middle", "outbox", "email is not empty", "internal", 1, False),
             ("large", "sms", "all", "internal", 2, False), ("ad", "outbox", "phone = '+84960000001'", "advertising", 1, False),
             ("alarm", "outbox", "phone = '+84960000001'", "emergency", 2, False)]
    for name, channel, audience, kind, needed, author_may in cases:
        made_step = sms_step() if channel == "sms" else step(channel=channel)
        data.ok("campaign", "apply", data.write("x.json", campaign(name, audience=audience, steps=[made_step], **{"class": kind})), "--by", "an")
        data.ok("campaign", "plan", name)
        told = data.json("campaign", "show", name)
        assert (told["needed"], told["author_may"], told["reason_needed"]) == (needed, author_may, kind == "emergency"), name


def test_two_people_neither_of_whom_wrote_it(data, made):
    planned(data, made)
    put_in_force(data, {"channel": "*", "approvers": 2})
    # Whoever ever applied a version is an author, also when somebody else applied the last one.
    data.ok("campaign", "unplan", "c")
    data.ok("campaign", "apply", data.write("c.json", campaign(legal_basis="khác", steps=[step(channel="outbox")])), "--by", "binh")
    data.ok("campaign", "plan", "c")
    for author in ("an", "binh"):
        assert f"{author} wrote campaign c and cannot approve it" in data.refused("campaign", "approve", "c", "--by", author)
    first = data.json("campaign", "approve", "c", "--by", "chi")
    assert (first["state"], first["approvals"], first["needed"]) == ("planned", 1, 2)
    assert "approvals still needed: 1" in data.refused("campaign", "start", "c")
    assert "chi has approved campaign c already" in data.refused("campaign", "approve", "c", "--by", "chi")
    second = data.json("campaign", "approve", "c", "--by", "dung")
    assert (second["state"], second["hash"]) == ("approved", first["hash"])
    told = shown(data)
    assert told["authors"] == ["an", "binh"] and [row["who"] for row in told["rows"]] == ["chi", "dung"]
    assert data.rows("campaign", "list")[0]["approved_by"] == "chi, dung"
    data.ok("campaign", "start", "c")
    assert [who for who, in data.sql("SELECT who FROM audit WHERE verb = 'approve' ORDER BY id")] == ["chi", "dung"]


def test_an_emergency_needs_two_and_a_reason_also_without_rules(data, made):
    planned(data, made, **{"class": "emergency"})
    assert "wrote campaign c" in data.refused("campaign", "approve", "c", "--by", "an", "--reason", "lũ")
    assert "--reason" in data.refused("campaign", "approve", "c", "--by", "chi")
    assert data.json("campaign", "approve", "c", "--by", "chi", "--reason", "lũ về đêm nay")["state"] == "planned"
    assert data.json("campaign", "approve", "c", "--by", "dung", "--reason", "lũ")["state"] == "approved"
    assert [row["reason"] for row in shown(data)["rows"]] == ["lũ về đêm nay", "lũ"]


def approved(data, made, **more):
    planned(data, made, **more)
    data.ok("campaign", "approve", "c", "--by", "chi")
    assert data.rows("campaign", "list")[0]["state"] == "approved"


def change_plan(data, made):
    data.ok("campaign", "plan", "c")


def change_sender(data, made):
    data.ok("channel", "apply", data.write("channel.json", outbox_channel(price=7, options={"dir": "elsewhere"})))


def change_price(data, made):
    data.ok("channel", "apply", data.write("channel.json", outbox_channel(price=8)))


def change_rules(data, made):
    data.ok("rules", "apply", data.write("rules.json", {"rules": [{"class": "*", "channel": "*", "source": "x", "consent": False}]}))


def change_address(data, made):
    data.ok("settings", "set", "public_url", "https://bhxh.example.vn")


@pytest.mark.parametrize("change", [change_plan, change_sender, change_price, change_rules, change_address])
def test_a_change_takes_it_back(data, made, change):
    approved(data, made)
    change(data, made)
    row = data.rows("campaign", "list")[0]
    assert row["state"] == "planned" and row["approved_by"] is None
    message = data.refused("campaign", "start", "c")
    if change is not change_plan:
        assert "the approval by chi is void" in row["waits_for"] and "the approval by chi is void" in message
    assert shown(data)["rows"][0]["void_at"]
    data.ok("campaign", "approve", "c", "--by", "chi")
    data.ok("campaign", "start", "c")


def test_the_rules_of_the_program_count_where_none_were_put_in_force(data, made):
    """The approval binds to the rules that hold, not to where they stand."""
    with open(os.path.join(ROOT, "config", "rules", "messages.json"), encoding="utf-8") as file:
        built_in = json.load(file)
    approved(data, made)
    data.sql_write("DELETE FROM meta WHERE key = 'rules'")
    assert data.rows("campaign", "list")[0]["state"] == "approved", "the same rules, now those of the program"
    data.ok("rules", "apply", data.write("rules.json", built_in))
    assert data.rows("campaign", "list")[0]["state"] == "approved", "the same rules again"
    built_in["rules"][0]["label"] = "[AD]"
    data.ok("rules", "apply", data.write("rules.json", built_in))
    assert "rules of sending" in data.rows("campaign", "list")[0]["waits_for"]


def test_what_nobody_sees_changes_nothing(data, made):
    approved(data, made)
    data.ok("channel", "apply", data.write("channel.json", outbox_channel(price=7, window=5, rate={"per_second": 3}, options={"delay_ms": 1, "fsync": False})))
    assert data.rows("campaign", "list")[0]["state"] == "approved"
    data.ok("campaign", "start", "c")


def test_a_planned_campaign_and_its_theme_cannot_be_changed_under_it(data, made):
    approved(data, made)
    data.refused("campaign", "apply", data.write("c.json", campaign(legal_basis="khác", steps=[step(channel="outbox")])))
    data.refused("theme", "apply", data.write("t.json", {**THEME, "title": {"vi": "Khác"}}))


def test_a_higher_cost_takes_it_back_and_a_lower_one_does_not(data, made):
    content = {"vi": {"text": "Chao {{name}}"}}
    made.init(sms_channel(options={"price_part": 10}), contacts=phones(5, name="An"))
    data.ok("campaign", "apply", data.write("c.json", campaign(steps=[sms_step(content=content)])), "--by", "an")
    data.ok("campaign", "plan", "c")
    data.ok("campaign", "approve", "c", "--by", "chi")
    data.ok("suppression", "add", "0960000002")
    made.contacts(phones(1, name="Ưu " * 55))
    told = data.refused("campaign", "start", "c")
    assert "it costs 60 VND now, and 50 were approved" in told
    assert data.json("campaign", "approve", "c", "--by", "chi")["cost"] == 60
    data.ok("suppression", "add", "0960000001")
    data.ok("campaign", "start", "c")


def test_it_lapses(data, made):
    planned(data, made)
    put_in_force(data, {"approvers": 1, "author": True, "valid_for": "PT1H"})
    at = ("--clock", "2026-11-20T08:00:00+07:00")
    data.ok("campaign", "approve", "c", *at)
    assert data.rows("campaign", "list", "--clock", "2026-11-20T08:59:00+07:00")[0]["state"] == "approved"
    assert "it has lapsed" in data.refused("campaign", "start", "c", "--clock", "2026-11-20T09:01:00+07:00")
    assert data.rows("campaign", "list")[0]["state"] == "planned"


def test_stricter_rules_ask_for_more_people(data, made):
    approved(data, made)
    put_in_force(data, {"approvers": 2})
    row = data.rows("campaign", "list")[0]
    assert row["state"] == "planned" and "approvals still needed: 1" in row["waits_for"]
    data.ok("campaign", "approve", "c", "--by", "dung")
    data.ok("campaign", "start", "c")


def test_above_the_budget(data, made):
    planned(data, made, budget={"amount": 20, "currency": "VND"})
    (notice,) = data.json("campaign", "check", "c")["notices"]
    assert "costs 21 VND, 1 more than its budget of 20" in notice
    assert data.json("campaign", "plan", "c")["notices"] == [notice]
    assert "OVER THE BUDGET of 20 VND by 1" in data.ok("campaign", "approve", "c").out
    data.ok("campaign", "unplan", "c")
    put_in_force(data, {"approvers": 1, "author": True}, refuse_over_budget=True)
    data.ok("campaign", "plan", "c")
    assert "costs 21 VND, 1 more than its budget of 20" in data.refused("campaign", "approve", "c")


def test_a_missing_price_cannot_be_approved(data, made):
    made.init(sms_channel(prices=[{"from": "2026-01-01", "operator": "mobifone", "minor": 7}]), contacts=phones(3))
    made.apply(campaign(steps=[sms_step()]))
    data.ok("campaign", "plan", "c")
    assert "no price for 3 messages" in data.refused("campaign", "approve", "c")


@pytest.mark.parametrize("row,words", [
    ({"approvers": 0}, "approvals[0].approvers"), ({"approvers": "2"}, "approvals[0].approvers"), ({"colour": 1}, "approvals[0].colour"),
    ({"from": "1/2/2026"}, "approvals[0].from"), ({"valid_for": "P1M"}, "approvals[0].valid_for"), ({"author": 1}, "approvals[0].author"),
    ({"from": "2026-02-01", "until": "2026-01-01"}, "approvals[0].until"), ({"source": None}, "approvals[0].source"), ({"class": 3}, "approvals[0].class")])
def test_wrong_rules_are_refused(data, made, row, words):
    made.init()
    told = data.refused("rules", "apply", data.write("bad.json", rules(row)))
    assert words in told and "bad.json:" in told


def test_overlapping_days_and_mixed_files_are_refused(data, made):
    made.init()
    overlap = rules({"from": "2026-01-01", "until": "2026-06-01", "approvers": 1}, {"from": "2026-05-31", "approvers": 2})
    assert "same campaigns as approvals[0]" in data.refused("rules", "apply", data.write("bad.json", overlap))
    data.ok("rules", "apply", data.write("good.json", rules({"until": "2026-06-01", "approvers": 1}, {"from": "2026-06-01", "approvers": 2})))
    assert "rules" in data.refused("rules", "apply", data.write("mixed.json", json.dumps({**rules(), "rules": []})))
