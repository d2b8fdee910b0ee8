"""People, places, consents and segments through the command line."""
import csv
import unicodedata

import pytest

from rig.build import START, campaign, email_channel, outbox_channel, people, step, table

pytestmark = pytest.mark.quick
PLACES = """code,name,level,parent,valid_from,valid_to
97,Tỉnh Lam Giang,province,,1997-01-01,
971,Huyện Yên Hạc,district,97,1997-01-01,2025-07-01
97101,Xã Đồng Tiến,commune,971,1997-01-01,2025-07-01
97102,Xã Bình Lộc,commune,971,1997-01-01,2025-07-01
97101,Xã Yên Hạc,commune,97,2025-07-01,
97101.1,Thôn Thượng,village,97101,2025-07-01,
"""
SUCCESSORS = "old_code,new_code,since,share\n97101,97101,2025-07-01,1\n97102,97101,2025-07-01,1\n"


def count(data, expression):
    return data.json("segment", "count", expression)["count"]


@pytest.fixture
def ready(data):
    data.ok("init")
    data.ok("place", "import", data.write("places.csv", PLACES))
    data.ok("place", "import", data.write("successors.csv", SUCCESSORS), "--successors")
    return data


def test_dry_run_changes_nothing(ready):
    path = ready.write("p.csv", table(people(50)))
    told = ready.json("contact", "import", path, "--dry-run")
    assert told["added"] == 50 and count(ready, "all") == 0
    assert ready.json("contact", "import", path)["added"] == 50


def test_an_import_tells_its_batch_and_where_to_look(ready):
    path = ready.write("p.csv", "ref,name,email\n1,An,an@example.com\n2,Bình,a b\n")
    tried = ready.ok("contact", "import", path, "--dry-run").out
    assert "batch" not in tried and "--rejects" in tried
    taken = ready.ok("contact", "import", path, "--rejects", ready.path("r.csv")).out
    assert "(batch 3)" in taken and "--rejects" not in taken


def test_a_code_under_the_heading_place_is_understood(ready):
    path = ready.write("p.csv", "ref,place\n1,97101\n2,97999\n3,Xã Yên Hạc\n")
    told = ready.json("contact", "import", path, "--rejects", ready.path("r.csv"))
    assert told["kept_with_faults"] == 1
    with open(ready.path("r.csv"), encoding="utf-8-sig") as file:
        assert "97999" in file.read()
    people_of_it = [ready.json("contact", "show", number) for number in (1, 2, 3)]
    assert [one["place"] for one in people_of_it] == ["Xã Yên Hạc, Tỉnh Lam Giang", None, "Xã Yên Hạc, Tỉnh Lam Giang"]
    assert people_of_it[0]["place_id"] == people_of_it[2]["place_id"] and people_of_it[1]["place_id"] is None


def test_the_same_person_is_updated_and_not_doubled(ready):
    ready.ok("contact", "import", ready.write("a.csv", "person_id,name,email,phone\n024180000001,Nguyễn Thị Hoà,hoa@example.com,0912345678\n"))
    told = ready.json("contact", "import", ready.write("b.csv", "person_id,name,email\n024180000001,Nguyễn Thị Hòa,moi@example.com\n"))
    assert told["updated"] == 1 and told["added"] == 0
    told = ready.json("contact", "import", ready.write("c.csv", "name,phone,occupation\nNguyễn Thị Hoà,+84 912 345 678,farmer\n"))
    assert told["updated"] == 1 and count(ready, "all") == 1
    assert count(ready, "occupation = 'farmer' and phone = '+84912345678' and email = 'moi@example.com'") == 1
    # The same file again: nothing new.
    assert ready.json("contact", "import", ready.path("c.csv"))["unchanged"] == 1


def test_names_in_any_form_are_found_without_accents(ready):
    nfd = unicodedata.normalize("NFD", "Nguyễn Thị Hoà")
    ready.ok("contact", "import", ready.write("a.csv", f"ref,name\n1,{nfd}\n2,NGUYỄN THỊ HÒA\n3,Đỗ Văn Đức\n"))
    assert count(ready, "name ~ 'nguyen thi hoa'") == 2
    assert count(ready, "name ~ 'do van duc'") == 1
    assert count(ready, "name = 'Nguyễn Thị Hoà'") == 1


def test_files_as_excel_saves_them(ready):
    rows = "Họ và tên;Số điện thoại;Ngày sinh;Email\r\nTrần Văn Nam;912345678;01/02/1980;nam@example.com\r\n"
    ready.ok("contact", "import", ready.write("utf16.csv", rows.encode("utf-16")))
    ready.ok("contact", "import", ready.write("bom.csv", b"\xef\xbb\xbf" + rows.replace("nam@", "nam2@").replace("912345678", "913333333").encode()))
    assert count(ready, "phone = '+84912345678' and birth_date = '1980-02-01'") == 1
    assert count(ready, "email = 'nam2@example.com'") == 1


def test_rejects_file_names_line_field_and_reason(ready):
    text = "ref,email,phone\na,good@example.com,0912345678\nb,bad@@example.com,0912345679\nc,ok@example.com,12\n,,\n"
    path = ready.path("rejects.csv")
    told = ready.json("contact", "import", ready.write("a.csv", text), "--rejects", path)
    assert (told["added"], told["rejected"], told["kept_with_faults"]) == (3, 1, 2)
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = {(row["line"], row["field"]): row for row in csv.DictReader(file)}
    assert rows["3", "email"]["row"] == "kept" and rows["4", "phone"]["row"] == "kept"
    assert [row for (line, _field), row in rows.items() if line == "5"][0]["row"] == "refused"
    assert count(ready, "has email") == 2 and count(ready, "has phone") == 2


def test_an_import_can_be_undone(ready):
    ready.ok("contact", "import", ready.write("a.csv", table(people(10, town="Cũ"))))
    batch = ready.json("contact", "import", ready.write("b.csv", table(people(10, first=6, town="Mới"))))["batch"]
    assert count(ready, "all") == 15 and count(ready, "town = 'Mới'") == 10
    told = ready.json("contact", "undo", batch)
    assert (told["deleted"], told["restored"], told["kept"]) == (5, 5, 0)
    assert count(ready, "all") == 10 and count(ready, "town = 'Cũ'") == 10


def test_what_an_undo_had_to_keep_goes_with_the_next(ready):
    """The second import stands on the first; when it is gone, the first can go too."""
    first = ready.json("contact", "import", ready.write("a.csv", "ref,name\nu1,Một\nu2,Hai\n"))["batch"]
    second = ready.json("contact", "import", ready.write("b.csv", "ref,name\nu1,Một Mới\n"))["batch"]
    before = count(ready, "ref not starts with 'u'")
    assert ready.json("contact", "undo", first) == {"deleted": 1, "restored": 0, "kept": 1}
    assert ready.json("contact", "undo", second) == {"deleted": 0, "restored": 1, "kept": 0}
    assert ready.json("contact", "undo", first) == {"deleted": 1, "restored": 0, "kept": 0}
    assert count(ready, "ref starts with 'u'") == 0 and count(ready, "all") == before
    assert "already" in ready.refused("contact", "undo", first)


def test_a_saved_segment_stays_while_a_campaign_asks_it(data, made, witness):
    """What was approved must stay what it was: an only_if is asked at the last moment."""
    made.init(email_channel(witness.port), contacts=people(4, job=lambda n: "farmer" if n <= 2 else "trader"))
    data.ok("segment", "save", "nông dân", "job = 'farmer'")
    data.ok("segment", "save", "ngoài", "segment 'nông dân' and has email")
    name = made.apply(campaign(steps=[step(only_if="segment 'ngoài'")]))
    data.ok("segment", "save", "nông dân", "job in ('farmer')")
    data.ok("campaign", "plan", name)
    for words in (["save", "nông dân", "all"], ["remove", "ngoài"], ["remove", "nông dân"]):
        assert "campaign 'c', which is planned" in data.refused("segment", *words)
    data.ok("segment", "save", "nông dân", "job in ('farmer')")
    for verb in ("approve", "start"):
        data.ok("campaign", verb, name)
    data.until_idle("--clock", f"{START},x1000")
    assert sorted(witness.recipients()) == ["p1@example.com", "p2@example.com"]
    data.ok("segment", "remove", "ngoài")


def test_a_campaign_that_cannot_be_read_waits_and_says_why(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(4))
    data.ok("segment", "save", "s", "all")
    made.start(campaign(steps=[step(only_if="segment 's'")]))
    data.sql_write("DELETE FROM segment")
    data.until_idle("--clock", f"{START},x1000")
    row = data.rows("campaign", "list")[0]
    assert row["state"] == "paused" and "unknown segment 's'" in row["waits_for"] and witness.count() == 0
    data.ok("segment", "save", "s", "all")
    data.ok("campaign", "resume", "c")
    data.until_idle("--clock", f"{START},x1000")
    assert data.states("c") == {"accepted": 4}


def test_undo_keeps_whom_a_campaign_has_written_to(data, made, witness):
    made.init(email_channel(witness.port))
    batch = data.json("contact", "import", data.write("a.csv", table(people(5))))["batch"]
    made.start(campaign())
    data.until_idle("--clock", f"{START},x1000")
    assert data.json("contact", "undo", batch)["kept"] == 5
    assert data.states("c") == {"accepted": 5}


def test_a_place_is_found_over_time(ready):
    """A code alone never identifies a place, and people of a district that is gone are still under it."""
    ready.ok("contact", "import", ready.write("old.csv", "ref,place_code,place_on\n1,97102,2022-01-01\n"), "--map", "place_on=")
    rows = "ref,place\n2,Xã Yên Hạc\n3,\"Thôn Thượng, Yên Hạc\"\n4,\n"
    ready.ok("contact", "import", ready.write("new.csv", rows))
    today = {row["code"]: row["name"] for row in ready.rows("place", "list")}
    then = {row["code"]: row["name"] for row in ready.rows("place", "list", "--on", "2022-01-01")}
    assert today["97101"] == "Xã Yên Hạc" and then["97101"] == "Xã Đồng Tiến" and "971" not in today and "971" in then
    assert count(ready, "place under 'Lam Giang'") >= 2
    assert count(ready, "place under 'huyện Yên Hạc'") >= 2
    assert count(ready, "place under 'Thôn Thượng'") == 1
    assert count(ready, "place not under 'Lam Giang'") == count(ready, "all") - count(ready, "place under 'Lam Giang'") > 0
    message = ready.refused("segment", "count", "place under 'Yen Hak'")
    assert "column" in message


@pytest.mark.parametrize("expression,expected", [
    ("all", 6), ("age between 18 and 55", 4), ("age < 18", 1), ("occupation in ('farmer','artisan')", 4), ("not occupation = 'farmer'", 4),
    ("occupation is empty", 1), ("enrolled", 1), ("not enrolled", 5), ("occupation = 'farmer' and (sex = 'f' or age > 60)", 2),
    ("income >= 1000000", 2), ("name starts with 'Ng'", 2), ("birth_date >= '1990-01-01'", 2), ("has email and not has phone", 2),
    ("OCCUPATION = 'farmer' AND NOT enrolled", 1), ("occupation not in ('farmer', 'artisan')", 2), ("age not between 18 and 55", 2),
    ("name not starts with 'Ng'", 4), ("email = 'A@Example.COM'", 1), ("email in ('a@example.com', 'D@example.com')", 2), ("email != 'A@EXAMPLE.com'", 5),
])
def test_segments(data, expression, expected):
    data.ok("init")
    data.ok("contact", "import", data.write("a.csv", (
        "ref,name,birth_date,sex,occupation,income,email,phone,enrolled\n"
        "1,Nguyễn A,1980-01-01,f,farmer,900000,a@example.com,0912345671,\n"
        "2,Nguyễn B,1950-01-01,m,farmer,1500000,b@example.com,,2024-01-01\n"
        "3,Trần C,1991-01-01,m,artisan,abc,,0912345673,\n"
        "4,Lê D,2012-01-01,f,,,d@example.com,,\n"
        "5,Phạm E,1985-06-01,f,trader,2000000,,0912345675,\n"
        "6,Đỗ F,1979-03-05,m,artisan,,f@example.com,0912345676,\n")))
    assert count(data, expression) == expected, expression


def test_a_last_day_as_valid_to_is_understood(data):
    """Lists often name the last day a place stood, not the first without it; its successor of the next day tells."""
    data.ok("init")
    data.ok("place", "import", data.write("places.csv", (
        "code,name,level,parent,valid_from,valid_to\n97,Tỉnh Lam Giang,province,,1997-01-01,\n"
        "97001,Xã Cũ,commune,97,1997-01-01,2025-06-30\n97002,Xã Xưa,commune,97,1997-01-01,2025-06-29\n97009,Xã Mới,commune,97,2025-07-01,\n")))
    links = data.write("links.csv", "old_code,new_code,since\n97001,97009,2025-07-01\n97002,97009,2025-07-01\n")
    told = data.json("place", "import", "--successors", links)
    assert told["added"] == 1 and told["rejected"] == 1
    assert {row["code"]: row["valid_to"] for row in data.rows("place", "list", "--all")}["97001"] == "2025-07-01"
    assert data.json("place", "import", "--successors", links)["unchanged"] == 1


def test_consent_and_suppression_survive_the_next_import(data, made, witness):
    made.init(email_channel(witness.port), contacts=people(4))
    data.ok("suppression", "add", "p1@example.com")
    data.ok("suppression", "add", "p2@Example.COM", "--reason", "invalid")
    made.contacts(people(4))
    made.start(campaign())
    data.until_idle("--clock", f"{START},x1000")
    assert sorted(witness.recipients()) == ["p3@example.com", "p4@example.com"]
    assert {row["address"]: row["reason"] for row in data.messages("c", "suppressed")} == {
        "p1@example.com": "opted_out", "p2@example.com": "invalid"}


def test_two_people_with_one_address_get_one_copy(data, made, witness):
    made.init(email_channel(witness.port), contacts=[
        {"ref": "1", "person_id": "024180000001", "name": "Mẹ", "email": "nha@example.com", "birth_date": "1960-01-01"},
        {"ref": "2", "person_id": "024185000002", "name": "Con", "email": "nha@example.com", "birth_date": "1990-01-01"}])
    made.start(campaign())
    data.until_idle("--clock", f"{START},x1000")
    assert witness.recipients() == ["nha@example.com"]
    assert [row["reason"] for row in data.messages("c", "suppressed")] == ["duplicate"]


def test_100000_rows_in_one_file(data):
    data.ok("init")
    told = data.json("contact", "import", data.write("big.csv", table(people(100000, occupation="farmer"))))
    assert told["added"] == 100000
    assert count(data, "occupation = 'farmer' and ref = 'p99999'") == 1


def test_outbox_takes_people_without_email(data, made):
    made.init(outbox_channel(), contacts=[{"ref": "1", "name": "Có Số", "phone": "0912345678"}, {"ref": "2", "name": "Không Gì"}])
    made.start(campaign(steps=[step(channel="outbox")]))
    data.until_idle("--clock", f"{START},x1000")
    assert sum(data.states("c").values()) == 2 and data.states("c").get("accepted", 0) >= 1
