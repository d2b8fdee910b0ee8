"""mastodon: posts and pictures, the idempotency key, figures, answers; masto is run against the same fake."""
import json
import re

import pytest
from fake_telegram import parts_of
from social_rig import eventually, gateway, needs, node_says, picture, secrets_in, social, spoiled

TOKEN, KEY = "masto-t0ken", "abcdefghij234567abcd"


class Mastodon:
    def __init__(self):
        self.statuses, self.keys, self.media, self.mentions, self.asked = [], {}, 0, [], []

    def mention(self, text, reply_to="1", who="lan@social.example"):
        number = str(len(self.mentions) + 1)
        self.mentions.append({"id": number, "type": "mention", "created_at": "2026-12-01T01:00:00Z", "account": {"id": "9", "acct": who},
                              "status": {"id": "77" + number, "in_reply_to_id": reply_to, "content": text}})

    def answer(self, request):
        return *self.judge(request), {"Content-Type": "application/json"}

    def judge(self, request):
        path = request["path"]
        if request["headers"].get("authorization") != f"Bearer {TOKEN}":
            return 401, {"error": "The access token is invalid"}
        if path == "/api/v2/media":
            assert parts_of(request)["file"][1]
            self.media += 1
            return 200, {"id": str(self.media), "type": "image", "url": "https://x.example/1.png"}
        if path.startswith("/api/v1/media/"):
            return 200, {"id": path.rsplit("/", 1)[1], "type": "image", "url": "https://x.example/1.png"}
        if path == "/api/v1/notifications":
            since = re.search(r"min_id=(\d+)", request["handler"].path)
            self.asked.append(since and since[1])
            return 200, [row for row in reversed(self.mentions) if int(row["id"]) > int(since[1] if since else 0)]
        if request["method"] == "GET":
            return 200, {"id": path.rsplit("/", 1)[1], "favourites_count": 5, "reblogs_count": 2, "replies_count": 1}
        return self.post(request, json.loads(request["body"]))

    def post(self, request, body):
        key = request["headers"].get("idempotency-key")
        if len(re.sub(r"https?://\S+", "x" * 23, body["status"])) > 500:
            return 422, {"error": "Validation failed: Text character limit of 500 exceeded"}
        if key not in self.keys or key is None:
            self.statuses.append(body)
            self.keys[key] = {"id": str(len(self.statuses)), "content": body["status"], "visibility": body.get("visibility")}
        return 200, self.keys[key]


@pytest.fixture
def mastodon():
    fake = Mastodon()
    with gateway(fake.answer) as gate:
        fake.url = gate.url
        yield fake


def options(mastodon, **more):
    return {"url": mastodon.url, "token": TOKEN, "answers": False, **more}


def test_a_post_with_pictures_a_link_and_a_warning(tmp_path, mastodon):
    with social(tmp_path, "mastodon", {"files": [picture(tmp_path), picture(tmp_path, "hai.png")]}, **options(mastodon)) as page:
        got = page.sent("trang", "Tin mới", link="https://bhxh.example/" + "a" * 600, warning="BHXH")
        assert (got["outcome"], got["ref"]) == ("sent", "1")  # an address counts 23, however long
        long = page.sent("trang", "x" * 501)
        assert (long["outcome"], long["reason"]) == ("refused", "too_large")
        log = page.log()
    status = mastodon.statuses[0]
    assert (status["media_ids"], status["spoiler_text"], status["language"], status["visibility"]) == (["1", "2"], "BHXH", "vi", "public")
    assert TOKEN not in log and not secrets_in(tmp_path, TOKEN)


def test_a_cut_line_is_tried_again_and_posted_once(tmp_path, mastodon):
    limit = (429, {"error": "Too many requests"}, {"Retry-After": "9"})
    with spoiled(mastodon.url, ["cut", None, limit]) as proxy, social(tmp_path, "mastodon", **options(mastodon, url=proxy.url)) as page:
        number = page.send("trang", "một", key=KEY)
        assert page.result(number)["outcome"] == "retry"
        assert page.sent("trang", "một", key=KEY)["ref"] == "1" and len(mastodon.statuses) == 1
        assert (lambda row: (row["outcome"], row["reason"]))(page.sent("trang", "hai")) == ("retry", "throttled")
    with social(tmp_path, "mastodon", **options(mastodon, token="wrong")) as page:
        page.send("trang", "x")
        assert "token is wrong" in page.wait("state", 1, 20)[0]["why"]


def test_figures_and_what_mastodon_does_not_count(tmp_path, mastodon):
    with social(tmp_path, "mastodon", **options(mastodon, figures_every="200ms")) as page:
        page.sent("trang", "x", key=KEY)
        row = page.wait("event")[0]
        assert (row["key"], json.loads(row["detail"])) == (KEY, {"favourites": 5, "reblogs": 2, "replies": 1, "views": None})


def test_answers_are_fetched_once_also_after_a_restart(tmp_path, mastodon):
    with social(tmp_path, "mastodon", **options(mastodon, answers=True, poll_every="100ms")) as page:
        page.sent("trang", "x", key=KEY)
        mastodon.mention("<p><span>@bhxh</span> Đóng ở đâu &amp; bao giờ?</p>")
        mastodon.mention("<p>Chuyện khác</p>", reply_to=None)
        told = [(row["key"], row["address"], row["detail"]) for row in page.wait("event", 2)]
        assert told == [(KEY, "lan@social.example", "@bhxh Đóng ở đâu & bao giờ?"), ("", "lan@social.example", "Chuyện khác")]
        eventually(lambda: mastodon.asked[-1] == "2", 10, words="asks from there on")
    mastodon.mention("<p>Mới</p>")
    with social(tmp_path, "mastodon", **options(mastodon, answers=True, poll_every="100ms")) as page:
        assert [row["detail"] for row in page.wait("event")] == ["Mới"]


@needs("masto")
def test_the_fake_satisfies_a_client_by_others(tmp_path, mastodon):
    mastodon.mention("<p>chào</p>")
    said = node_says("mastodon-client.mjs", mastodon.url, TOKEN, picture(tmp_path)["file"])
    got = {row["what"]: row["value"] for row in map(json.loads, said.splitlines())}
    assert got["media"]["id"] == "1" and got["status"]["id"] == "1" and got["shown"]["favouritesCount"] == 5
    assert got["mentions"][0]["status"]["content"] == "<p>chào</p>" and got["refused"]["status"] == 422
    # masto and our plugin write the same names.
    assert {"status", "visibility", "media_ids"} <= set(mastodon.statuses[0])
