"""Money that holds: what a campaign costs before is what is booked after, and nothing leaves above its budget."""
import pytest

from rig.build import START, campaign, outbox_channel, people, step
from rig.program import eventually
from rig.sms import Smsc, sms_channel

PRICES = [{"from": "2026-01-01", "operator": "viettel", "minor": 700}, {"from": "2026-01-01", "operator": "mobifone", "minor": 830},
          {"from": "2026-01-01", "minor": 910}]
# One, two and three parts by the length and the letters of a name.
NAMES = ["An", "Nguyễn Thị Phương", "Công Tằng Tôn Nữ Thị Hoàng Phương Thảo Nguyên Vân Anh Minh Ngọc Khánh Linh Bảo Trân Mỹ Hạnh Diễm Quỳnh",
         "Lan", "Trần Văn Đức"]
PREFIXES = ["+8496", "+8490", "+8491"]


@pytest.fixture
def smsc_with(scratch):
    started = []

    def start(**options):
        started.append(Smsc(scratch, name=f"smsc{len(started)}", **options))
        return started[-1]

    yield start
    for peer in started:
        peer.end()


def mixed(count, digits="0"):
    """People of three operators with names that take one to three parts; the last digit says what the operator does with them."""
    return [{"ref": f"p{n}", "name": NAMES[n % len(NAMES)], "lang": "vi", "phone": f"{PREFIXES[n % len(PREFIXES)]}{n:06d}{digits[n % len(digits)]}"}
            for n in range(1, count + 1)]


def sms_step(name="s1", **more):
    return step(name, channel="sms", content={"vi": {"text": "Chào {{name}}, mời ông bà đến xã."}}, **more)


def booked(data):
    """Units and money of each message as the ledger has them, by number."""
    return dict((phone, (units, minor)) for phone, units, minor in data.sql(
        "SELECT c.phone, m.units, m.minor FROM message m JOIN contact c ON c.id = ((m.id >> 4) & 274877906943) WHERE m.minor IS NOT NULL"))


def spent(data):
    return data.sql("SELECT coalesce(sum(minor), 0), coalesce(sum(units), 0) FROM message WHERE state >= 3")[0]


def test_the_cost_before_is_what_is_booked_after(data, made, smsc_with):
    smsc = smsc_with(receipts="none")
    made.init(sms_channel(smsc.port, prices=PRICES), contacts=mixed(60))
    made.apply(campaign(budget={"amount": 10000000}, steps=[sms_step()]))
    before = data.json("campaign", "cost", "c")
    assert before["units"] > before["messages"] == 60
    for verb in ("plan", "approve", "start"):
        data.ok("campaign", verb, "c")
    data.until_idle("--clock", f"{START},x1", seconds=60)
    assert data.states("c") == {"accepted": 60}
    assert spent(data) == (before["cost"], before["units"])
    after = data.json("campaign", "cost", "c", "--by", "operator")
    assert (after["cost"], after["units"]) == (before["cost"], before["units"])
    # Prices and names of today change nothing about what was paid.
    made.channel(sms_channel(smsc.port, prices=[{"from": "2026-01-01", "minor": 1}]))
    made.contacts([{**row, "name": "x"} for row in mixed(60)])
    assert data.json("campaign", "cost", "c")["cost"] == before["cost"]
    parts = {}
    for row in smsc.rows():
        parts[row["to"]] = parts.get(row["to"], 0) + row.get("parts", 1)
    assert len(parts) == 60


@pytest.mark.parametrize("amount", [10000, 33333])
def test_nothing_leaves_above_the_budget(data, made, smsc_with, amount):
    smsc = smsc_with(receipts="none")
    made.init(sms_channel(smsc.port, prices=PRICES), contacts=mixed(90))
    made.start(campaign(budget={"amount": amount}, steps=[sms_step("a"), sms_step("b", when={"after": "a", "delay": "PT1S"})]))
    data.until_idle("--clock", f"{START},x1", seconds=60)
    money, _ = spent(data)
    cheapest = 700
    assert amount - cheapest < money <= amount, money
    rows = data.messages("c")
    assert {row["reason"] for row in rows if row["state"] == "suppressed"} <= {"over_budget", "condition"}
    assert data.states("c").get("accepted") == len(smsc.rows()) or sum(row.get("parts", 1) for row in smsc.rows())


def test_a_restart_in_the_middle_forgets_no_money(data, made, smsc_with):
    smsc = smsc_with(receipts="none", tps=40)
    made.init(sms_channel(smsc.port, prices=PRICES, window=10, rate={"per_second": 40, "burst": 1}), contacts=mixed(90))
    made.start(campaign(budget={"amount": 50000}, steps=[sms_step()]))
    for number in range(3):
        serve = data.serve("--clock", f"{START},x1").wait_ready()
        eventually(lambda least=5 * (number + 1): len(smsc.rows()) >= least, 20)
        serve.kill(also_hosts=number % 2 == 1)
    data.until_idle("--clock", f"{START},x1", seconds=60)
    money, _ = spent(data)
    assert money <= 50000
    # Whatever is not at the operator was given back, so hardly anything of the budget is left unused.
    assert money > 50000 - 700


def test_what_is_refused_costs_nothing_and_what_fails_later_does(data, made, smsc_with):
    """1: refused at once; 3 and 5: taken, and undeliverable by receipt."""
    smsc = smsc_with()
    made.init(sms_channel(smsc.port, prices=PRICES), contacts=mixed(30, "015"))
    made.start(campaign(budget={"amount": 10000000}, steps=[sms_step()]))
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: "sending" not in data.states("c") and "planned" not in data.states("c") and "accepted" not in data.states("c"), 30)
    paid = booked(data)
    taken = {row["to"].lstrip("+") for row in smsc.rows()}
    assert {phone.lstrip("+") for phone in paid} == taken
    assert data.json("campaign", "cost", "c")["cost"] == sum(minor for _, minor in paid.values())


def test_a_number_without_a_price_does_not_leave(data, made, smsc_with):
    smsc = smsc_with(receipts="none")
    made.init(sms_channel(smsc.port, prices=PRICES[:2]), contacts=mixed(2))
    made.start(campaign(audience="phone = '+84900000010'", budget={"amount": 10000}, steps=[sms_step()]))
    made.contacts([{"ref": "p1", "name": "An", "phone": "+84520000010"}])
    data.until_idle("--clock", f"{START},x1", seconds=60)
    row, = data.messages("c")
    assert (row["state"], row["reason"]) == ("suppressed", "over_budget") and "+8452" in row["detail"] and smsc.rows() == []


@pytest.mark.quick
def test_two_channels_and_a_fallback_share_one_budget(data, made, witness):
    from rig.build import email_channel
    rows = [{"ref": f"u{n}", "name": "Lạ", "email": f"unknown{n}@example.com", "phone": f"09123456{n:02d}"} for n in range(10)] + people(10, first=50)
    made.init(email_channel(witness.port, price=100), outbox_channel(price=30), contacts=rows)
    made.start(campaign(budget={"amount": 1150}, steps=[
        step("mail"), step("paper", channel="outbox", when={"fallback_of": "mail", "reasons": ["invalid_address"]})]))
    data.until_idle("--clock", f"{START},x1000")
    # Ten letters of 100 are taken (the ten unknown ones cost nothing), so five of 30 remain.
    assert data.states("c") == {"accepted": 15, "failed": 10, "suppressed": 15}
    assert spent(data)[0] == 1150


@pytest.mark.quick
def test_a_rehearsal_spends_exactly_what_it_will_cost(data, made):
    made.init(sms_channel(1, prices=PRICES), contacts=mixed(40))
    made.apply(campaign(steps=[sms_step()]))
    assert data.json("campaign", "rehearse", "c")["cost"] == data.json("campaign", "cost", "c")["cost"] > 0
