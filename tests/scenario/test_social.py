"""Social networks through the whole program: people by their accounts with a fallback, a page as one message, comments, figures, previews."""
import datetime
import http.client
import json
import pathlib
import sys
import urllib.parse

import pytest

from rig.build import START, campaign, outbox_channel, step
from rig.peers import free_port
from rig.program import eventually

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit" / "social"))
from fake_graph import PAGE, SECRET, VERIFY, Graph, comment  # noqa: E402
from fake_graph import TOKEN as PAGE_TOKEN  # noqa: E402
from fake_telegram import TOKEN, Telegram  # noqa: E402
from fake_zalo import APP, APP_SECRET, FIRST, OA_SECRET, Zalo, signed  # noqa: E402
from social_rig import gateway, picture  # noqa: E402

NOW = {"at": "2026-12-01T08:00"}


@pytest.fixture
def telegram():
    fake = Telegram()
    with gateway(fake.answer) as gate:
        fake.url = gate.url
        yield fake


def people(*accounts):
    return [{"ref": f"r{i}", "name": f"Lan {i}", "phone": f"09123456{i:02d}", "telegram_id": account} for i, account in enumerate(accounts)]


def bot(telegram, name="tele", **more):
    return {"name": name, "plugin": "telegram", "options": {"api_url": telegram.url, "token": TOKEN, "poll_every": "100ms", **more}, "window": 20}


def page(telegram, **more):
    return {"name": "kenh", "plugin": "telegram-post",
            "options": {"api_url": telegram.url, "token": TOKEN, "chat": "@bhxh", "poll_every": "100ms", **more}}


def says(text):
    return {"vi": {"text": text}}


def messages(data, **more):
    return data.json("message", "list", "--campaign", "c", *(arg for name, value in more.items() for arg in (f"--{name}", value)))["rows"]


@pytest.mark.quick
def test_who_has_no_account_gets_the_fallback(data, made, telegram):
    # 404: the network knows nobody of this number; two people share an account; the last has none.
    made.init(bot(telegram), contacts=people("701", "702", "404", "702", ""))
    data.ok("channel", "apply", data.write("outbox.json", outbox_channel()))
    made.start(campaign(steps=[
        step("tele", "tele", NOW, content=says("Chào {{name}}")),
        step("sms", "outbox", {"fallback_of": "tele", "reasons": ["no_address", "no_account"]}, content=says("Chào {{name}} qua SMS"))]))
    with data.serving("--clock", f"{START},x60"):
        eventually(lambda: data.states("c").get("planned", 0) + data.states("c").get("sending", 0) == 0, 30, 0.2, str(data.states("c")))
    told = {row["contact_ref"]: (row["state"], row["reason"], row["address"]) for row in messages(data, step="tele")}
    assert told == {"r0": ("accepted", "", "701"), "r1": ("accepted", "", "702"), "r2": ("failed", "no_account", "404"),
                    "r3": ("suppressed", "duplicate", "702"), "r4": ("suppressed", "no_address", None)}, told
    sms = {row["contact_ref"]: (row["state"], row["reason"]) for row in messages(data, step="sms")}
    assert {ref for ref, (state, _) in sms.items() if state == "accepted"} == {"r2", "r4"}, sms
    assert sorted(parts["text"][1] for _, parts, _ in telegram.sent) == ["Chào Lan 0", "Chào Lan 1"]


def test_a_page_is_one_message_with_comments_and_figures(data, made, scratch, telegram):
    made.init(page(telegram, receive="poll"), contacts=people("", "", ""))
    post = step("bai", "kenh", NOW, content=says("Bảo hiểm xã hội tự nguyện"), attachments=[picture(scratch)])
    made.start(campaign(steps=[post]))
    shown = data.json("message", "preview", "c", "--step", "bai")["rows"][0]
    assert "Telegram · @bhxh" in shown["text"] and "25 / 4096" in shown["text"] and "[ảnh: anh.png, 1 × 1, 1 KiB]" in shown["text"], shown
    made.apply(campaign("nhieu", steps=[{**post, "attachments": post["attachments"] * 11}]))
    many = data.json("message", "preview", "nhieu", "--step", "bai")["rows"][0]
    assert many["refused"] and many["note"] == "Telegram chỉ nhận tối đa 10 tệp một tin", many
    assert data.json("campaign", "cost", "nhieu")["refused"] == 1
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: data.states("c") == {"accepted": 1}, 30, 0.2, str(data.states("c")))
        telegram.said(-200, "Đóng ở đâu?", chat={"id": -200, "type": "supergroup"}, **{"from": {"id": 912345678}},
                      reply_to_message={"forward_origin": {"chat": {"id": -100777}, "message_id": 1}})
        got = eventually(lambda: data.json("inbox", "list")["rows"], 20, 0.2, "the comment is in the inbox")
    row = messages(data)[0]
    assert (row["address"], row["contact"], row["ref"]) == ("kenh", 0, "-100777:1")
    assert (got[0]["text"], got[0]["address"]) == ("Đóng ở đâu?", "912345678"), got
    assert [tuple(found) for found in data.sql("SELECT message_id, contact_id FROM inbound")] == [(row["id"], None)]
    assert "--by-hand" in data.refused("inbox", "answer", got[0]["id"], "Ở xã")
    figures = {row["figure"]: row["value"] for row in data.json("report", "campaign", "c", "--by", "figure")["rows"]}
    assert figures == {"views": None, "forwards": None}
    assert "n/a" in data.ok("report", "channel", "kenh").out
    states = data.json("report", "campaign", "c")
    assert sum(row["messages"] for row in states["rows"]) == 1


def test_a_page_takes_no_persons_data_and_no_condition(data, made, telegram):
    made.init(page(telegram), contacts=people(""))
    wrong = campaign(steps=[step("bai", "kenh", NOW, content=says("Chào {{name}}"), only_if="not enrolled"),
                            step("sau", "kenh", {"after": "bai", "delay": "P1D"}, content=says("Lại"))])
    found = data.run("campaign", "check", data.write("wrong.json", wrong))
    said = found.out + found.err
    assert "'name' is a person's, and a page speaks to all" in said and "to nobody in particular" in said and "needs a time of its own" in said, said


def test_who_starts_the_bot_from_a_letter_can_be_written_to(data, made, telegram):
    made.init(outbox_channel(), contacts=people("", ""))
    data.ok("channel", "apply", data.write("tele.json", bot(telegram, receive="poll")))
    made.start(campaign(steps=[step("thu", "outbox", NOW, content=says("t.me/bhxh_bot?start={{message_key}}"))]))
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: data.states("c") == {"accepted": 2}, 30, 0.2, str(data.states("c")))
        key = messages(data)[0]["key"]
        telegram.said(555, f"/start {key}")
        telegram.said(556, f"/start {'a' * 20}")  # no key of ours
        eventually(lambda: data.json("inbox", "list")["rows"], 20, 0.2, "in the inbox")
        shown = eventually(lambda: data.sql("SELECT id, attrs ->> 'telegram_id' FROM contact WHERE attrs ->> 'telegram_id' IS NOT NULL"), 20, 0.2, "linked")
        telegram.said(555, "/stop")
        eventually(lambda: data.sql("SELECT 1 FROM consent WHERE contact_id = 1 AND action = 0"), 20, 0.2, "the refusal is heard")
    assert [tuple(row) for row in shown] == [(1, "555")], shown


def test_a_number_without_zalo_gets_an_sms_and_who_has_no_dealing_nothing(data, made):
    fake = Zalo()
    text = "Kính gửi ông/bà, sắp đến hạn đóng bảo hiểm xã hội."
    with gateway(fake.answer) as gate:
        zns = {"name": "zns", "plugin": "zns", "options": {"api_url": gate.url, "oauth_url": gate.url, "app_id": APP, "app_secret": APP_SECRET,
                                                           "refresh_token": FIRST}}
        made.init(zns, outbox_channel(), contacts=[{"ref": f"r{i}", "name": f"Nguyễn Văn Ấn {i}", "phone": phone, "enrolled_on": day}
                                                   for i, (phone, day) in enumerate((("0912345677", "2025-06-30"), ("0912345118", "2024-01-15"),
                                                                                     ("0912345679", "")))])
        content = {"vi": {"text": text, "template_id": "7895", "params": '{"ten": "{{name}}"}', "transaction_on": "{{enrolled_on}}"}}
        prospecting = campaign("moi", **{"class": "advertising"}, steps=[step("zns", "zns", NOW, content=content)])
        made.apply(prospecting)
        refused = data.json("message", "preview", "moi", "--step", "zns", "--contact", "1")["rows"][0]
        assert refused["refused"] and "đã có giao dịch" in refused["note"], refused
        made.start(campaign(**{"class": "personal_service"}, steps=[
            step("zns", "zns", NOW, content=content), step("sms", "outbox", {"fallback_of": "zns", "reasons": ["no_account"]}, content=says("Sap den han"))]))
        with data.serving("--clock", f"{START},x60"):
            eventually(lambda: data.states("c").get("planned", 0) + data.states("c").get("sending", 0) == 0, 30, 0.2, str(data.states("c")))
    told = {(row["step"], row["contact_ref"]): (row["state"], row["reason"]) for row in messages(data)}
    assert {ref: found for (name, ref), found in told.items() if name == "zns"} == {
        "r0": ("accepted", ""), "r1": ("failed", "no_account"), "r2": ("suppressed", "template_error")}, told
    assert [ref for (name, ref), (state, _) in told.items() if name == "sms" and state == "accepted"] == ["r1"]
    assert fake.sent[0][1]["template_data"] == {"ten": "Nguyễn Văn Ấn 0"} and len(fake.sent) == 1
    assert (pathlib.Path(data.dir) / "zalo-token.json").is_file()


def asked(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    told = answer.status, answer.read().decode()
    connection.close()
    return told


def challenge(token, text="1158201444", mode="subscribe"):
    return "?" + urllib.parse.urlencode({"hub.mode": mode, "hub.challenge": text, "hub.verify_token": token})


@pytest.mark.quick
def test_facebook_proves_the_address_and_its_comments_come_in(data, made):
    fake = Graph()
    with gateway(fake.answer) as gate:
        page = {"name": "trang", "plugin": "facebook-page", "options": {
            "api_url": gate.url, "page_id": PAGE, "token": PAGE_TOKEN, "app_secret": SECRET, "verify_token": {"file": "verify.txt"}}}
        made.init(contacts=people(""))
        (pathlib.Path(data.dir) / "verify.txt").write_text(VERIFY + "\n")
        made.channel(page)
        made.channel({**page, "name": "khac", "options": {**page["options"], "verify_token": ""}})
        made.start(campaign(steps=[step("bai", "trang", NOW, content=says("Bảo hiểm xã hội tự nguyện"))]))
        port = free_port()
        with data.serving("--clock", f"{START},x1", "--http", f"127.0.0.1:{port}"):
            assert asked(port, "GET", "/hook/trang" + challenge(VERIFY)) == (200, "1158201444")
            for path in ("trang" + challenge("sai"), "trang" + challenge(""), "trang" + challenge(VERIFY + "\n"), "khac" + challenge("")):
                assert asked(port, "GET", "/hook/" + path)[0] in (400, 403), path
            for bad in (challenge(VERIFY, "<script>"), challenge(VERIFY, ""), challenge(VERIFY, "1" * 501), challenge(VERIFY, mode="no")):
                assert asked(port, "GET", "/hook/trang" + bad)[0] == 400, bad
            assert asked(port, "GET", "/hook/nobody" + challenge(VERIFY))[0] == 404
            eventually(lambda: data.states("c") == {"accepted": 1}, 30, 0.2, str(data.states("c")))
            body, headers = comment("1029_1", "Đóng ở đâu?")
            assert asked(port, "POST", "/hook/trang", body.replace("88", "99"), headers)[0] == 200  # kept, and believed by nobody
            assert asked(port, "POST", "/hook/trang", body.encode(), headers)[0] == 200
            got = eventually(lambda: data.json("inbox", "list")["rows"], 20, 0.2, "the comment is in the inbox")
            assert [(row["text"], row["address"], row["channel"]) for row in got] == [("Đóng ở đâu?", "88", "trang")]
            assert sum("?hub." in (row[0] or "") for row in data.sql("SELECT headers FROM hook")) == 0
            log = "".join(path.read_text(errors="replace") for path in pathlib.Path(data.dir).parent.rglob("*.log"))
        assert VERIFY not in log and SECRET not in log


def test_one_call_of_zalo_is_heard_by_each_channel_of_the_account(data, made):
    fake = Zalo()
    text = "Kính gửi ông/bà, sắp đến hạn đóng bảo hiểm xã hội."
    with gateway(fake.answer) as gate:
        account = {"api_url": gate.url, "oauth_url": gate.url, "app_id": APP, "app_secret": APP_SECRET, "oa_secret": OA_SECRET, "refresh_token": FIRST}
        made.init({"name": "zns", "plugin": "zns", "options": account}, {"name": "oa", "plugin": "zalo-oa", "options": account},
                  contacts=[{"ref": "r1", "name": "Ấn", "phone": "0912345677", "zalo_id": "u7", "enrolled_on": "2025-06-30"}])
        content = {"vi": {"text": text, "template_id": "7895", "transaction_on": "{{enrolled_on}}"}}
        made.start(campaign(**{"class": "personal_service"}, steps=[step("zns", "zns", NOW, content=content), step("oa", "oa", NOW, content=says("Chào"))]))
        port = free_port()
        with data.serving("--clock", f"{START},x1", "--http", f"127.0.0.1:{port}"):
            eventually(lambda: data.states("c") == {"accepted": 2}, 30, 0.2, str(data.states("c")))
            refs = {row["step"]: row["ref"] for row in messages(data)}
            when = int(datetime.datetime.fromisoformat(START).timestamp() * 1000) + 30_000
            for event in ({"event_name": "user_received_message", "message": {"msg_id": refs["zns"], "delivery_time": "1764000000000"}},
                          {"event_name": "user_send_text", "sender": {"id": "u7"}, "message": {"text": "Đóng ở đâu?"}}):
                body, headers = signed(event, when)
                assert asked(port, "POST", "/hook/oa+zns", body.encode(), headers) == (200, "ok\n")
            for path in ("oa+", "oa+nobody", "oa+oa", "+oa"):
                assert asked(port, "POST", "/hook/" + path, b"x")[0] == 404 or path == "oa+", path
            got = eventually(lambda: data.json("inbox", "list")["rows"], 20, 0.2, "in the inbox")
            eventually(lambda: data.states("c") == {"accepted": 1, "delivered": 1}, 20, 0.2, str(data.states("c")))
    assert [(row["text"], row["channel"]) for row in got] == [("Đóng ở đâu?", "oa")]
    assert {row["step"]: row["state"] for row in messages(data)} == {"zns": "delivered", "oa": "accepted"}
