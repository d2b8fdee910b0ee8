#!/usr/bin/python3
"""A social network of this machine alone, for the demo: the small part of Mastodon's interface that a page needs, and its few readers.

usage: network.py CHANNEL_FILE

Writes a channel file for itself once it listens, and serves until it is ended. Its front page shows what was posted and what people answered. The
readers are as made up as the people of make.py: each post is liked, passed on and asked about in the same way.
"""
import html
import http.server
import json
import os
import re
import sys
import threading
import urllib.parse

TOKEN = "demo"
LIKES, SHARES = 37, 9
QUESTIONS = [("lan@lam-giang.example", "Đóng ở đâu vậy ạ?"), ("hung@lam-giang.example", "Mẹ tôi 58 tuổi còn tham gia được không?")]
PAGE = """<!doctype html><html lang="vi"><meta charset="utf-8"><title>Lam Giang</title>
<style>body {{ font-family: sans-serif; max-width: 40em; margin: 2em auto }} article {{ border: 1px solid #bbb; padding: 0 1em; margin: 1em 0 }}
li, small {{ color: #555 }}</style><h1>Lam Giang</h1><p><small>Mạng xã hội giả lập của bản chạy thử · a make-believe network, on this machine only</small></p>{posts}</html>"""
POST = "<article><p>{text}</p><small>♥ {likes} · ↻ {shares}</small><ul>{replies}</ul></article>"


class Network:
    """Posts by their number, and what was said under them. One lock: requests come on several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.posts, self.by_key, self.mentions = [], {}, []

    def post(self, key, text):
        if key not in self.by_key:
            self.posts.append(text)
            self.by_key[key] = str(len(self.posts))
            for who, words in QUESTIONS:
                self.mentions.append({"id": str(len(self.mentions) + 1), "type": "mention", "account": {"acct": who},
                                      "status": {"in_reply_to_id": self.by_key[key], "content": f"<p>{html.escape(words)}</p>"}})
        return {"id": self.by_key[key]}

    def figures(self, number):
        if not number.isdigit() or not 1 <= int(number) <= len(self.posts):
            return None
        return {"id": number, "favourites_count": LIKES, "reblogs_count": SHARES, "replies_count": len(QUESTIONS)}

    def page(self):
        posts = []
        for number, text in reversed(list(enumerate(self.posts, 1))):
            replies = [row for row in self.mentions if row["status"]["in_reply_to_id"] == str(number)]
            posts.append(POST.format(text=html.escape(text).replace("\n", "<br>"), likes=LIKES, shares=SHARES,
                                     replies="".join(f"<li>{html.escape(row['account']['acct'])}: {row['status']['content'][3:-4]}</li>" for row in replies)))
        return PAGE.format(posts="".join(posts))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    network = Network()

    def tell(self, status, body, kind="application/json"):
        sent = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def allowed(self):
        if self.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        self.tell(401, {"error": "The access token is invalid"})
        return False

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path)
        with self.network.lock:
            if path.path == "/":
                self.tell(200, self.network.page(), "text/html")
            elif not self.allowed():
                pass
            elif path.path == "/api/v1/notifications":
                since = int(urllib.parse.parse_qs(path.query).get("min_id", ["0"])[0])
                self.tell(200, [row for row in reversed(self.network.mentions) if int(row["id"]) > since])
            else:
                found = re.fullmatch(r"/api/v1/statuses/(\d+)", path.path)
                known = found and self.network.figures(found[1])
                self.tell(200 if known else 404, known or {"error": "Record not found"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.network.lock:
            if not self.allowed():
                return
            if self.path != "/api/v1/statuses":
                self.tell(404, {"error": "Record not found"})
                return
            self.tell(200, self.network.post(self.headers.get("Idempotency-Key"), json.loads(body)["status"]))

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    # Answers and figures are asked for often, for the demo's month passes in seconds.
    channel = {"name": "trang", "plugin": "mastodon", "window": 5,
               "options": {"url": url, "token": TOKEN, "poll_every": "500ms", "figures_every": "1s"}}
    with open(sys.argv[1] + ".new", "w", encoding="utf-8") as file:
        json.dump(channel, file)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
