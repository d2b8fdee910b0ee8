"""What addresses tell the sites they lead to (utm_*): in short links and in addresses themselves, over several channels, seen before sending."""
import pathlib

import pytest
from rig.build import START, campaign, content, outbox_channel, people, step

NOW = {"at": "2026-12-01T08:00"}
SITE = "https://bhxh.example/dong?x=1"


def told(source, name, kind="outbox"):
    return f"utm_source={source}&utm_medium={kind}&utm_campaign=c&utm_content={name}"


def page(name="kenh"):
    return {"name": name, "plugin": "telegram-post", "options": {"api_url": "http://127.0.0.1:9", "token": "1:a", "chat": "@bhxh"}}


@pytest.mark.quick
def test_without_short_links_the_address_itself_tells(data, made):
    made.init(outbox_channel("thu"), outbox_channel("thu-2"), page(), contacts=people(2))
    text = f"Xem {SITE} hoặc https://bhxh.example/?utm_source=bao&r={{{{ref}}}}."
    steps = [step("mot", "thu", NOW, content=content(text=text)), step("hai", "thu-2", NOW, content=content(text=text), utm={"content": "{{theme}}.{{step}}"}),
             step("ba", "thu", NOW, content=content(text=text), utm=False)]
    made.start(campaign(steps=steps, utm={"medium": "chu"}))
    shown = [data.json("message", "preview", "c", "--step", name, "--contact", "1")["rows"][0]["text"] for name in ("mot", "hai", "ba")]
    assert f"{SITE}&{told('thu', 'mot', 'chu')} hoặc" in shown[0]
    assert "?utm_source=bao&r=p1&utm_medium=chu&utm_campaign=c&utm_content=mot." in shown[0]
    assert f"{SITE}&{told('thu-2', 'theme.hai', 'chu')} hoặc" in shown[1]
    assert f"{SITE} hoặc" in shown[2] and "utm_campaign" not in shown[2]
    made.apply(campaign("bai", utm=True, steps=[step("bai", "kenh", NOW, content={"vi": {"text": "Tin", "link": SITE}})]))
    post = data.json("message", "preview", "bai", "--step", "bai")["rows"][0]["text"]
    assert f"{SITE}&{told('kenh', 'bai', 'social').replace('=c&', '=bai&')}" in post
    data.until_idle("--clock", f"{START},x1000")
    sent = "".join(path.read_text(errors="replace") for path in (pathlib.Path(data.dir) / "outbox").rglob("*") if path.is_file())
    assert sent.count(told("thu", "mot", "chu")) == 2 and sent.count(told("thu-2", "theme.hai", "chu")) == 2, sent[:2000]


def test_a_short_link_leads_there_with_them(data, made):
    made.init(outbox_channel("thu"), page(), contacts=people(1))
    data.ok("settings", "set", "public_url", "https://x.vn")
    made.start(campaign(utm=True, steps=[step("mot", "thu", NOW, content=content(text=f"Xem {SITE} và {{{{unsubscribe_url}}}}")),
                                         step("bai", "kenh", NOW, content={"vi": {"text": f"Tin {SITE}", "link": "https://x.vn/trang"}})]))
    mail = data.json("message", "preview", "c", "--step", "mot", "--contact", "1")["rows"][0]
    assert "utm_" not in mail["text"] and [row["url"] for row in mail["links"]] == [f"{SITE}&{told('thu', 'mot')}"]
    assert mail["links"][0]["link"] in mail["text"]
    post = data.json("message", "preview", "c", "--step", "bai")["rows"][0]
    assert [row["url"] for row in post["links"]] == [f"{SITE}&{told('kenh', 'bai', 'social')}", "https://x.vn/trang"]
    assert f"leads to {SITE}&utm_source=kenh" in data.ok("message", "preview", "c", "--step", "bai").out
    assert {row["url"] for row in data.json("link", "list", "--campaign", "c")["rows"]} == {
        f"{SITE}&{told('thu', 'mot')}", f"{SITE}&{told('kenh', 'bai', 'social')}", "https://x.vn/trang"}


def test_what_the_network_itself_fetches_stays_as_it_is(data, made):
    keys = {"api_url": "http://127.0.0.1:9", "oauth_url": "http://127.0.0.1:9", "app_id": "1", "app_secret": "s", "oa_secret": "o",
            "token_file": "token.json", "refresh_token": "r"}
    made.init({"name": "bao", "plugin": "zalo-post", "options": keys}, contacts=people(1))
    data.ok("settings", "set", "public_url", "https://x.vn")
    assert "as_is" in data.ok("channel", "describe", "bao").out
    cover = "https://bhxh.example/anh-bia"
    made.start(campaign(utm=True, steps=[step("bai", "bao", NOW, content={"vi": {"title": "Tin", "text": f"Xem {SITE}", "cover_url": cover}})]))
    assert [row["url"] for row in data.json("link", "list", "--campaign", "c")["rows"]] == [f"{SITE}&{told('bao', 'bai', 'social')}"]


def test_what_is_wrong_is_named(data, made):
    made.init(outbox_channel("thu"), contacts=people(1))
    wrong = campaign(utm={"source": "{{name}}"}, steps=[step("mot", "thu", NOW)])
    found = data.run("campaign", "check", data.write("wrong.json", wrong))
    assert "field utm.source" in found.out + found.err and "has no 'name'; it has: channel kind plugin campaign theme step" in found.out + found.err
