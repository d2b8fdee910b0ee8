"""The Graph API of a Facebook Page, as its public documentation describes it: posts, photos, insights, comments."""
import hashlib
import hmac
import json

from fake_telegram import parts_of

PAGE, TOKEN, SECRET, VERIFY = "1029", "EAAB-page-token", "app-s3cret", "ch0n-san"


class Graph:
    def __init__(self):
        self.gone = []
        self.comments = []  # (post, person, text); their place in this list is the cursor
        self.posts, self.metrics, self.error, self.number = [], {"post_media_view": 420}, None, 0

    def answer(self, request):
        path = request["path"].removeprefix("/v26.0/")
        if request["headers"].get("authorization") != f"Bearer {TOKEN}":
            return 401, {"error": {"code": 190, "message": "Error validating access token"}}
        if self.error:
            return 400, {"error": {"code": self.error, "message": f"(#{self.error}) trouble"}}
        if path.endswith("/insights"):
            asked = request["query"]["metric"].split(",")
            if "post_impressions" in asked:
                return 400, {"error": {"code": 100, "message": "(#100) The value must be a valid insights metric"}}
            return 200, {"data": [{"name": name, "values": [{"value": self.metrics[name]}]} for name in asked if name in self.metrics]}
        if path.endswith("/comments"):
            if path.split("/")[0] in self.gone:
                return 400, {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}}
            after = int(request["query"].get("after", 0))
            rows = [(n, row) for n, row in enumerate(self.comments, 1) if n > after and row[0] == path.split("/")[0]][:2]
            paging = {"cursors": {"before": "0", "after": str(rows[-1][0])}} if rows else {}
            if rows and len([1 for row in self.comments[rows[-1][0]:] if row[0] == path.split("/")[0]]):
                paging["next"] = "https://graph.example/next"
            return 200, {"data": [{"id": f"c{n}", "message": text, **({"from": {"id": who}} if who else {})} for n, (_, who, text) in rows], "paging": paging}
        if request["method"] == "GET":
            return 200, {"id": path, "reactions": {"summary": {"total_count": 9}}, "comments": {"summary": {"total_count": 2}}}
        self.number += 1
        self.posts.append((path, parts_of(request)))
        return 200, {"id": f"55{self.number}", **({"post_id": f"1029_{self.number}"} if "photos" in path else {"id": f"1029_{self.number}"})}


def comment(post, text, who="88", **more):
    """(body, headers) of a call-back."""
    change = {"item": "comment", "verb": "add", "post_id": post, "from": {"id": who}, "message": text, **more}
    body = json.dumps({"object": "page", "entry": [{"changes": [{"field": "feed", "value": change}]}]})
    return body, {"x-hub-signature-256": "sha256=" + hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()}
