"""Reports: one number is the same in text, JSON, CSV, XLSX, PDF and HTML; print, injection, small counts, settings."""
import csv
import datetime
import io
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
from html.parser import HTMLParser

import pytest
from openpyxl import load_workbook

from rig.build import campaign, outbox_channel, people, step, table

CLOCK = "2026-12-01T07:55:00+07:00,x1000"
VILLAGES = 2193


def villages(count):
    rows = [{"code": "24", "name": "Tỉnh Bắc Ninh", "level": "province", "parent": "", "valid_from": "2025-07-01"},
            {"code": "7001", "name": "Xã Đồng Kỳ", "level": "commune", "parent": "24", "valid_from": "2025-07-01"}]
    rows += [{"code": f"V{n:04d}", "name": f"Thôn Ưỡn {n}", "level": "village", "parent": "7001", "valid_from": "2025-07-01"}
             for n in range(1, count + 1)]
    return rows


def sent(data, made, count=60, places=3, **fields):
    """A campaign with all its messages in the outbox, in the villages of one commune."""
    data.ok("init")
    data.ok("place", "import", data.write("places.csv", table(villages(places))))
    made.init(outbox_channel(), contacts=people(count, place_code=lambda n: f"V{(n - 1) % places + 1:04d}", **fields))
    made.start(campaign(steps=[step("moi", channel="outbox", content={"vi": {"text": "Chào {{name}}"}})], holdout={"percent": 20, "unit": "contact"}))
    data.until_idle("--clock", CLOCK)


class Tables(HTMLParser):
    """The tables of a page as lists of rows of texts; also what a page of ours must not have."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.scripts, self.outside, self.svgs, self.ids = [], 0, [], 0, []
        self.cell = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.scripts += tag == "script"
        self.svgs += tag == "svg"
        self.outside += [value for key, value in attrs if key in ("src", "href", "xlink:href") and value and not value.startswith("#")]
        self.ids += [given["id"]] if "id" in given else []
        if tag == "svg":
            assert given.get("role") == "img" and given.get("aria-label")
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.cell = ""

    def handle_data(self, text):
        if self.cell is not None:
            self.cell += text

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[-1][-1].append(self.cell.strip())
            self.cell = None


def number(text):
    """35.150 -> 35150; 84,59 % -> 0.8459"""
    plain = text.replace(".", "").replace(",", ".")
    return float(plain.rstrip(" %")) / 100 if plain.endswith("%") else float(plain)


def pdf_text(path, *args):
    return subprocess.run(["pdftotext", *args, path, "-"], check=True, capture_output=True, timeout=60).stdout.decode()


def six(data, *words):
    """The report in its six forms, all of one moment, in Vietnamese."""
    files = {form: data.path(f"report.{form}") for form in ("txt", "json", "csv", "xlsx", "pdf", "html")}
    for path in files.values():
        data.ok("report", *words, "--output", path, "--lang", "vi", "--clock", "2026-12-02T09:00:00+07:00,x1")
    return files


@pytest.mark.quick
def test_one_number_in_six_forms(data, made):
    # 3,600 people, so that counts have a thousands' mark and shares have digits.
    sent(data, made, count=3600, places=7)
    files = six(data, "place", "--level", "village")
    import json
    with open(files["json"], encoding="utf-8") as file:
        document = json.load(file)
    rows, total = document["rows"], document["sum"]
    assert len(rows) == 7 and total["messages"] == 3600 == sum(row["messages"] for row in rows)
    assert total["people"] == total["accepted"] and 0 < total["suppressed"] < 3600
    for row in rows:
        assert row["messages"] == row["suppressed"] + row["waiting"] + row["sending"] + row["accepted"] + row["delivered"] + row["failed"] + row["uncertain"]
        assert row["reach"] == row["people"] / row["contacts"]
    keys = list(rows[0])
    numbers = keys[2:]

    with open(files["csv"], encoding="utf-8", newline="") as file:
        table_csv = list(csv.DictReader(file))
    assert [[row[key] for key in keys[:2]] for row in table_csv] == [[row[key] for key in keys[:2]] for row in rows]
    assert [[float(row[key]) for key in numbers] for row in table_csv] == [[row[key] for key in numbers] for row in rows]

    sheet = load_workbook(files["xlsx"]).worksheets[0]
    cells = [[cell.value for cell in line] for line in sheet.iter_rows()]
    first = next(i for i, line in enumerate(cells) if line[0] == "V0001")
    assert [line[:len(keys)] for line in cells[first:first + 7]] == [[row[key] for key in keys] for row in rows]
    assert cells[first + 7][2:len(keys) - 1] == [total[key] for key in numbers[:-1]]
    assert sheet.freeze_panes == f"B{first + 1}" and sheet.page_setup.paperSize == 9 and sheet.print_title_rows
    share = sheet.cell(first + 1, len(keys))
    assert share.number_format == "#,##0.00%" and sheet.cell(first + 1, 3).number_format == "#,##0"

    page = Tables(open(files["html"], encoding="utf-8").read())
    shown = page.tables[0]
    start = next(i for i, line in enumerate(shown) if line and line[0] == "V0001")
    for line, row in zip(shown[start:start + 7], rows):
        assert line[:2] == [row["place_code"], row["place"]]
        assert [number(text) for text in line[2:]] == [pytest.approx(round(row[key], 4), abs=1e-9) for key in numbers]
    assert number(shown[start + 7][3]) == 3600 and shown[start + 7][3] == "3.600"

    for text in (open(files["txt"], encoding="utf-8").read(), pdf_text(files["pdf"], "-layout")):
        for row in rows:
            line = next(line for line in text.splitlines() if re.match(rf"\s*{row['place_code']}\s", line))
            found = re.findall(r"\d[\d.]*(?:,\d+)?(?: %)?", line.split("Thôn Ưỡn")[1])[1:]
            assert [number(one) for one in found] == [pytest.approx(round(row[key], 4), abs=1e-9) for key in numbers], line
        assert "3.600" in text

    english = data.ok("report", "place", "--level", "village", "--lang", "en").out
    assert "3,600" in english and f"{100 * rows[0]['reach']:.2f} %" in english


@pytest.mark.quick
def test_charts_say_what_the_tables_say(data, made):
    sent(data, made)
    document = data.json("report", "campaign", "c", "--by", "funnel", "--charts")
    stages = [row["messages"] for row in document["rows"]]
    assert stages[0] == 60 and stages[1] == stages[2] == stages[3] < 60
    assert [point["value"] for point in document["charts"]["funnel"]["rows"]] == stages
    assert document["charts"]["cumulative"]["rows"][-1]["value"] == stages[2]
    path = data.path("c.html")
    data.ok("report", "campaign", "c", "--html", path, "--lang", "vi")
    text = open(path, encoding="utf-8").read()
    page = Tables(text)
    assert page.svgs == 2 and page.scripts == 0 and page.outside == []
    assert len(page.ids) == len(set(page.ids)), "ids of two pictures meet"
    used = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    assert used and used <= set(page.ids), used - set(page.ids)
    assert "<details>" in text and "@page" in text and 'lang="vi"' in text and "default-src 'none'" in text
    for svg in re.findall(r"<svg.*?</svg>", text, re.S):
        ElementTree.fromstring(svg)


@pytest.mark.quick
def test_a_table_of_all_villages_prints_well(data, made):
    sent(data, made, count=VILLAGES, places=VILLAGES)
    for name, value in (("report_superior", "UBND tỉnh Bắc Ninh"), ("report_authority", "Bảo hiểm xã hội tỉnh Bắc Ninh"), ("report_form", "01/TT"),
                        ("report_place", "Bắc Ninh"), ("report_signer_title", "Giám đốc"), ("report_signer", "Nguyễn Thị Hoà")):
        data.ok("settings", "set", name, value)
    path = data.path("villages.pdf")
    data.ok("report", "place", "--level", "village", "--pdf", path, "--lang", "vi")
    info = subprocess.run(["pdfinfo", path], check=True, capture_output=True, timeout=60).stdout.decode()
    pages = int(re.search(r"Pages:\s+(\d+)", info).group(1))
    assert "A4" in info and pages > 30
    texts = pdf_text(path, "-layout").split("\f")[:pages]
    assert "UBND TỈNH BẮC NINH" in texts[0] and "BẢO HIỂM XÃ HỘI" in texts[0] and "Biểu số: 01/TT" in texts[0]
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in texts[0] and "Độc lập - Tự do - Hạnh phúc" in texts[0]
    found = []
    for number_of, text in enumerate(texts, 1):
        assert f"Trang {number_of}/{pages}" in text
        rows = re.findall(r"^\s*(V\d{4})\b", text, re.M)
        assert not rows or "địa bàn" in text, f"page {number_of} has no heading"
        found += rows
    assert found == [f"V{n:04d}" for n in range(1, VILLAGES + 1)]
    # The signatures do not stand alone.
    assert "GIÁM ĐỐC" in texts[-1] and "Nguyễn Thị Hoà" in texts[-1] and "Bắc Ninh, ngày" in texts[-1]
    assert re.search(r"^\s*V\d{4}\b", texts[-1], re.M) or "lũy kế" in texts[-1] or "phễu" in texts[-1], texts[-1]
    fonts = subprocess.run(["pdffonts", path], check=True, capture_output=True, timeout=60).stdout.decode().splitlines()[2:]
    assert fonts and all(re.search(r" yes yes yes +\d", line) for line in fonts), fonts


FORMULAS = ["=1+1", "+84901234567", "-2+3", "@SUM(A1)", "=HYPERLINK(\"http://x\",\"y\")", "\t=1", "<script>alert(1)</script>", "a\"b,c;d", "x & y <b>"]


@pytest.mark.quick
def test_no_text_becomes_a_formula_or_markup(data, made):
    data.ok("init")
    rows = villages(2) + [{"code": f"F{n}", "name": name, "level": "village", "parent": "7001", "valid_from": "2025-07-01"}
                          for n, name in enumerate(FORMULAS)]
    data.ok("place", "import", data.write("places.csv", table(rows)))
    made.init(outbox_channel(), contacts=people(60, place_code=lambda n: f"F{n % len(FORMULAS)}"))
    made.start(campaign(steps=[step(channel="outbox", content={"vi": {"text": "Chào"}})]))
    data.until_idle("--clock", CLOCK)
    names = {row["place_code"]: row["place"] for row in data.rows("report", "place", "--level", "village")}
    assert names["F0"] == "=1+1" and len(names) == len(FORMULAS)
    path = data.path("f.xlsx")
    data.ok("report", "place", "--level", "village", "--xlsx", path)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                assert "<f>" not in archive.read(name).decode() and "<f " not in archive.read(name).decode()
    for sheet in load_workbook(path).worksheets:
        for line in sheet.iter_rows():
            assert all(cell.data_type != "f" and not cell.hyperlink for cell in line)
    found = {line[0].value: line[1].value for line in load_workbook(path).worksheets[0].iter_rows() if line[0].value in names}
    assert found == names
    for row in csv.reader(io.StringIO(data.ok("report", "place", "--level", "village", "--csv").out)):
        assert not row[1][:1] in "=+-@\t" or row[1] == "", row
    path = data.path("f.html")
    data.ok("report", "place", "--level", "village", "--html", path)
    page = Tables(open(path, encoding="utf-8").read())
    assert page.scripts == 0
    shown = {line[0]: line[1] for line in page.tables[0] if line and line[0] in names}
    assert shown == {code: name.strip() for code, name in names.items()}
    assert "<script>" in pdf_text_of(data)


def pdf_text_of(data):
    path = data.path("f.pdf")
    data.ok("report", "place", "--level", "village", "--pdf", path)
    return re.sub(r"\s+", "", pdf_text(path))


@pytest.mark.quick
def test_dates_are_dates(data, made):
    sent(data, made)
    path = data.path("d.xlsx")
    data.ok("report", "campaign", "c", "--by", "day", "--xlsx", path)
    days = [cell.value for cell in load_workbook(path).worksheets[0]["A"] if isinstance(cell.value, datetime.datetime)]
    assert days and set(days) <= {datetime.datetime(2026, 12, 1), datetime.datetime(2026, 11, 30)} | set(days)
    told = sorted({row["day"] for row in data.rows("report", "campaign", "c", "--by", "day")})
    assert sorted({day.strftime("%Y-%m-%d") for day in days}) == told


@pytest.mark.quick
def test_small_counts_stay_inside(data, made):
    """A village of 3 people is hidden, and another one with it, or the sum would tell."""
    data.ok("init")
    data.ok("place", "import", data.write("places.csv", table(villages(4))))
    sizes = [3, 20, 31, 40]
    codes = [f"V{n + 1:04d}" for n, size in enumerate(sizes) for _ in range(size)]
    made.init(outbox_channel(), contacts=people(len(codes), place_code=lambda n: codes[n - 1]))
    made.start(campaign(steps=[step(channel="outbox", content={"vi": {"text": "Chào"}})]))
    data.until_idle("--clock", CLOCK)
    inside = data.json("report", "place", "--level", "village")
    assert [row["people"] for row in inside["rows"]] == sizes and inside["sum"]["people"] == sum(sizes)
    outside = data.json("report", "place", "--level", "village", "--public")
    assert [row["people"] for row in outside["rows"]] == [None, None, 31, 40] and outside["sum"]["people"] == sum(sizes)
    assert outside["rows"][0]["reach"] is None and outside["rows"][0]["people_why"] and outside["report"]["public"] is True
    assert [row["contacts"] for row in outside["rows"]] == [None, None, 31, 40]
    text = data.ok("report", "place", "--level", "village", "--public").out
    assert not re.search(r"V0001.*\b3\b", text)


@pytest.mark.quick
def test_reports_of_themes_and_channels_agree(data, made):
    sent(data, made)
    by_theme, by_channel = data.json("report", "theme"), data.json("report", "channel")
    by_campaign = data.json("report", "theme", "theme")
    assert [row["theme"] for row in by_theme["rows"]] == ["theme"] and [row["channel"] for row in by_channel["rows"]] == ["outbox"]
    assert [row["campaign"] for row in by_campaign["rows"]] == ["c"]
    states = {row["state"]: row["messages"] for row in data.rows("report", "campaign", "c")}
    for document in (by_theme, by_channel, by_campaign):
        assert document["sum"]["messages"] == 60 and document["rows"][0]["suppressed"] == states["suppressed"]
        assert document["rows"][0]["people"] == states["accepted"]


@pytest.mark.quick
def test_what_is_asked_wrongly_is_told(data, made):
    sent(data, made, count=6)
    assert "no-such" in data.refused("report", "theme", "no-such")
    assert "--level hamlet" in data.refused("report", "place", "--level", "hamlet")
    assert "--by colour" in data.refused("report", "campaign", "c", "--by", "colour")
    assert ".xlsx" in data.refused("report", "theme", "--output", data.path("x.doc"))
    assert "one form" in data.refused("report", "theme", "--csv", "--pdf", data.path("x.pdf"))
    assert data.run("report", "theme", "--pdf", data.path("none/x.pdf")).code == 1
    assert "one line" in data.refused("settings", "set", "report_authority", "a\nb")
    assert "120" in data.refused("settings", "set", "report_authority", "x" * 121)
    assert "report_signer_title" in data.refused("settings", "set", "report_nothing", "x")
    data.ok("settings", "set", "report_form", "01/TT")
    assert data.json("settings", "show")["report_form"] == "01/TT"
