"""Zalo, as its public documentation describes it: tokens of which each refreshes once, messages, articles, ZNS, signed call-backs."""
import hashlib
import json
import threading
import urllib.parse

APP, APP_SECRET, OA_SECRET, FIRST = "4318", "app-s3cret", "oa-s3cret", "refresh-0"


class Zalo:
    """Telephone numbers end in the trouble they have: 118, 108, 144, 115; accounts likewise: 213, 201."""

    def __init__(self):
        self.valid, self.access, self.grants, self.sent, self.lock = FIRST, None, 0, [], threading.Lock()
        self.refused = 0
        self.expires = "90000"
        self.working = []  # what it says of an article before that is made
        self.verified = 0
        self.broadcast = None  # its answer to one, when not taken

    def refresh(self, request):
        form = dict(urllib.parse.parse_qsl(request["body"]))
        with self.lock:
            if request["headers"].get("secret_key") != APP_SECRET or form.get("refresh_token") != self.valid:
                self.refused += 1
                return 200, {"error": -14014, "error_description": "Invalid refresh token"}
            self.grants += 1
            self.valid, self.access = f"refresh-{self.grants}", f"access-{self.grants}"
            return 200, {"access_token": self.access, "refresh_token": self.valid, "expires_in": self.expires}

    def answer(self, request):
        path = request["path"]
        if path == "/v4/oa/access_token":
            return self.refresh(request)
        if request["headers"].get("access_token") != self.access:
            return 200, {"error": -216, "message": "Access token is invalid"}
        if path == "/v2.0/oa/upload/image":
            return 200, {"error": 0, "message": "Success", "data": {"attachment_id": "ANH1"}}
        if path == "/v2.0/oa/article/getdetail":
            return 200, {"error": 0, "data": {"id": request["query"]["id"], "total_view": 321}}
        body = json.loads(request["body"])
        if path == "/v2.0/oa/article/create":
            return self.took(path, body, {"token": "T1"})
        if path == "/v2.0/oa/article/verify":
            self.verified += 1
            if self.working:
                return self.working.pop(0)
            return 200, {"error": 0, "data": {"id": "BAI1"}}
        if self.broadcast and path == "/v2.0/oa/message":
            return 200, self.broadcast
        who = body.get("phone") or body["recipient"].get("user_id") or ""
        for trouble in ("118", "108", "144", "115", "213", "201"):
            if who.endswith(trouble):
                return 200, {"error": -int(trouble), "message": "khong gui duoc"}
        number = f"m{len(self.sent) + 1}"
        return self.took(path, body, {"msg_id": number} if "phone" in body else {"message_id": number})

    def took(self, path, body, data):
        self.sent.append((path, body))
        return 200, {"error": 0, "message": "Success", "data": data}


def signed(event, at_ms, secret=OA_SECRET, hmac_instead=False):
    """(body, header) of a call-back."""
    import hmac  # noqa: PLC0415
    body = json.dumps({"app_id": APP, "timestamp": str(at_ms), **event}, ensure_ascii=False)
    data = (APP + body + str(at_ms) + secret).encode()
    mac = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest() if hmac_instead else hashlib.sha256(data).hexdigest()
    return body, {"x-zevent-signature": "mac=" + mac}
