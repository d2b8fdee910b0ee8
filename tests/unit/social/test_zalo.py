"""zalo-oa, zalo-post and zns: what leaves, the token that several share, classes of errors, the rules of ZNS, signed call-backs."""
import contextlib
import datetime
import json
import os
import subprocess

import pytest
from fake_zalo import APP, APP_SECRET, FIRST, OA_SECRET, Zalo, signed
from social_rig import PEERS, ROOT, eventually, free_port, gateway, needs, node, now, picture, secrets_in, social, spoiled

TEXT = "Kính gửi ông/bà, thời hạn đóng bảo hiểm xã hội sắp đến."
PAID = "2025-06-30"
VIETNAM = datetime.timezone(datetime.timedelta(hours=7))


def at(hour):
    return int(datetime.datetime(2026, 12, 1, hour, 30, tzinfo=VIETNAM).timestamp() * 1000)


def service(hour=9):
    return {"class": "personal_service", "clock": at(hour)}


@pytest.fixture
def zalo():
    fake = Zalo()
    with gateway(fake.answer) as gate:
        fake.url = gate.url
        yield fake


def options(zalo, folder, **more):
    return {"api_url": zalo.url, "oauth_url": zalo.url, "app_id": APP, "app_secret": APP_SECRET, "oa_secret": OA_SECRET,
            "token_file": str(folder / "token.json"), "refresh_token": FIRST, **more}


def told(rows):
    return [(row["event"], row["ref"], row["address"], row["detail"]) for row in rows]


def test_a_message_with_a_picture_a_link_and_a_button(tmp_path, zalo):
    with social(tmp_path, "zalo-oa", **options(zalo, tmp_path)) as oa:
        got = oa.sent("u77", "Chào bác", link="https://bhxh.example", button="Đăng ký")
        assert (got["outcome"], got["ref"]) == ("sent", "m1")
        message = zalo.sent[0][1]["message"]
        assert message["text"] == "Chào bác" and message["attachment"]["payload"]["buttons"][0]["payload"]["url"] == "https://bhxh.example"
        log = oa.log()
    with social(tmp_path, "zalo-oa", {"files": [picture(tmp_path)]}, **options(zalo, tmp_path)) as oa:
        assert oa.sent("u77", "Ảnh")["outcome"] == "sent"
        log += oa.log()
    assert zalo.sent[1][1]["message"]["attachment"]["payload"]["elements"][0]["attachment_id"] == "ANH1"
    assert zalo.grants == 1  # the second run took the token from the disk
    assert "access-1" not in log and "refresh-1" not in log and secrets_in(tmp_path, "access-1") == ["token.json"]
    assert (tmp_path / "token.json").stat().st_mode & 0o077 == 0


def test_two_workers_refresh_once_and_both_go_on(tmp_path, zalo):
    zalo.expires = "2"  # always about to end: each message may want a new one
    folders = [tmp_path / "a", tmp_path / "b"]
    with contextlib.ExitStack() as stack:
        rigs = []
        for folder in folders:
            folder.mkdir()
            rigs.append(stack.enter_context(social(folder, "zalo-oa", **options(zalo, tmp_path, token_margin="1s"))))
        numbers = [(rig, rig.send(f"u{i}", "x")) for i in range(12) for rig in rigs]
        got = [rig.result(number)["outcome"] for rig, number in numbers]
    assert got.count("sent") + got.count("retry") == 24 and "sent" in got and zalo.refused == 0, (got, zalo.grants, zalo.refused)


def test_a_worker_killed_while_refreshing_leaves_a_way_on(tmp_path, zalo):
    # The first answer never comes while the first worker lives: it is killed in the middle, holding the lock. Zalo has not had the request.
    with gateway(lambda request: None if request["path"] == "/v4/oa/access_token" else zalo.answer(request)) as silent:
        with pytest.raises(ZeroDivisionError), social(tmp_path, "zalo-oa", **options(zalo, tmp_path, oauth_url=silent.url)) as oa:
            oa.send("u77", "một")
            eventually(lambda: silent.seen, 10, words="it asks")
            raise ZeroDivisionError  # the rig is killed
    (tmp_path / "next").mkdir()
    with social(tmp_path / "next", "zalo-oa", **options(zalo, tmp_path)) as oa:
        assert oa.sent("u77", "hai")["outcome"] == "sent" and zalo.grants == 1
    # What lies on the disk is the newest pair.
    assert json.loads((tmp_path / "token.json").read_text())["refresh_token"] == zalo.valid


def dies_at(folder, point):
    """A program for a host that dies at this point of its work towards the outside."""
    library = folder.parent / "libcrashat.so"
    if not library.exists():
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", library, ROOT / "tests/crash/crashat.c", "-ldl"], check=True)
    script = folder / "host"
    script.write_text(f"""#!/bin/sh
[ "$1" != --serve ] || export LD_PRELOAD={library} LANTOA_CRASH_AT={point}
exec {os.environ["LANTOA_CHANNEL_PROGRAM"]} "$@"
""")
    script.chmod(0o755)
    return str(script)


def after_death(zalo, folder, monkeypatch, point):
    """A host dies at this point, and another one comes: why that one is parked; None: it has sent; False: the first one did not die."""
    folder.mkdir()
    with gateway(zalo.answer) as gate:
        zalo.url = gate.url
        with monkeypatch.context() as patch, contextlib.suppress(ZeroDivisionError):
            patch.setenv("LANTOA_CHANNEL_PROGRAM", dies_at(folder, point))
            patch.setenv("LANTOA_TEST_BACKOFF_MS", "60000")
            with social(folder, "zalo-oa", **options(zalo, folder)) as oa:
                eventually(lambda: oa.of("state") or oa.of("ready"), 20, words=f"point {point}")
                oa.say(send=1, to="u77", text="một")
                eventually(lambda: oa.of("state") or oa.of("outcome"), 20, words=f"point {point}")
                if oa.of("outcome") and oa.of("outcome")[0]["outcome"] == "sent":
                    return False
                raise ZeroDivisionError  # the rig is killed
        (folder / "next").mkdir()
        with social(folder / "next", "zalo-oa", **options(zalo, folder)) as oa:
            number = oa.send("u77", "hai")
            eventually(lambda: [row for row in oa.of("outcome") if row["id"] == number] or oa.of("state"), 20, words=f"point {point}: {oa.rows}")
            return oa.of("state")[0]["why"] if oa.of("state") else None


@pytest.mark.skipif(b"libasan" in subprocess.run(["ldd", os.environ.get("LANTOA_CHANNEL_PROGRAM", "/bin/sh")], capture_output=True, check=False).stdout,
                    reason="libcrashat.so cannot be put before a sanitizer")
def test_a_worker_that_dies_in_the_middle_of_a_refresh_goes_on_or_says_what_to_do(tmp_path, monkeypatch):
    lost = []
    for point in range(8, 17):  # from before it asks until the new pair is in its place
        zalo = Zalo()
        why = after_death(zalo, tmp_path / str(point), monkeypatch, point)
        assert why is not False and zalo.grants == 1, (point, why)
        lost += [(point, why)] if why else []
    # Only between Zalo's having it and the write of the answer (one point before, one after), and then with words for staff.
    assert [point for point, _ in lost] == [lost[0][0], lost[0][0] + 1], lost
    for _, why in lost:
        assert "the answer to a try was lost, 20" in why and "grant the application again" in why and "đã mất" in why, why


def test_a_pair_that_was_written_and_not_yet_in_its_place_is_taken(tmp_path, zalo):
    with social(tmp_path, "zalo-oa", **options(zalo, tmp_path)) as oa:
        assert oa.sent("u77", "một")["outcome"] == "sent"
    pair = json.loads((tmp_path / "token.json").read_text())
    old = {**pair, "access_token": None, "refresh_token": FIRST, "until_ms": 0, "asked_ms": 1}
    for left in (json.dumps(pair), json.dumps(pair)[:-9]):  # whole, and cut in the middle
        (tmp_path / "token.json").write_text(json.dumps(old))
        (tmp_path / "token.json.new").write_text(left)
        with social(tmp_path, "zalo-oa", **options(zalo, tmp_path)) as oa:
            number = oa.send("u77", "hai")
            if left.endswith("}"):
                assert oa.result(number)["outcome"] == "sent" and zalo.grants == 1
                assert not (tmp_path / "token.json.new").exists()
            else:
                assert "the answer to a try was lost, 1970-01-01" in oa.wait("state", 1, 20)[0]["why"]


def test_a_refresh_token_that_was_spent_parks_the_channel_with_words_for_staff(tmp_path, zalo):
    zalo.valid = "somebody-elses"
    with social(tmp_path, "zalo-oa", **options(zalo, tmp_path)) as oa:
        oa.send("u77", "một")
        why = oa.wait("state", 1, 20)[0]["why"]
        assert "administrator must grant" in why and "cấp quyền lại" in why and FIRST not in why


def test_a_token_that_zalo_drops_is_renewed_and_the_message_goes_again(tmp_path, zalo):
    with social(tmp_path, "zalo-oa", **options(zalo, tmp_path)) as oa:
        assert oa.sent("u77", "một")["outcome"] == "sent"
        zalo.access = "another"
        assert (lambda row: (row["outcome"], row["reason"]))(oa.sent("u77", "hai")) == ("retry", "login")
        assert oa.sent("u77", "ba")["outcome"] == "sent" and zalo.grants == 2


def test_errors_get_classes(tmp_path, zalo):
    with social(tmp_path, "zalo-oa", **options(zalo, tmp_path)) as oa:
        got = [oa.sent(who) for who in ("u213", "u201")]
        assert [(row["outcome"], row["reason"]) for row in got] == [("refused", "refused"), ("refused", "no_account")]
        assert "48 hours" in got[0]["detail"] and "48 giờ" in got[0]["detail"]


def test_zns_sends_templates_and_its_errors_let_a_fallback_in(tmp_path, zalo):
    with social(tmp_path, "zns", service(), **options(zalo, tmp_path)) as zns:
        got = zns.sent("+84912345678", TEXT, template_id="7895", transaction_on=PAID, params='{"ten": "Nguyễn Văn Án", "so_tien": 330000}', key="k" * 20)
        assert (got["outcome"], got["ref"]) == ("sent", "m1")
        assert zalo.sent[0][1] == {"phone": "84912345678", "template_id": "7895", "template_data": {"ten": "Nguyễn Văn Án", "so_tien": 330000},
                                   "tracking_id": "k" * 20}
        none = zns.sent("+84912345118", TEXT, template_id="7895", transaction_on=PAID)
        assert (none["outcome"], none["reason"]) == ("refused", "no_account") and "SMS" in none["detail"]
        assert (lambda row: (row["outcome"], row["reason"]))(zns.sent("+84912345108", TEXT, template_id="7895", transaction_on=PAID)) == ("refused", "invalid_address")
        day = zns.sent("+84912345144", TEXT, template_id="7895", transaction_on=PAID)
        assert (day["outcome"], day["reason"], day["after"]) == ("retry", "throttled", 3600000)
    with social(tmp_path, "zns", service(), **options(zalo, tmp_path)) as zns:
        zns.send("+84912345115", TEXT, template_id="7895", transaction_on=PAID)
        assert "no money" in zns.wait("state", 1, 20)[0]["why"]


def test_zns_refuses_what_zalo_would_ban(tmp_path, zalo):
    wrong = [{"text": "Kinh gui ong ba, sap den han dong"}, {"text": TEXT + " https://bhxh.example"}, {"text": TEXT + " Gọi 0912 345 678"},
             {"text": TEXT, "params": '{"ly_do": "sap den han dong bao hiem"}'}, {"text": TEXT, "params": "[1]"},
             *({"text": TEXT, "transaction_on": day} for day in ("", "30/02", "2025-13-01", "2026-12-02", "02/12/2026", "chưa"))]
    with social(tmp_path, "zns", service(), **options(zalo, tmp_path)) as zns:
        for fields in wrong:
            got = zns.sent("+84912345678", template_id="1", **{"transaction_on": PAID, **fields})
            assert (got["outcome"], got["reason"]) == ("refused", "content"), (fields, got)
    for prospecting in ("advertising", "state_information"):
        with social(tmp_path, "zns", {"class": prospecting, "clock": at(9)}, **options(zalo, tmp_path)) as zns:
            got = zns.sent("+84912345678", TEXT, template_id="1", transaction_on=PAID)
            assert got["outcome"] == "refused" and "personal_service" in got["detail"]
    for hour, wait in ((23, 6.5), (3, 2.5)):
        with social(tmp_path, "zns", service(hour), **options(zalo, tmp_path)) as zns:
            got = zns.sent("+84912345678", TEXT, template_id="1", transaction_on=PAID)
            assert got["outcome"] == "retry" and abs(got["after"] - wait * 3600000) < 60000, got
    assert not zalo.sent


def test_call_backs_are_signed_plainly_and_young(tmp_path, zalo):
    received = {"event_name": "user_received_message", "message": {"msg_id": "m1", "delivery_time": "1764000000000"}}
    with social(tmp_path, "zns", **options(zalo, tmp_path)) as zns:
        zns.wait("ready")
        when = now()
        body, header = signed(received, when)
        assert zns.hook(1, body=body, at=when, **header) == 0
        assert told(zns.wait("event")) == [("delivered", "m1", "", "1764000000000")]
        spoilt = [signed(received, when, hmac_instead=True), (body.replace("m1", "m2"), header), signed(received, when, secret="other"),
                  signed(received, when - 301_000), (body, {})]
        for number, (text, head) in enumerate(spoilt, 2):
            assert zns.hook(number, body=text, at=when, **head) != 0, number
        assert len(zns.of("event")) == 1
    with social(tmp_path, "zalo-oa", **options(zalo, tmp_path)) as oa:
        oa.wait("ready")
        for number, event in enumerate([{"event_name": "user_send_text", "sender": {"id": "u7"}, "message": {"text": "Đóng ở đâu?"}},
                                        {"event_name": "unfollow", "follower": {"id": "u8"}}, received], 1):
            body, header = signed(event, when)
            assert oa.hook(number, body=body, at=when, **header) == 0
        assert told(oa.wait("event", 2)) == [("inbound", "", "u7", "Đóng ở đâu?"), ("opt_out", "", "u8", "unfollow")]
        assert len(oa.of("event")) == 2


def test_an_article_is_made_broadcast_and_its_views_are_asked_for(tmp_path, zalo):
    more = {"mode": "broadcast", "audience": '{"gender": "0"}', "figures_every": "200ms"}
    with social(tmp_path, "zalo-post", **options(zalo, tmp_path, **more)) as page:
        got = page.sent("trang", "Đoạn một\n\nĐoạn hai", title="BHXH tự nguyện", key="a" * 20)
        assert got["outcome"] == "sent", got
        article, broadcast = zalo.sent[0][1], zalo.sent[1][1]
        assert [row["content"] for row in article["body"]] == ["Đoạn một", "Đoạn hai"] and article["cover"]["status"] == "hide"
        assert broadcast["recipient"]["target"] == {"gender": "0"}
        assert broadcast["message"]["attachment"]["payload"]["elements"][0]["attachment_id"] == "BAI1"
        assert page.sent("trang", "x", title="t" * 151)["reason"] == "too_large"


def test_an_article_that_zalo_works_on_is_asked_for_until_it_stands(tmp_path, zalo):
    quick = {"verify_every": "100ms", "verify_for": "20s", "mode": "broadcast"}
    zalo.working = [(200, {"error": 0, "data": {}}), (200, {"error": -4, "message": "working"}), (502, "<html>"), (200, {"error": -216, "message": "token"})]
    with social(tmp_path, "zalo-post", **options(zalo, tmp_path, **quick)) as page:
        got = page.sent("trang", "Bài", title="Tin")
        assert (got["outcome"], got["ref"], zalo.verified, zalo.grants) == ("sent", "m2", 5, 2), got
    # One article, one broadcast.
    assert [path.rsplit("/", 1)[1] for path, _ in zalo.sent] == ["create", "message"]
    zalo.working = [(200, {"error": 0, "data": {}})] * 50
    with social(tmp_path, "zalo-post", **options(zalo, tmp_path, verify_every="100ms", verify_for="500ms")) as page:
        late = page.sent("trang", "Bài", title="Tin")
        assert (late["outcome"], late["reason"]) == ("unknown", "timeout") and "look at the account" in late["detail"] and "chưa báo" in late["detail"]


def test_what_zalo_refuses_after_the_article_stands_is_for_a_person_to_see(tmp_path, zalo):
    zalo.broadcast = {"error": -212, "message": "not granted"}
    with social(tmp_path, "zalo-post", **options(zalo, tmp_path, mode="broadcast")) as page:
        got = page.sent("trang", "Bài", title="Tin")
        assert got["outcome"] == "unknown" and "grant it again" in got["detail"], got
        assert "grant it again" in page.wait("state", 1, 20)[0]["why"]
    assert len(zalo.sent) == 1  # the article, once


def test_views_of_an_article_and_what_zalo_does_not_give(tmp_path, zalo):
    with social(tmp_path, "zalo-post", **options(zalo, tmp_path, figures_every="200ms")) as page:
        assert page.sent("trang", "Bài", title="Tin", key="a" * 20)["ref"] == "BAI1"
        row = page.wait("event")[0]
        assert (row["event"], row["key"], json.loads(row["detail"])) == ("figures", "a" * 20, {"views": 321, "shares": None})


@needs("@stoplight/prism-cli")
def test_the_requests_fit_the_description_by_prism(tmp_path):
    port = free_port()
    with node("node_modules/@stoplight/prism-cli/dist/index.js", "mock", "-h", "127.0.0.1", "-p", port, "--errors", PEERS / "openapi" / "zalo.yaml",
              port=port), spoiled(f"http://127.0.0.1:{port}", [None, (200, {"error": -32, "message": "too many"})]) as proxy:
        common = {"api_url": proxy.url, "oauth_url": proxy.url, "app_id": APP, "app_secret": APP_SECRET, "token_file": str(tmp_path / "token.json"),
                  "refresh_token": FIRST}
        with social(tmp_path, "zns", service(), **common) as zns:
            slow = zns.sent("+84912345678", TEXT, template_id="7895", transaction_on=PAID, params='{"ten": "Án"}')
            assert (slow["outcome"], slow["reason"]) == ("retry", "throttled")
        with social(tmp_path, "zns", service(), **common) as zns:
            got = zns.sent("+84912345678", TEXT, template_id="7895", transaction_on=PAID, params='{"ten": "Án"}')
            assert (got["outcome"], got["ref"]) == ("sent", "96d01223"), got
        with social(tmp_path, "zalo-oa", **common) as oa:
            assert oa.sent("u77", "Chào", link="https://bhxh.example", button="Xem")["ref"] == "a77"
        with social(tmp_path, "zalo-oa", {"files": [picture(tmp_path)]}, **common) as oa:
            assert oa.sent("u77", "Chào", link="https://bhxh.example", button="Xem")["ref"] == "a77"
        with social(tmp_path, "zalo-post", **common, mode="broadcast", figures_every="300ms") as page:
            assert page.sent("trang", "Đoạn một\nĐoạn hai", title="Tin", author="BHXH", cover_url="https://bhxh.example/a.jpg", key="a" * 20)["ref"] == "qb-1"
