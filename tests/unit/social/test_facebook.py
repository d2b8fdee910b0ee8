"""facebook-page: posts, pictures, posts for later, figures with today's names, comments; against a fake, and Prism over a description."""
import datetime
import hashlib
import hmac
import json

import pytest
from fake_graph import SECRET, TOKEN, Graph
from social_rig import PEERS, eventually, free_port, gateway, needs, node, now, picture, secrets_in, social, spoiled

KEY = "abcdefghij234567abcd"


@pytest.fixture
def graph():
    fake = Graph()
    with gateway(fake.answer) as gate:
        fake.url = gate.url
        yield fake


def options(graph, **more):
    return {"api_url": graph.url, "page_id": "1029", "token": TOKEN, "app_secret": SECRET, **more}


def test_posts_pictures_and_posts_for_later(tmp_path, graph):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    with social(tmp_path, "facebook-page", **options(graph)) as page:
        assert page.sent("trang", "Tin mới", link="https://bhxh.example/a")["ref"] == "1029_1"
        assert page.sent("trang", "Mai", publish_at=soon.strftime("%Y-%m-%dT%H:%M:%S+00:00"))["outcome"] == "sent"
        near = page.sent("trang", "Mai", publish_at=now_text())
        assert (near["outcome"], near["reason"]) == ("refused", "content") and "10 minutes" in near["detail"]
    plain, later = graph.posts[0][1], graph.posts[1][1]
    assert (plain["message"][1], plain["link"][1]) == ("Tin mới", "https://bhxh.example/a")
    assert (later["published"][1], later["scheduled_publish_time"][1]) == ("false", str(int(soon.timestamp())))
    with social(tmp_path, "facebook-page", {"files": [picture(tmp_path)]}, **options(graph)) as page:
        page.sent("trang", "Một ảnh")
    assert graph.posts[2][0] == "1029/photos" and graph.posts[2][1]["caption"][1] == "Một ảnh"
    with social(tmp_path, "facebook-page", {"files": [picture(tmp_path), picture(tmp_path, "hai.png")]}, **options(graph)) as page:
        assert page.sent("trang", "Hai ảnh")["outcome"] == "sent"
        log = page.log()
    assert [path for path, _ in graph.posts[3:]] == ["1029/photos", "1029/photos", "1029/feed"]
    assert graph.posts[3][1]["published"][1] == "false" and json.loads(graph.posts[5][1]["attached_media[1]"][1]) == {"media_fbid": "555"}
    assert TOKEN not in log and not secrets_in(tmp_path, TOKEN)


def now_text():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def test_limits_and_rights_in_classes(tmp_path, graph):
    for code, reason in ((32, "throttled"), (17, "throttled"), (4, "throttled")):
        graph.error = code
        with social(tmp_path, "facebook-page", **options(graph)) as page:
            got = page.sent("trang", "x")
            assert (got["outcome"], got["reason"], got["after"]) == ("retry", reason, 3600000) and "goes on by itself" in got["detail"]
    graph.error = 506
    with social(tmp_path, "facebook-page", **options(graph)) as page:
        assert (lambda row: (row["outcome"], row["reason"]))(page.sent("trang", "x")) == ("refused", "content")
    graph.error = None
    with social(tmp_path, "facebook-page", **options(graph, token="wrong")) as page:
        page.send("trang", "x")
        assert "token has run out" in page.wait("state", 1, 20)[0]["why"]


def test_a_cut_line_is_uncertain_and_not_posted_again(tmp_path, graph):
    with spoiled(graph.url, ["cut", None]) as proxy, social(tmp_path, "facebook-page", **options(graph, api_url=proxy.url)) as page:
        assert page.sent("trang", "một")["outcome"] == "unknown" and len(graph.posts) == 1


def test_figures_with_todays_names_and_none_for_those_that_are_gone(tmp_path, graph):
    with social(tmp_path, "facebook-page", **options(graph, figures_every="200ms")) as page:
        page.sent("trang", "x", key=KEY)
        told = {}
        eventually(lambda: [told.update(json.loads(row["detail"])) for row in page.of("event")] and len(told) >= 5, 10, words="figures")
        assert told == {"post_media_view": 420, "post_total_media_view_unique": None, "reactions": 9, "comments": 2, "shares": 0}
    (tmp_path / "old").mkdir()
    with social(tmp_path / "old", "facebook-page", **options(graph, figures_every="200ms", metrics="post_impressions")) as page:
        page.sent("trang", "x", key=KEY)
        assert {"post_impressions": None} in [json.loads(row["detail"]) for row in page.wait("event", 2)]


def test_comments_come_in_when_their_signature_is_right(tmp_path, graph):
    with social(tmp_path, "facebook-page", **options(graph)) as page:
        page.sent("trang", "x", key=KEY)
        change = {"item": "comment", "verb": "add", "post_id": "1029_1", "from": {"id": "88"}, "message": "Đóng ở đâu?"}
        body = json.dumps({"object": "page", "entry": [{"changes": [{"field": "feed", "value": change},
                                                                   {"field": "feed", "value": {**change, "from": {"id": "1029"}}}]}]})
        mac = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
        assert page.hook(1, body=body, at=now(), **{"x-hub-signature-256": "sha256=" + "0" * 64}) != 0
        assert page.hook(2, body=body, at=now(), **{"x-hub-signature-256": "sha256=" + mac}) == 0
        assert [(row["event"], row["key"], row["address"], row["detail"]) for row in page.wait("event")] == [("inbound", KEY, "88", "Đóng ở đâu?")]


def test_comments_are_fetched_once_also_after_a_restart(tmp_path, graph):
    poll = {"comments": "poll", "poll_every": "100ms"}
    with social(tmp_path, "facebook-page", **options(graph, **poll)) as page:
        page.sent("trang", "một", key=KEY)
        page.sent("trang", "hai")
        graph.comments += [("1029_1", "88", "Đóng ở đâu?"), ("1029_2", None, "Hay"), ("1029_1", "1029", "của trang"), ("1029_1", "89", "Bao nhiêu?")]
        told = {(row["key"], row["address"], row["detail"]) for row in page.wait("event", 3)}
        other = next(key for key, _, text in told if text == "Hay")
        assert told == {(KEY, "88", "Đóng ở đâu?"), (KEY, "89", "Bao nhiêu?"), (other, "facebook", "Hay")} and other != KEY
        assert page.hook(1, body="{}", at=now()) != 0
        eventually(lambda: (tmp_path / "channel" / "mang" / "comments.json").exists(), 10, words="how far is written down")
        eventually(lambda: json.loads((tmp_path / "channel" / "mang" / "comments.json").read_text()) == {"1029_1": "4", "1029_2": "2"}, 10, words="all of it")
        assert len(page.of("event")) == 3
    graph.comments.append(("1029_2", "90", "Mới"))
    with social(tmp_path, "facebook-page", **options(graph, **poll)) as page:
        assert [row["detail"] for row in page.wait("event")] == ["Mới"]
        graph.error = 17  # a limit: said, and asked again at the next time
        eventually(lambda: "comments cannot be fetched" in page.log(), 10, words="said")
        graph.error = None
        graph.gone.append("1029_2")  # the newest post was deleted: the others are asked for all the same
        graph.comments.append(("1029_1", "91", "Sau"))
        assert [row["detail"] for row in page.wait("event", 2)] == ["Mới", "Sau"]


@needs("@stoplight/prism-cli")
def test_the_requests_fit_the_description_by_prism(tmp_path):
    port = free_port()
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    with node("node_modules/@stoplight/prism-cli/dist/index.js", "mock", "-h", "127.0.0.1", "-p", port, "--errors", PEERS / "openapi" / "graph.yaml",
              port=port):
        peer = f"http://127.0.0.1:{port}"
        common = {"api_url": peer, "page_id": "1029", "token": TOKEN, "figures_every": "300ms"}
        with social(tmp_path, "facebook-page", **common) as page:
            assert page.sent("trang", "Tin", link="https://bhxh.example/a", key=KEY)["ref"] == "1029_384"
            told = {}
            eventually(lambda: [told.update(json.loads(row["detail"])) for row in page.of("event")] and len(told) >= 5, 10, words="figures")
            assert told == {"post_media_view": 420, "post_total_media_view_unique": None, "reactions": 9, "comments": 2, "shares": 0}
        with social(tmp_path, "facebook-page", {"files": [picture(tmp_path)]}, **common) as page:
            assert page.sent("trang", "Ảnh")["ref"] == "1029_385"
        with social(tmp_path, "facebook-page", **common, comments="poll", poll_every="100ms") as page:
            eventually(lambda: [row for row in page.of("event") if row["event"] == "inbound" and row["detail"] == "Đóng ở đâu?"], 10, words="a comment")
        with social(tmp_path, "facebook-page", {"files": [picture(tmp_path), picture(tmp_path, "hai.png")]}, **common) as page:
            assert page.sent("trang", "Hai ảnh, mai", publish_at=soon.strftime("%Y-%m-%dT%H:%M:%S+00:00"))["ref"] == "1029_384"
        # Limits, in front of the same peer: staff read what it is and that it goes on by itself; the next one leaves.
        limits = [(400, {"error": {"code": code, "message": "limit", "type": "OAuthException"}}) for code in (4, 613)]
        for number, limit in enumerate([*limits, (503, "<html>", {"Retry-After": "3"}), (429, {"error": {"message": "x"}})]):
            (tmp_path / str(number)).mkdir()
            with spoiled(peer, [limit]) as proxy, social(tmp_path / str(number), "facebook-page", **{**common, "api_url": proxy.url}) as page:
                got = page.sent("trang", "Tin")
                assert (got["outcome"], got["reason"]) == ("retry", "throttled") and "tự gửi tiếp" in got["detail"], got
        with spoiled(peer, ["cut", None]) as proxy, social(tmp_path, "facebook-page", **{**common, "api_url": proxy.url}) as page:
            assert [page.sent("trang", text)["outcome"] for text in ("một", "hai")] == ["unknown", "sent"]


def test_a_later_post_of_several_pictures_says_so(tmp_path, graph):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    with social(tmp_path, "facebook-page", {"files": [picture(tmp_path), picture(tmp_path, "hai.png")]}, **options(graph)) as page:
        assert page.sent("trang", "Hai ảnh", publish_at=soon.strftime("%Y-%m-%dT%H:%M:%S+00:00"))["outcome"] == "sent"
    assert [parts["temporary"][1] for path, parts in graph.posts[:2]] == ["true", "true"]
    assert (graph.posts[2][1]["unpublished_content_type"][1], graph.posts[2][1]["published"][1]) == ("SCHEDULED", "false")
