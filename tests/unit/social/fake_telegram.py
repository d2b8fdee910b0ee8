"""A Bot API server of ours, for what the peers of others lack: pictures, limits, people who blocked the bot. grammy talks to it as well, so that
it is not only our own belief."""
import json
import re

TOKEN = "123456:ABC-def_ghi"


def parts_of(request):
    """The parts of a multipart body: name -> (file name, text)."""
    kind = request["headers"].get("content-type", "")
    found = {}
    if kind.startswith("application/json"):
        return {name: (None, value) for name, value in json.loads(request["body"] or "{}").items()}
    if not kind.startswith("multipart/form-data"):
        import urllib.parse  # noqa: PLC0415
        return {name: (None, value) for name, value in urllib.parse.parse_qsl(request["body"])}
    edge = "--" + re.search(r'boundary="?([^";]+)', kind)[1]
    for part in request["body"].split(edge)[1:-1]:
        head, _, body = part.strip("\r\n").partition("\r\n\r\n") if "\r\n\r\n" in part else (part, "", "")
        name = re.search(r'name="?([^";\r\n]+)', head)[1]
        file = re.search(r'filename="?([^";\r\n]+)', head)
        found[name] = (file[1] if file else None, body)
    return found


class Telegram:
    """Chats 403, 404 and 429 are people with troubles of these names."""

    def __init__(self):
        self.sent, self.updates, self.waits, self.number, self.calls = [], [], {}, 0, []

    def said(self, person, text, **more):
        self.updates.append({"update_id": len(self.updates) + 1,
                             "message": {"message_id": 9000 + len(self.updates), "date": 1, "text": text,
                                         "chat": {"id": person, "type": "private"}, "from": {"id": person, "is_bot": False, "first_name": "Lan"}} | more})

    def message(self, parts):
        self.number += 1
        chat = str(parts["chat_id"][1])
        number = int(chat) if re.fullmatch(r"-?\d+", chat) else -100777
        return {"message_id": self.number, "date": 1, "chat": {"id": number, "type": "private" if number > 0 else "channel"}}

    def answer(self, request):
        token, _, method = request["path"].removeprefix("/bot").partition("/")
        parts = parts_of(request)
        self.calls.append(method)
        if token != TOKEN:
            return 401, {"ok": False, "error_code": 401, "description": "Unauthorized"}
        if method == "getMe":
            return 200, {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "Bot", "username": "bhxh_bot"}}
        if method == "setWebhook":
            return 200, {"ok": True, "result": True}
        if method == "getUpdates":
            offset = int(parts.get("offset", (None, 0))[1])
            return 200, {"ok": True, "result": [row for row in self.updates if row["update_id"] >= offset]}
        return self.send(method, parts)

    def send(self, method, parts):
        chat = str(parts["chat_id"][1])
        if chat == "403":
            return 403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
        if chat == "404":
            return 400, {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}
        if chat == "429":
            return 429, {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 7", "parameters": {"retry_after": 7}}
        made = self.message(parts)
        self.sent.append((method, parts, made))
        if method == "sendMediaGroup":
            media = parts["media"][1]
            count = len(json.loads(media) if isinstance(media, str) else media)
            return 200, {"ok": True, "result": [{**made, "message_id": made["message_id"] + i} for i in range(count)]}
        return 200, {"ok": True, "result": made}
