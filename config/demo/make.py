#!/usr/bin/python3
"""Makes the demo's input files: places and people of a province that does not exist, and the campaign with its dates moved.

usage: make.py OUT_DIR [--contacts N] [--start YYYY-MM-DD] [--without-loudspeakers] [--held-out MESSAGES.json]

With --held-out it makes the registry's file of a month later instead: people whom the lot held out enrol at 3 %, the others at 6 %.

The same arguments give the same bytes. Nobody in it is real: names are put together from lists of common ones, phones are
random, and every mail address lies under the domains that RFC 2606 keeps for examples.
"""
import argparse
import csv
import datetime
import json
import math
import os
import random
import struct
import unicodedata
import wave

HERE = os.path.dirname(os.path.abspath(__file__))
CHANGE = "2025-07-01"  # the day on which districts ended
DISTRICTS = ["Sông Lĩnh", "Yên Hạc", "Đồng Vân", "Phú Quế", "Lạc Giang", "Tân Mỹ"]
FIRST = ["An", "Bình", "Cẩm", "Đại", "Đông", "Hòa", "Hưng", "Khánh", "Long", "Minh", "Nghĩa", "Phúc", "Quang", "Tam", "Thanh", "Xuân"]
SECOND = ["Sơn", "Lộc", "Thủy", "Lâm", "Phong", "Điền", "Giang", "Thịnh", "Trạch", "Vĩnh", "Khê", "Hải"]
VILLAGES = ["Đình", "Chùa", "Giữa", "Thượng", "Hạ", "Đồi", "Bến", "Trại Mới"]
FAMILIES = ("Nguyễn Nguyễn Nguyễn Nguyễn Nguyễn Trần Trần Trần Lê Lê Phạm Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô "
            "Dương Lý Giáp Thân Chu Nông Vi Hà").split()
MIDDLE = {"f": "Thị Thị Thị Thị Ngọc Thu Thanh Kim Hồng Bích".split(), "m": "Văn Văn Văn Văn Đức Hữu Quang Minh Đình Xuân".split()}
GIVEN = {
    "f": ("Hoà Hòa Lan Huệ Hương Nga Thảo Trang Linh Nhung Yến Oanh Tuyết Mai Đào Hạnh Phương Thuỷ Vân Hiền Loan Dung "
          "Quỳnh Liên Ngân").split(),
    "m": ("Hùng Dũng Cường Tuấn Nam Sơn Thắng Long Quân Hải Đạt Toàn Kiên Tùng Đông Bình Khoa Vinh Phúc Lộc Nghĩa Đức "
          "Thành Tâm Ưng").split(),
}
FOREIGN = ["Emma Clark", "Liam O'Brien", "Sofia Rossi", "Hans Müller", "Aiko Tanaka", "Ming Chen", "Anna Novák", "Omar Haddad"]
OCCUPATIONS = ["farmer"] * 9 + ["artisan"] * 4 + ["seasonal"] * 3 + ["trader"] * 2 + ["freelance"] * 2
CRAFTS = ["gốm", "mây tre", "rượu làng", "bánh đa", "mộc", "dệt"]
DOMAINS = ["example.com", "example.net", "example.org", "thu.example.com", "mail.example.org"]


class Lot:
    """A lot that stays the same over Python versions: only Random.random() is promised to."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def below(self, count):
        return int(self.random() * count)

    def one(self, items):
        return items[self.below(len(items))]

    def chance(self, percent):
        return self.random() * 100 < percent


def strip(text):
    text = text.replace("đ", "d").replace("Đ", "D")
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def make_places(out):
    """The tree before and after the change, and which old commune became which new one. Returns the codes of today's villages."""
    rows = [["code", "name", "level", "parent", "valid_from", "valid_to"],
            ["97", "Tỉnh Lam Giang", "province", "", "1997-01-01", ""]]
    successors = [["old_code", "new_code", "since", "share"]]
    names = [f"{first} {second}" for first in FIRST for second in SECOND]
    villages = []
    for number, district in enumerate(DISTRICTS):
        district_code = str(970 + number)
        rows.append([district_code, f"Huyện {district}", "district", "97", "1997-01-01", CHANGE])
        for half in range(8):
            old = number * 8 + half
            rows.append([f"{97001 + old * 3}", f"Xã {names[old * 4]}", "commune", district_code, "1997-01-01", CHANGE])
    for new in range(24):
        # The first old code lives on under the new commune, as it did in the real reform: a code alone says nothing.
        code = f"{97001 + new * 6}"
        kind = "Phường" if new % 6 == 0 else "Xã"
        name = DISTRICTS[new // 4] if new % 4 == 0 else names[new * 8]
        rows.append([code, f"{kind} {name}", "commune", "97", CHANGE, ""])
        for old in (new * 2, new * 2 + 1):
            successors.append([f"{97001 + old * 3}", code, CHANGE, "1"])
        for number, village in enumerate(VILLAGES):
            village_code = f"{code}.{number + 1}"
            rows.append([village_code, f"Thôn {village}", "village", code, CHANGE, ""])
            villages.append(village_code)
    write(out, "places.csv", rows)
    write(out, "successors.csv", successors)
    return villages


def make_contact(lot, number, villages, start):
    sex = lot.one("fm")
    lang = "en" if lot.chance(2) else "vi"
    if lang == "en":
        name = lot.one(FOREIGN)
    else:
        name = f"{lot.one(FAMILIES)} {lot.one(MIDDLE[sex])} {lot.one(GIVEN[sex])}"
    age_days = 365 * 16 + lot.below(365 * 54)
    birth = start - datetime.timedelta(days=age_days)
    email = ""
    if lot.chance(72):
        email = f"{'.'.join(strip(name).lower().replace(chr(39), '').split())}.{number}@{lot.one(DOMAINS)}"
        if lot.chance(2):
            email = email.replace("@", lot.one([" @", "@@", " at ", "@."]))
    phone = ""
    if lot.chance(85):
        phone = f"{lot.one(['032', '038', '086', '091', '097', '078'])}{lot.below(10_000_000):07d}"
        if lot.chance(20):
            phone = phone.lstrip("0")  # what a spreadsheet leaves of it
        elif lot.chance(10):
            phone = f"+84 {phone[1:4]} {phone[4:7]} {phone[7:]}"
        elif lot.chance(2):
            phone = phone[:8]
    occupation = lot.one(OCCUPATIONS)
    enrolled = ""
    if lot.chance(9):
        enrolled = (start - datetime.timedelta(days=30 + lot.below(1500))).isoformat()
    household = f"H{number // 3:06d}"
    craft = lot.one(CRAFTS) if occupation == "artisan" else ""
    # As identity numbers are made, of a province code that nobody has.
    person_id = f"097{(birth.year // 100 - 19) * 2 + (sex == 'f')}{birth.year % 100:02d}{number:06d}"
    return [f"LG{number:06d}", name, birth.strftime("%d/%m/%Y"), "nữ" if sex == "f" else "nam", phone, email, lang, occupation, craft,
            lot.one(villages), household, enrolled, person_id]


def make_contacts(out, count, villages, start):
    lot = Lot(2026)
    rows = [["Mã", "Họ và tên", "Ngày sinh", "Giới tính", "Số điện thoại", "Email", "Ngôn ngữ", "Nghề nghiệp", "Nghề làng", "Mã thôn",
             "Hộ", "Ngày tham gia", "Số định danh"]]
    rows += [make_contact(lot, number, villages, start) for number in range(1, count + 1)]
    # Two rows that an import must refuse: nothing to know the person by.
    rows.append(["", "Nguyễn Văn Không", "", "nam", "", "", "vi", "farmer", "", villages[0], "", "", ""])
    rows.append(["", "Trần Thị Vắng", "", "nữ", "", "", "vi", "farmer", "", villages[1], "", "", ""])
    write(out, "contacts.csv", rows)


def make_outlets(out, villages):
    """Village loudspeakers on paper, in the first four villages, and the sound they play: two seconds of a tone."""
    rows = [["code", "name", "kind", "owner", "place_code", "coverage", "windows", "device", "channel", "languages", "minutes_per_day"]]
    for number, village in enumerate(villages[:4], 1):
        rows.append([f"LOA{number}", f"Loa thôn {number}", "cluster", "village", village, f"{village}:150", "mo-su 17:00-17:30", f"paper:thon-{number}",
                     "loa", "vi", "30"])
    write(out, "outlets.csv", rows)
    with wave.open(os.path.join(out, "gia-dinh.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(b"".join(struct.pack("<h", round(9000 * math.sin(i / 16))) for i in range(88200)))
    paper = os.path.join(os.path.abspath(out), os.pardir, "paper")
    os.makedirs(paper, exist_ok=True)
    with open(os.path.join(out, "channel-loa.json"), "w", encoding="utf-8") as file:
        json.dump({"name": "loa", "plugin": "loudspeaker", "options": {"paper_dir": os.path.normpath(paper)}, "window": 20}, file, ensure_ascii=False)


def make_enrolments(out, held_out, start):
    """Who enrolled after the first letter: the effect that the reports are to find again."""
    with open(held_out, encoding="utf-8") as file:
        held = {row["contact_ref"] for row in json.load(file)["rows"]}
    with open(os.path.join(out, "contacts.csv"), encoding="utf-8", newline="") as file:
        people = [row for row in csv.DictReader(file) if row["Nghề nghiệp"] in ("farmer", "artisan") and not row["Ngày tham gia"] and row["Mã"]]
    lot = Lot(11)
    rows = [["person_id", "event", "event_date"]]
    for row in people:
        day = start + datetime.timedelta(days=8 + lot.below(6))
        if lot.chance(3 if row["Mã"] in held else 6):
            rows.append([row["Số định danh"], "new", day.isoformat()])
    write(out, "enrolments.csv", rows)


def make_campaign(out, start, loudspeakers):
    """campaign.json with its window moved so that it begins on start."""
    with open(os.path.join(HERE, "campaign.json"), encoding="utf-8") as file:
        campaign = json.load(file)
    shift = start - datetime.date.fromisoformat(campaign["window"]["from"])

    def moved(text):
        day = datetime.date.fromisoformat(text[:10]) + shift
        return day.isoformat() + text[10:]

    window = campaign["window"]
    window["from"], window["to"] = moved(window["from"]), moved(window["to"])
    for step in campaign["steps"]:
        if "at" in step["when"] and step["when"]["at"] != "now":
            step["when"]["at"] = moved(step["when"]["at"])
    campaign["steps"] = [step for step in campaign["steps"] if loudspeakers or step["channel"] != "loa"]
    with open(os.path.join(out, "campaign.json"), "w", encoding="utf-8") as file:
        json.dump(campaign, file, ensure_ascii=False, indent=2)
        file.write("\n")


def write(out, name, rows):
    with open(os.path.join(out, name), "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--contacts", type=int, default=20000)
    parser.add_argument("--start", type=datetime.date.fromisoformat, default=datetime.date(2026, 12, 1))
    parser.add_argument("--without-loudspeakers", action="store_true")
    parser.add_argument("--held-out")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    if options.held_out:
        make_enrolments(options.out, options.held_out, options.start)
        return
    villages = make_places(options.out)
    make_contacts(options.out, options.contacts, villages, options.start)
    make_outlets(options.out, villages)
    make_campaign(options.out, options.start, not options.without_loudspeakers)


if __name__ == "__main__":
    main()
