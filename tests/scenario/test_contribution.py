"""What a person pays: the command, and the section of a text."""
import json
import os

import pytest

from rig.build import START, campaign, outbox_channel, step
from rig.program import ROOT

pytestmark = pytest.mark.quick


def pays(data, *args):
    return data.json("contribution", *args)


def test_the_command_reckons_and_names_its_sources(data):
    data.ok("init")
    told = pays(data, "--date", "2025-09", "--income", "3550000", "--group", "other")
    assert (told["contribution"], told["support"], told["local"], told["pay"]) == (781000, 66000, 33000, 682000)
    assert any("159/2025" in source for source in told["sources"])
    assert told["parameters_since"] == "2025-07-01" and told["due"] == "2025-09-30"
    # A local rule that has ended gives nothing; what if it went on?
    assert pays(data, "--date", "2026-06", "--income", "1500000", "--group", "poor")["pay"] == 165000
    assert pays(data, "--date", "2026-06", "--group", "poor", "--local", "10")["pay"] == 132000
    assert pays(data, "--date", "2026-06", "--local", "10", "--method", "2y")["pay"] in (5268800, 5268801, 5268802)
    assert pays(data, "--date", "2026-06", "--group", "poor", "--local", "10", "--poverty-line", "2200000")["pay"] == 193600
    assert pays(data, "--date", "2025-10-15")["ending"][0]["last_day"] == "2025-12-31"
    low = data.run("contribution", "--date", "2026-06", "--income", "1000000")
    assert low.code == 1 and "1500000" in low.err
    high = data.run("contribution", "--date", "2026-06", "--income", "46900000")
    assert high.code == 1 and "46800000" in high.err
    assert data.run("contribution", "--method", "7").code == 1


def test_other_tables_are_put_in_force(data):
    data.ok("init")
    with open(os.path.join(ROOT, "config", "rules", "contribution.json"), encoding="utf-8") as file:
        tables = json.load(file)
    data.ok("place", "import", data.write("p.csv", "code,name,level,parent,valid_from\n24,Tỉnh A,province,,1997-01-01\n241,Huyện B,district,24,1997-01-01\n27,Tỉnh C,province,,1997-01-01\n"))
    local = {"layer": "district", "place": "241", "from": "2026-01-01", "group": "*", "percent": 25, "base": "poverty_line", "source": "a resolution"}
    tables["contribution"]["local"].append(local)
    data.ok("rules", "apply", data.write("t.json", tables))
    assert pays(data, "--date", "2026-06", "--place", "Huyện B")["local"] == 82500
    assert pays(data, "--date", "2026-06", "--place", "Tỉnh C")["local"] == 0
    assert json.loads(data.ok("rules", "show", "contribution").out) == tables
    local["percent"] = 120
    bad = data.run("rules", "apply", data.write("bad.json", tables))
    assert bad.code == 1 and "contribution.local[1].percent" in bad.err
    # The rules of sending are still those of before.
    assert "rules" in json.loads(data.ok("rules", "show").out)


def test_a_text_says_what_each_person_pays(data, made):
    made.init(outbox_channel(), contacts=(
        "ref,name,email,income,support_group,months_supported\n"
        "a,An,a@example.com,,hộ nghèo,0\n"
        "b,Ba,b@example.com,2.000.000,,0\n"
        "c,Ca,c@example.com,1500000,khác,120\n"
        "d,Da,d@example.com,700000,khác,0\n"
        "e,Em,e@example.com,abc,khác,0\n"))
    text = ("{{#contribution}}{{income | number}}: {{pay | money}}, {{pay_2y | money}} ({{note}}){{#raised}} RAISED{{/raised}}"
            "{{/contribution}}{{^contribution}}none{{/contribution}}")
    made.start(campaign(steps=[step(channel="outbox", content={"vi": {"text": text}})]))
    data.until_idle("--clock", f"{START},x1000")
    rows = {}
    for row in data.json("contact", "list")["rows"]:
        shown = data.json("message", "preview", "c", "--step", "s1", "--contact", str(row["id"]), "--clock", START)["rows"]
        rows[row["ref"]] = shown[0]["text"]
    assert "1.500.000: 165.000 đ" in rows["a"] and "chuẩn nghèo 1.500.000 đ" in rows["a"] and "01/12/2026" in rows["a"]
    assert "2.000.000: 374.000 đ" in rows["b"]
    assert "1.500.000: 330.000 đ, 7.644.801 đ" in rows["c"]
    assert "1.500.000: 264.000 đ" in rows["d"] and "RAISED" in rows["d"]
    assert "none" in rows["e"]
    assert data.states("c") == {"accepted": 5}


def test_an_amount_without_its_day_is_a_finding(data, made):
    made.init(outbox_channel(), contacts="ref,email\na,a@example.com\n")
    bare = campaign(steps=[step(channel="outbox", content={"vi": {"text": "{{contribution.pay | money}}"}})])
    told = data.run("campaign", "apply", data.write("c.json", bare))
    assert told.code == 1 and "contribution.note" in told.err + told.out
    bare["steps"][0]["content"]["vi"]["text"] = "{{contribution.pay | money}}, {{contribution.date | date}}"
    made.apply(bare)
