"""telegram and telegram-post: what leaves, how each answer is taken, and what people write back."""
import json
import urllib.request

import pytest
from fake_telegram import TOKEN, Telegram
from social_rig import eventually, free_port, gateway, needs, node, node_says, picture, secrets_in, social, spoiled

KEY = "abcdefghij234567abcd"


@pytest.fixture
def telegram():
    fake = Telegram()
    with gateway(fake.answer) as gate:
        fake.url = gate.url
        yield fake


def test_a_text_leaves_and_its_reference_comes_back(tmp_path, telegram):
    with social(tmp_path, "telegram", api_url=telegram.url, token=TOKEN) as bot:
        got = bot.sent("77", "Xin chào & \"bác\"", link="https://bhxh.example/a?b=1")
        assert (got["outcome"], got["ref"]) == ("sent", "77:1")
        method, parts, _ = telegram.sent[0]
        assert method == "sendMessage" and parts["chat_id"][1] == "77"
        assert parts["text"][1] == "Xin chào & \"bác\"\n\nhttps://bhxh.example/a?b=1"
        bot.sent("77", "Xem", link="https://bhxh.example", button="Đăng ký")
        markup = telegram.sent[1][1]["reply_markup"][1]
        assert markup["inline_keyboard"] == [[{"text": "Đăng ký", "url": "https://bhxh.example"}]] and telegram.sent[1][1]["text"][1] == "Xem"


def test_pictures_go_with_a_caption_or_before_a_long_text(tmp_path, telegram):
    one = {"files": [picture(tmp_path)]}
    with social(tmp_path, "telegram", one, api_url=telegram.url, token=TOKEN) as bot:
        bot.sent("77", "Ngắn")
        bot.sent("77", "x" * 1025)
    shown = [(method, parts.get("caption", (0, ""))[1], parts.get("photo", ("", 0))[0]) for method, parts, _ in telegram.sent]
    assert shown == [("sendPhoto", "Ngắn", "anh.png"), ("sendPhoto", "", "anh.png"), ("sendMessage", "", "")]
    two = {"files": [picture(tmp_path), picture(tmp_path, "hai.png")]}
    with social(tmp_path, "telegram", two, api_url=telegram.url, token=TOKEN) as bot:
        bot.sent("77", "Hai ảnh")
    method, parts, _ = telegram.sent[-1]
    media = json.loads(parts["media"][1])
    assert method == "sendMediaGroup" and [row["media"] for row in media] == ["attach://file0", "attach://file1"] and media[0]["caption"] == "Hai ảnh"


def test_troubles_get_classes_that_staff_understand(tmp_path, telegram):
    with social(tmp_path, "telegram", api_url=telegram.url, token=TOKEN) as bot:
        got = [bot.sent(chat) for chat in ("403", "404")]
        assert [(row["outcome"], row["reason"]) for row in got] == [("refused", "refused"), ("refused", "no_account")]
        assert "has blocked the bot" in got[0]["detail"] and "đã chặn bot" in got[0]["detail"]
        long = bot.sent("77", "x" * 4097)
        assert (long["outcome"], long["reason"]) == ("refused", "too_large")
        slow = bot.sent("429")
        assert (slow["outcome"], slow["reason"], slow["after"]) == ("retry", "throttled", 7000)
        # Everybody waits, not only the one who was told.
        bot.send("77", "sau đó")
        assert telegram.calls.count("sendMessage") == 3
    with social(tmp_path, "telegram", api_url=telegram.url, token="1:wrong") as bot:
        bot.send("77")
        parked = bot.wait("state", 1, 20)[0]
        assert "token is wrong" in parked["why"]


def test_what_may_have_been_seen_is_never_sent_again(tmp_path, telegram):
    # The peer has had the message, and the line is cut before its answer.
    with spoiled(telegram.url, ["cut", (502, "<html>bad gateway</html>"), (429, "slow", {"Retry-After": "2"}), None]) as proxy, \
         social(tmp_path, "telegram", api_url=proxy.url, token=TOKEN) as bot:
        assert bot.sent("77", "một")["outcome"] == "unknown"
        assert bot.sent("77", "hai")["outcome"] == "unknown"
        slow = bot.sent("77", "ba")
        assert (slow["outcome"], slow["reason"], slow["after"]) == ("retry", "throttled", 2000)
        assert bot.sent("77", "bốn")["outcome"] == "sent"
        assert [parts["text"][1] for _, parts, _ in telegram.sent] == ["một", "bốn"]
        log = bot.log()
    assert TOKEN not in log and not secrets_in(tmp_path, TOKEN)


def test_a_text_behind_a_picture_waits_its_turn_and_the_picture_is_shown_once(tmp_path, telegram):
    slow = (429, {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 1}})
    with spoiled(telegram.url, [None, slow, None, None, (400, {"ok": False, "error_code": 400, "description": "Bad Request"})]) as proxy, \
         social(tmp_path, "telegram", {"files": [picture(tmp_path)]}, api_url=proxy.url, token=TOKEN) as bot:
        assert bot.sent("77", "x" * 1100)["outcome"] == "sent"
        # The picture of the next one stands when its text is refused: not to be sent again, and a person has to know.
        got = bot.sent("77", "y" * 1100)
        assert (got["outcome"], got["reason"]) == ("unknown", "content") and "Bad Request" in got["detail"]
    assert [method for method, _, _ in telegram.sent] == ["sendPhoto", "sendMessage", "sendPhoto"]


def test_what_people_write_is_fetched_once_and_stop_is_heard(tmp_path, telegram):
    telegram.said(77, "/start " + KEY)
    telegram.said(78, "Tôi muốn đăng ký")
    telegram.said(79, "/stop")
    telegram.updates.append({"update_id": 4, "my_chat_member": {"chat": {"id": 80}, "new_chat_member": {"status": "kicked"}}})
    with social(tmp_path, "telegram", api_url=telegram.url, token=TOKEN, receive="poll", poll_every="100ms") as bot:
        got = bot.wait("event", 4)
        told = [(row["event"], row["key"], row["address"], row["detail"]) for row in got]
        assert told == [("inbound", KEY, "77", "/start " + KEY), ("inbound", "", "78", "Tôi muốn đăng ký"), ("opt_out", "", "79", "/stop"),
                        ("opt_out", "", "80", "blocked the bot")]
        seen = telegram.calls.count("getUpdates")
        eventually(lambda: telegram.calls.count("getUpdates") > seen + 3, 10, words="goes on asking")
        assert len(bot.of("event")) == 4


def test_call_backs_are_believed_with_the_secret_only(tmp_path, telegram):
    options = {"api_url": telegram.url, "token": TOKEN, "receive": "webhook", "callback_url": "https://x.example/hook/mang", "callback_secret": "s3cret"}
    with social(tmp_path, "telegram", **options) as bot:
        bot.wait("ready")
        eventually(lambda: "setWebhook" in telegram.calls, 10, words="told Telegram where")
        body = json.dumps({"update_id": 1, "message": {"message_id": 5, "text": "alo", "chat": {"id": 77, "type": "private"}}})
        assert bot.hook(1, body=body) != 0
        assert bot.hook(2, body=body, **{"x-telegram-bot-api-secret-token": "wrong0"}) != 0
        assert bot.hook(3, body=body, **{"x-telegram-bot-api-secret-token": "s3cret"}) == 0
        assert [row["detail"] for row in bot.wait("event")] == ["alo"]
        assert bot.hook(4, body="{", **{"x-telegram-bot-api-secret-token": "s3cret"}) != 0


def test_a_post_in_a_channel_its_comments_and_what_telegram_does_not_count(tmp_path, telegram):
    with social(tmp_path, "telegram-post", api_url=telegram.url, token=TOKEN, chat="@bhxh_bacninh", receive="poll", poll_every="100ms") as page:
        post = page.sent("kenh", "Thông báo", key=KEY)
        assert telegram.sent[0][1]["chat_id"][1] == "@bhxh_bacninh" and post["ref"] == "-100777:1"
        figures = page.wait("event")[0]
        assert (figures["event"], figures["key"], json.loads(figures["detail"])) == ("figures", KEY, {"views": None, "forwards": None})
        telegram.said(-200, "Đóng ở đâu?", chat={"id": -200, "type": "supergroup"}, **{"from": {"id": 55}},
                      reply_to_message={"message_id": 31, "chat": {"id": -200}, "forward_origin": {"type": "channel", "chat": {"id": -100777}, "message_id": 1}})
        telegram.said(-200, "chuyện khác", chat={"id": -200, "type": "supergroup"})
        telegram.updates.append({"update_id": 3, "message_reaction_count": {"chat": {"id": -100777}, "message_id": 1, "reactions": [
            {"total_count": 4}, {"total_count": 3}]}})
        got = page.wait("event", 3)[1:]
        assert (got[0]["event"], got[0]["key"], got[0]["address"], got[0]["detail"]) == ("inbound", KEY, "55", "Đóng ở đâu?")
        assert json.loads(got[1]["detail"]) == {"reactions": 7}


@needs("telegram-test-api")
def test_against_a_server_by_others(tmp_path):
    port = free_port()
    with node("telegram-server.js", port, port=port), \
         spoiled(f"http://127.0.0.1:{port}", [(429, {"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 1}}),
                                              (200, {"ok": True, "result": []})]) as proxy, \
         social(tmp_path, "telegram", api_url=proxy.url, token="123:ABC") as bot:
        assert bot.sent("77", "xin chào")["after"] == 1000
        got = bot.sent("77", "xin chào")  # an answer without a message is no reference, and still an answer
        got = bot.sent("77", "xin chào lần nữa")
        assert got["outcome"] == "sent" and got["ref"].split(":")[0] == "77" and got["ref"].split(":")[1].isdigit(), got


@needs("telegram-test-api")
def test_answers_come_from_a_server_by_others(tmp_path):
    port = free_port()
    with node("telegram-server.js", port, port=port), \
         social(tmp_path, "telegram", api_url=f"http://127.0.0.1:{port}", token="123:ABC", receive="poll", poll_every="100ms") as bot:
        for text in ("Tôi muốn đăng ký", "/start " + KEY):
            person = {"id": 77, "first_name": "Lan"}
            body = json.dumps({"botToken": "123:ABC", "from": person, "chat": {**person, "type": "private"}, "date": 1, "text": text}).encode()
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/sendMessage", body, {"Content-Type": "application/json"}), timeout=10).close()
        told = [(row["event"], row["key"], row["address"], row["detail"]) for row in bot.wait("event", 2)]
        assert told == [("inbound", "", "77", "Tôi muốn đăng ký"), ("inbound", KEY, "77", "/start " + KEY)]


@needs("grammy")
def test_the_fake_satisfies_a_client_by_others(tmp_path, telegram):
    telegram.said(77, "chào")
    said = node_says("telegram-client.js", telegram.url, TOKEN, "77", picture(tmp_path)["file"])
    got = {row["what"]: row["value"] for row in map(json.loads, said.splitlines())}
    assert got["me"]["is_bot"] and got["text"]["message_id"] == 1 and len(got["album"]) == 2 and got["updates"][0]["message"]["text"] == "chào"
    assert got["slow"]["parameters"] == {"retry_after": 7} and (got["blocked"]["code"], got["nobody"]["code"]) == (403, 400)
    # The client by others and our plugin make the same parts of a picture.
    theirs = telegram.sent[1][1]
    assert theirs["caption"][1] == "ảnh" and theirs["chat_id"][1] == "77"
