"""What a campaign costs before it is approved: parts and money, person by person, and what one person would get."""
import pytest

from rig.build import campaign, outbox_channel, people, step

pytestmark = pytest.mark.quick
# 70 letters fit one UCS-2 part, 160 one GSM part.
PLAIN = {"vi": {"text": "Chao {{name}}, moi ban den xa de duoc tu van ve BHXH tu nguyen."}}
ACCENTED = {"vi": {"text": "Chào {{name}}, mời bạn đến xã để được tư vấn về bảo hiểm xã hội tự nguyện hằng tháng."}}
VIETTEL, MOBIFONE, NOBODY = "096", "090", "052"


def sms_channel(name="sms", **more):
    options = {"host": "127.0.0.1", "port": 1, "system_id": "x", **more.pop("options", {})}
    return {"name": name, "plugin": "sms-smpp", "options": options, **more}


def phones(count, prefix=VIETTEL, first=1, **fields):
    return people(count, first=first, email="", phone=lambda n: f"{prefix}{n:07d}", **fields)


def sms_step(name="s1", content=None, **more):
    return step(name, channel="sms", content=content or PLAIN, **more)


def cost(data, *args):
    return data.json("campaign", "cost", "c", *args)


PRICES = [{"from": "2026-01-01", "operator": "viettel", "minor": 700}, {"from": "2026-01-01", "prefix": ["+8490", "+8493"], "minor": 800},
          {"from": "2026-12-10", "operator": "viettel", "minor": 750}, {"from": "2026-01-01", "class": "advertising", "minor": 300}]


def test_parts_of_each_person_count(data, made):
    long_name = "Công Tằng Tôn Nữ Thị Hoàng Phương Thảo Nguyên Vân Anh Minh Ngọc Khánh Linh Bảo Trân"
    made.init(sms_channel(options={"price_part": 10}), contacts=phones(9, name="Lan") + phones(1, first=100, name=long_name))
    made.apply(campaign(steps=[sms_step()]))
    told = cost(data)
    # The long name brings letters that GSM lacks: UCS-2, 3 parts; the others stay in one.
    assert (told["messages"], told["units"], told["cost"]) == (10, 12, 120)
    assert told["suppressed"] == {} and told["missing"] == [] and told["budget"] is None and not told["over_budget"]
    made.apply(campaign(steps=[sms_step(content=ACCENTED)]))
    assert cost(data)["units"] == 9 * 2 + 3


def test_a_draft_costs_what_its_plan_costs_and_nothing_changes(data, made):
    made.init(sms_channel(options={"price_part": 10}), contacts=phones(200) + people(5, first=500))
    # Shared numbers: the second person of each is a duplicate. Several, for the lot may take one out.
    made.contacts([{"ref": f"x{n}", "name": f"An {n}", "phone": f"096111111{n // 2}"} for n in range(12)])
    for n in range(6):
        data.ok("suppression", "add", f"096000000{n + 1}")
    made.apply(campaign(holdout={"percent": 20, "unit": "contact"}, steps=[sms_step("a"), sms_step("b", when={"after": "a", "delay": "P1D"})]))
    draft = cost(data)
    assert data.json("campaign", "list")["rows"][0]["state"] == "draft" and data.json("message", "list")["rows"] == []
    assert set(draft["suppressed"]) == {"no_address", "duplicate", "opted_out", "holdout"}
    data.ok("campaign", "plan", "c")
    assert cost(data) == draft
    states = data.states("c")
    assert draft["messages"] + sum(draft["suppressed"].values()) == draft["audience"] == sum(states.values())
    assert states["planned"] == draft["messages"]


def test_prices_by_operator_day_and_class(data, made):
    made.init(sms_channel(prices=PRICES), contacts=phones(3) + phones(2, MOBIFONE, first=50))
    made.apply(campaign(steps=[sms_step("early", when={"at": "2026-12-01T08:00"}), sms_step("late", when={"at": "2026-12-15T08:00"})]))
    rows = {(row["step"]): row for row in cost(data)["rows"]}
    assert rows["early"]["cost"] == 3 * 700 + 2 * 800
    assert rows["late"]["cost"] == 3 * 750 + 2 * 800
    by_operator = {row["operator"]: row["cost"] for row in cost(data, "--by", "operator")["rows"]}
    assert by_operator == {"viettel": 3 * 1450, "mobifone": 4 * 800}
    made.apply(campaign(**{"class": "state_information"}, steps=[sms_step("early")]))
    assert cost(data)["cost"] == 3 * 700 + 2 * 800


def test_a_price_for_its_own_class_goes_first(data, made):
    made.init(sms_channel(prices=[{"from": "2026-01-01", "operator": "viettel", "minor": 700}, {"from": "2026-01-01", "class": "internal", "minor": 9}]),
              contacts=phones(3))
    made.apply(campaign(steps=[sms_step()]))
    assert cost(data)["cost"] == 27


def test_a_missing_price_is_named(data, made):
    made.init(sms_channel(prices=PRICES[:3]), contacts=phones(3) + phones(4, NOBODY, first=50))
    made.apply(campaign(steps=[sms_step()]))
    told = data.run("campaign", "cost", "c", "--json")
    assert told.code == 1
    assert "no price for 4 messages" in told.err and "sms +8452 (4)" in told.err
    assert told.json["missing"] == [{"channel": "sms", "prefix": "+8452", "messages": 4}]
    assert told.json["messages"] == 3 and told.json["cost"] == 2100


@pytest.mark.parametrize("prices,words", [
    ([{"from": "2026-01-01", "minor": 1}, {"from": "2026-01-01", "class": "*", "prefix": "*", "minor": 2}], "prices[1]: has the same class"),
    ([{"from": "2026-01-01", "operator": "viettel", "minor": 1}, {"from": "2026-01-01", "prefix": "+8496", "minor": 2}], "as prices[0]"),
    ([{"from": "2026-01-01", "minor": 1, "colour": 2}], "prices[0].colour"),
    ([{"from": "01/01/2026", "minor": 1}], "prices[0].from"),
    ([{"from": "2026-01-01", "operator": "vodafone", "minor": 1}], "there is no such operator"),
    ([{"from": "2026-01-01", "prefix": "0961", "minor": 1}], "prices[0].prefix"),
    ([{"from": "2026-01-01"}], "prices[0].minor"),
    ([], "must be a list"),
])
def test_a_wrong_price_list_is_refused(data, made, prices, words):
    made.init()
    told = data.run("channel", "apply", data.write("bad.json", sms_channel(prices=prices)))
    assert told.code == 1 and words in told.err and "bad.json:" in told.err


def test_a_price_and_a_list_together_are_refused(data, made):
    made.init()
    told = data.run("channel", "apply", data.write("bad.json", sms_channel(price=5, prices=PRICES)))
    assert told.code == 1 and "give one of them" in told.err


def test_over_the_budget_is_said_plainly(data, made):
    made.init(sms_channel(options={"price_part": 100}), contacts=phones(11))
    made.apply(campaign(budget={"amount": 1000, "currency": "VND"}, steps=[sms_step()]))
    assert cost(data)["over_budget"] is True
    told = data.run("campaign", "cost", "c")
    assert told.code == 0 and "OVER THE BUDGET of 1000 VND by 100" in told.out
    made.apply(campaign(budget={"amount": 1100, "currency": "VND"}, steps=[sms_step()]))
    assert cost(data)["over_budget"] is False


def test_a_channel_with_a_price_of_a_message_and_a_plugin_without_one(data, made):
    made.init(outbox_channel(price=7), contacts=people(5))
    made.apply(campaign(steps=[step(channel="outbox")]))
    told = cost(data)
    assert (told["messages"], told["units"], told["cost"]) == (5, 5, 35)


def test_too_long_for_the_channel_costs_nothing_and_is_counted(data, made):
    made.init(sms_channel(options={"price_part": 10, "parts": 1}), contacts=phones(2, name="Lan") + phones(1, first=100, name="Ư" * 60))
    made.apply(campaign(steps=[sms_step()]))
    told = cost(data)
    assert (told["messages"], told["refused"], told["cost"]) == (2, 1, 20)


def test_a_step_that_steps_in_is_counted_at_most(data, made):
    made.init(sms_channel(options={"price_part": 10}), outbox_channel(), contacts=phones(4))
    made.apply(campaign(steps=[step("first", channel="outbox"),
                               sms_step("second", when={"fallback_of": "first", "reasons": ["no_address"], "delay": "PT1H"})]))
    told = cost(data)
    assert told["at_most"] is True
    assert [row["note"] for row in told["rows"]] == ["", "at most"]


def test_what_one_person_would_get(data, made):
    made.init(sms_channel(prices=PRICES), contacts=phones(3, name=lambda n: "An " * n))
    made.apply(campaign(steps=[sms_step()]))
    first = data.json("message", "preview", "c", "--step", "s1", "--contact", "2")["rows"][0]
    assert first["address"] == "+84960000002" and first["operator"] == "viettel" and first["reason"] == ""
    assert first["units"] == 1 and first["cost"] == 700 and "Chao An An" in first["text"] and first["note"]
    longest = data.json("message", "preview", "c", "--step", "s1", "--longest", "2")["rows"]
    assert [row["contact"] for row in longest] == [3, 2]
    assert "no step other" in data.run("message", "preview", "c", "--step", "other", "--contact", "1").err
    assert "contact 99 is not in the audience" in data.run("message", "preview", "c", "--step", "s1", "--contact", "99").err
    assert "needs --step" in data.run("message", "preview", "c", "--contact", "1").err


def test_preview_says_why_not(data, made):
    made.init(sms_channel(prices=PRICES), contacts=phones(2))
    data.ok("suppression", "add", "0960000002")
    made.apply(campaign(steps=[sms_step()]))
    row = data.json("message", "preview", "c", "--step", "s1", "--contact", "2")["rows"][0]
    assert row["reason"] == "opted_out" and "Chao" in row["text"]


def test_what_has_gone_out_keeps_its_cost(data, made):
    made.init(outbox_channel(price=7), contacts=people(20))
    made.start(campaign(steps=[step(channel="outbox")]))
    data.until_idle("--clock", "2026-12-01T08:00:00+07:00,x1000")
    assert cost(data)["cost"] == 140
