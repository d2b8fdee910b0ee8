"""Enrolments from the registry's files: import, matching, what follows for a person and its campaigns."""
import csv
import datetime

import pytest

from rig.build import START, campaign, outbox_channel, step
from rig.program import eventually
from rig.workbook import workbook

pytestmark = pytest.mark.quick
NOW = ("--clock", "2026-11-23T09:00:00+07:00")
PLACES = """code,name,level,parent,valid_from,valid_to
24,Tỉnh A,province,,1997-01-01,
24101,Xã Một,commune,24,2025-07-01,
24102,Xã Hai,commune,24,2025-07-01,
"""
HEAD = "person_id,event,event_date,registered_date,place_code,income,months,method,group"
CONTACTS = """ref,name,phone,birth_date,person_id,si_code,email,place_code
a,Nguyễn Thị Hoà,0912345678,1980-02-01,024180000001,,a@example.com,24101
b,Trần Văn Nam,0912345678,1975-05-05,,2412345678,b@example.com,24101
c,Lê Thị Mai,0913000001,1990-01-01,,,c@example.com,24102
d,Lê Thị Mai,0913000002,1990-01-01,,,d@example.com,24102
e,Phạm Văn Tám,0914000001,1985-03-04,,,e@example.com,24102
"""


@pytest.fixture
def ready(data):
    data.ok("init")
    data.ok("place", "import", data.write("places.csv", PLACES))
    data.ok("contact", "import", data.write("contacts.csv", CONTACTS))
    return data


def load(data, text, *args, name="e.csv"):
    return data.json(*NOW, "enrolment", "import", data.write(name, text), *args)


def enrolled(data, expression="enrolled"):
    return {row["ref"] for row in data.json(*NOW, "contact", "list", "--segment", expression)["rows"]}


def rejects(data):
    with open(data.path("r.csv"), encoding="utf-8-sig", newline="") as file:
        return {(row["line"], row["field"]): row["reason"] for row in csv.DictReader(file)}


def test_people_are_found_by_every_key(ready):
    text = ("person_id,phone,name,birth_date,event,event_date,place_code\n"
            "24180000001,,,,new,2026-10-01,24101\n"                            # the 0 a spreadsheet dropped
            "2412345678,,,,new,01/10/2026,24101\n"                             # the old code
            ",0914 000 001,Pham Van Tam,,tham gia mới,2026-10-02,24102\n"      # phone and folded name
            ",,LÊ THỊ MAI,01/01/1990,new,2026-10-03,24102\n"                   # two fit
            "024199999999,,Ai Đó,1999-01-01,new,2026-10-03,24102\n"            # nobody we know
            ",0912345678,Hoàng Thị Khác,,new,2026-10-04,24101\n")              # the phone of others
    told = load(ready, text)
    assert (told["added"], told["matched"], told["review"], told["unmatched"], told["rejected"]) == (6, 3, 1, 2, 0)
    assert enrolled(ready) == {"a", "b", "e"} and enrolled(ready, "not enrolled") == {"c", "d"}
    rates = {row["name"]: (row["events"], row["matched"], row["review"]) for row in ready.json("enrolment", "match-rate")["rows"]}
    assert rates == {"Xã Một": (3, 2, 0), "Xã Hai": (3, 1, 1)}
    # No identifier of the registry stands in the table.
    stored = " ".join(str(row) for row in ready.sql("SELECT * FROM enrolment"))
    assert "024180000001" not in stored and "2412345678" not in stored and "914000001" not in stored
    # A person settles what two fit.
    review = ready.json("enrolment", "review", "list")["rows"]
    assert len(review) == 1
    choice = review[0]["contacts"].split()
    assert len(choice) == 2
    ready.ok(*NOW, "enrolment", "review", "match", str(review[0]["id"]), choice[1])
    assert enrolled(ready) == {"a", "b", "d", "e"}
    assert ready.run("enrolment", "review", "reject", str(review[0]["id"])).code == 1
    # People who come in later are found by the hashes.
    ready.ok(*NOW, "contact", "import", ready.write("more.csv", "ref,person_id,name\nx,024199999999,Ai Đó\n"))
    assert enrolled(ready) == {"a", "b", "d", "e", "x"}
    assert ready.json(*NOW, "enrolment", "rematch") == {"matched": 0, "review": 0}


def test_a_phone_of_two_is_for_review(ready):
    told = load(ready, "phone,event,event_date\n0912345678,new,2026-10-01\n")
    assert told["review"] == 1 and enrolled(ready) == set()


def test_the_same_file_again_changes_nothing_and_can_be_undone(ready):
    ready.ok("contact", "import", ready.write("own.csv", "ref,enrolled\nc,2020-05-05\n"))
    text = f"{HEAD}\n024180000001,new,2026-10-01,,24101,1500000,12,12,khác\n024180000001,new,2026-10-01,,24101,,,,\n2412345678,renewed,2026-10-05,,24101,,,,\n"
    told = load(ready, text, "--dry-run")
    assert told["added"] == 2 and told["duplicates"] == 1 and enrolled(ready) == {"c"}
    told = load(ready, text, "--rejects", ready.path("r.csv"))
    assert told["added"] == 2 and told["duplicates"] == 1
    assert "line 2" in rejects(ready)["3", "event"]
    again = load(ready, text)
    assert again["added"] == 0 and again["unchanged"] == 3 and enrolled(ready) == {"a", "b", "c"}
    assert ready.json(*NOW, "enrolment", "undo", str(told["batch"]))["deleted"] == 2
    assert enrolled(ready) == {"c"}  # what the contact's own record said is back
    assert ready.run("enrolment", "undo", str(told["batch"])).code == 1
    assert load(ready, text)["added"] == 2


def test_late_rows_and_the_newest_event_counts(ready):
    load(ready, f"{HEAD}\n024180000001,lapsed,2026-09-01,,24101,,,,\n2412345678,new,2026-09-01,,24101,,,,\n")
    assert enrolled(ready) == {"b"}
    told = load(ready, f"{HEAD}\n024180000001,new,2026-01-01,2026-11-01,24101,,,,\n2412345678,died,2026-11-01,,24101,,,,\n")
    assert told["late"] == 1 and enrolled(ready) == set()
    row = [row for row in ready.json("enrolment", "list")["rows"] if row["event"] == "new" and row["event_date"] == "2026-01-01"][0]
    assert row["registered_date"] == "2026-11-01" and row["imported_at"].startswith("2026-11-23")
    load(ready, f"{HEAD}\n024180000001,returned,2026-11-02,,24101,,,,\n")
    assert enrolled(ready) == {"a"}


def test_bad_rows_are_told_and_nothing_else_is_lost(ready):
    text = (f"{HEAD}\n024180000001,joined,2026-10-01,,24101,,,,\n024180000001,new,2026-12-01,,24101,,,,\n"
            "024180000001,new,10/13/2026,,24101,,,,\n024180000001,new,02/12/2026,,24101,,,,\n024180000001,new,,,24101,,,,\n"
            ",new,2026-10-01,,24101,,,,\n12345,new,2026-10-01,,24101,,,,\n"
            "2412345678,new,2026-10-01,31/31/2026,99999,abc,500,weekly,rich\n")
    told = load(ready, text, "--rejects", ready.path("r.csv"))
    assert (told["added"], told["rejected"], told["kept_with_faults"]) == (1, 7, 1)
    why = rejects(ready)
    assert "unknown event" in why["2", "event"]
    assert why["3", "event_date"] == "lies in the future"
    assert "swapped: 2026-10-13" in why["4", "event_date"]
    assert "future" in why["5", "event_date"] and "swapped: 2026-02-12" in why["5", "event_date"]
    assert "needed" in why["6", "event_date"]
    assert "nobody can tell who" in why["7", "person_id"]
    assert {field for line, field in why if line == "9"} == {"registered_date", "place_code", "income", "months", "method", "group"}
    row = ready.json("enrolment", "list")["rows"][0]
    assert row["event"] == "new" and row["place"] is None and row["income"] is None


def test_a_workbook_with_another_heading_and_a_kept_mapping(ready):
    rows = [["CCCD", "Biến động", "Ngày", "Xã", "Số tiền", "Người tặng"],
            [24180000001, "Tham gia mới", datetime.date(2026, 10, 1), 24101, 1500000, "Hội Phụ nữ"]]
    path = ready.write("e.xlsx", workbook(rows))
    told = ready.json(*NOW, "enrolment", "import", path, "--map", "Xã=place_code", "--map", "Số tiền=income", "--remember", "registry")
    assert told["added"] == 1 and told["matched"] == 1 and told["kept_with_faults"] == 0
    rows[1][2] = datetime.date(2026, 11, 1)
    told = ready.json(*NOW, "enrolment", "import", ready.write("f.xlsx", workbook(rows, since_1904=True)), "--profile", "registry")
    assert told["added"] == 1
    listed = ready.json("enrolment", "list", "--gifts")["rows"]
    assert [(row["event_date"], row["income"], row["sponsor"]) for row in listed] == [
        ("2026-10-01", 1500000, "Hội Phụ nữ"), ("2026-11-01", 1500000, "Hội Phụ nữ")]
    assert ready.run("enrolment", "import", path, "--profile", "none").code == 1


def test_due_dates_by_method(ready):
    load(ready, f"{HEAD}\n024180000001,new,2026-01-10,,24101,,,6,\n2412345678,new,2026-01-10,,24101,,,12,\n")
    due = {row["contact"]: (row["paid_to"], row["due_on"]) for row in ready.json("enrolment", "due")["rows"]}
    assert due == {1: ("2026-06-30", "2026-10-31"), 2: ("2026-12-31", "2027-07-31")}
    # Paid within the months that the method allows: the new period begins where the old one ended.
    load(ready, f"{HEAD}\n024180000001,renewed,2026-09-15,,24101,,,6,\n")
    assert ready.json("enrolment", "due")["rows"][0]["paid_to"] == "2026-12-31"
    load(ready, f"{HEAD}\n024180000001,lapsed,2026-11-01,,24101,,,,\n")
    assert [row["contact"] for row in ready.json("enrolment", "due")["rows"]] == [2]


def test_who_enrols_leaves_running_campaigns(ready, made):
    ready.ok("theme", "apply", ready.write("theme.json", {"name": "theme", "title": {"vi": "Đ", "en": "S"}}))
    made.channel(outbox_channel())
    second = step("s2", channel="outbox", when={"at": "2026-12-01T08:30"}, content={"vi": {"text": "2"}})
    spec = campaign(audience="not enrolled", steps=[step(channel="outbox", content={"vi": {"text": "1"}}), second])
    for verb in ("plan", "approve", "start"):
        if verb == "plan":
            made.apply(spec)
        ready.ok(*NOW, "campaign", verb, "c")
    ready.json("--clock", "2026-11-30T09:00:00+07:00", "enrolment", "import",
               ready.write("e.csv", f"{HEAD}\n024180000001,new,2026-11-29,,24101,,,,\n"))
    ready.until_idle("--clock", f"{START},x1000")
    assert ready.states("c") == {"accepted": 8, "suppressed": 2}
    assert {row["reason"] for row in ready.messages("c", "suppressed")} == {"converted"}


@pytest.mark.parametrize("kind", ["internal", "emergency"])
def test_who_died_gets_nothing_more_of_any_class(ready, made, kind):
    ready.ok("theme", "apply", ready.write("theme.json", {"name": "theme", "title": {"vi": "Đ", "en": "S"}}))
    made.channel(outbox_channel())
    second = step("s2", channel="outbox", when={"at": "2026-12-01T08:30"}, content={"vi": {"text": "2"}})
    made.apply(campaign(steps=[step(channel="outbox", content={"vi": {"text": "1"}}), second], **{"class": kind}))
    ready.ok(*NOW, "campaign", "plan", "c")
    for who in ("an", "binh")[:2 if kind == "emergency" else 1]:
        ready.ok(*NOW, "--by", who, "campaign", "approve", "c", "--reason", "bão số 9")
    ready.ok(*NOW, "campaign", "start", "c")
    with ready.serving("--clock", START):
        eventually(lambda: ready.states("c").get("accepted") == 5, words="the first step")
    told = ready.json("--clock", "2026-12-01T08:05:00+07:00", "enrolment", "import",
                      ready.write("e.csv", f"{HEAD}\n024180000001,new,2026-11-01,,24101,,,,\n024180000001,died,2026-11-29,,24101,,,,\n"))
    assert told["matched"] == 2
    ready.until_idle("--clock", "2026-12-01T08:10:00+07:00,x1000")
    assert ready.states("c") == {"accepted": 9, "suppressed": 1}
    assert [(row["step"], row["reason"], row["contact_ref"]) for row in ready.messages("c", "suppressed")] == [("s2", "died", "a")]
    assert ready.json(*NOW, "contact", "show", 1)["died_on"] == "2026-11-29"
    # A payment of a later day says that it was a mistake, leaving the registry does not; a file taken back neither happened.
    load(ready, f"{HEAD}\n024180000001,lapsed,2026-11-30,,24101,,,,\n")
    assert ready.json(*NOW, "contact", "show", 1)["died_on"] == "2026-11-29"
    ready.ok("enrolment", "undo", told["batch"])
    assert ready.json(*NOW, "contact", "show", 1)["died_on"] is None


def test_many_rows_in_seconds(ready):
    count = 100_000
    ready.ok("contact", "import", ready.write("many.csv", "ref,person_id\n" + "".join(f"p{i},0{24180100000 + i}\n" for i in range(count))))
    text = f"{HEAD}\n" + "".join(f"0{24180100000 + i},new,2026-{1 + i % 10:02}-11,,2410{1 + i % 2},1500000,6,6,khác\n" for i in range(count))
    path = ready.write("big.csv", text)
    begun = datetime.datetime.now()
    told = ready.json(*NOW, "enrolment", "import", path)
    seconds = (datetime.datetime.now() - begun).total_seconds()
    print(f"{count} rows in {seconds:.1f} s")
    assert told["added"] == count and told["matched"] == count
    assert seconds < 60


def test_reminders_come_before_the_due_date_and_stop_with_payment(ready, made):
    ready.ok("theme", "apply", ready.write("theme.json", {"name": "theme", "title": {"vi": "Đ", "en": "S"}}))
    made.channel(outbox_channel())
    # Due on 2026-12-31 (monthly, paid to November): a, b, c, d. e has no due date.
    ids = {"c": "024190000003", "d": "024190000004"}
    ready.ok("contact", "import", ready.write("ids.csv", "ref,person_id\n" + "".join(f"{ref},{person}\n" for ref, person in ids.items())))
    load(ready, f"{HEAD}\n024180000001,new,2026-11-01,,24101,,,monthly,\n2412345678,new,2026-11-01,,24101,,,monthly,\n"
                f"024190000003,new,2026-11-01,,24101,,,6,\n")
    remind = step("remind", channel="outbox", when={"before": "due", "days": 30, "time": "09:00"}, content={"vi": {"text": "hạn"}})
    spec = campaign(audience="all", steps=[remind])
    made.apply(spec)
    for verb in ("plan", "approve", "start"):
        ready.ok("--clock", "2026-11-23T10:00:00+07:00", "campaign", verb, "c")
    ready.json("--clock", "2026-11-24T09:00:00+07:00", "enrolment", "import",
               ready.write("paid.csv", f"{HEAD}\n2412345678,renewed,2026-11-23,,24101,,,monthly,\n"))
    ready.until_idle("--clock", f"{START},x1000")
    by_ref = {row["contact_ref"]: (row["state"], row["reason"], row["sent_at"]) for row in ready.messages("c")}
    assert by_ref["a"][0] == "accepted" and by_ref["a"][2].startswith("2026-12-01T09")
    assert by_ref["b"][:2] == ("suppressed", "converted")
    assert by_ref["c"][:2] == ("suppressed", "condition")  # due on 2027-08-31, after the window
    assert by_ref["e"][:2] == ("suppressed", "condition")


def test_a_step_before_due_is_checked(ready, made):
    ready.ok("theme", "apply", ready.write("theme.json", {"name": "theme", "title": {"vi": "Đ", "en": "S"}}))
    made.channel(outbox_channel())
    for when, words in (({"before": "birthday", "days": 3}, "before"), ({"before": "due"}, "days"), ({"before": "due", "days": 400}, "days"),
                        ({"before": "due", "days": 3, "time": "25:00"}, "25:00"), ({"before": "due", "days": 3, "at": "now"}, "when.at")):
        told = ready.run("campaign", "apply", ready.write("bad.json", campaign(steps=[step(channel="outbox", when=when, content={"vi": {"text": "x"}})])))
        assert told.code == 1 and words in told.err + told.out, (when, told)


def test_the_balance_adds_up_or_names_the_events(ready):
    load(ready, f"{HEAD}\n024180000001,new,2025-11-01,,24101,,,,\n2412345678,new,2026-02-01,,24101,,,,\n024100000001,new,2025-12-01,,24102,,,,\n"
                "024100000001,lapsed,2026-03-01,,24102,,,,\n024180000001,moved,2026-04-01,,24102,,,,\n2412345678,died,2026-05-01,,24101,,,,\n"
                "2412345678,renewed,2026-04-15,,24101,,,,\n")
    rows = {row["place"]: row for row in ready.json("enrolment", "balance", "2026-01-01", "2026-12-31")["rows"]}
    total = rows["sum"]
    assert (total["start"], total["new"], total["lapsed"], total["died"], total["moved_in"], total["moved_out"], total["end"]) == (2, 1, 1, 1, 1, 1, 1)
    for row in rows.values():
        leaving = sum(row[key] for key in ("lapsed", "to_compulsory", "pensioned", "lump_sum_exit", "died", "moved_out"))
        assert row["end"] == row["start"] + row["new"] + row["returned"] + row["moved_in"] - leaving
    load(ready, f"{HEAD}\n2412345678,lapsed,2026-06-01,,24101,,,,\n", name="f.csv")
    told = ready.run("enrolment", "balance", "2026-01-01", "2026-12-31")
    assert told.code == 1 and "leaves without participating" in told.err and "1 events" in told.err


def test_a_later_file_corrects_and_can_be_taken_back(ready):
    text = f"{HEAD}\n024180000001,new,2026-10-01,2026-10-02,24101,1500000,3,3,poor\n"
    load(ready, text)
    told = load(ready, text.replace("1500000,3,3,poor", "2000000,12,12,"))
    assert (told["added"], told["corrected"], told["unchanged"]) == (0, 1, 0)
    row = ready.json("enrolment", "list")["rows"][0]
    assert (row["income"], row["months"], row["method"], row["group"]) == (2000000, 12, "12", "poor")  # blank says nothing
    assert load(ready, text.replace("1500000,3,3,poor", "2000000,12,12,"))["unchanged"] == 1
    ready.ok(*NOW, "enrolment", "undo", str(told["batch"]))
    row = ready.json("enrolment", "list")["rows"][0]
    assert (row["income"], row["months"], row["method"]) == (1500000, 3, "3")
