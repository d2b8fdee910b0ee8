"""The suites of the HTTP door: clicks beside nginx, call-backs beside a server that commits each by itself."""
import base64
import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import statistics

import sms
from harness import PEERS, Server, free_port, node_environment, ratio, run
from ours import Ours

NGINX = "/usr/sbin/nginx"
CONNECTIONS = 64
CLICKED, RECEIVED = 20000, 20000  # people; links are followed and receipts come more often than that
DELIVERED = 5
SETTLE_SECONDS = 60


def visitor(bench, port, paths, count):
    said = run([bench.program("peers/visitor.c"), "-p", str(port), "-n", str(count), "-c", str(CONNECTIONS), paths])[1]
    return said["n"], said["secs"], {"p50_ms": said["p50_us"] / 1000, "p99_ms": said["p99_us"] / 1000}


def copy_of(folder, work):
    one = Ours(work, day=True)
    shutil.rmtree(one.data)
    shutil.copytree(os.path.join(folder, "data"), one.data)
    return one


# --- clicks ---

def code(secret, message_id, number=0):
    """As core/delivery/link.c makes it: 63 bits id, 5 bits number, 28 bits proof."""
    mac = hmac.new(secret, b"lantoa link\0" + message_id.to_bytes(8, "big") + bytes([number]), hashlib.sha256).digest()
    proof = int.from_bytes(mac[:4], "big") >> 4
    return base64.urlsafe_b64encode((message_id << 33 | number << 28 | proof).to_bytes(12, "big")).decode()


def planned_links(bench):
    """A campaign with a link, planned; its links as a file of paths."""
    folder = os.path.join(bench.work, "links")
    paths = os.path.join(folder, "paths")
    if not os.path.exists(folder):
        os.mkdir(folder)
        one = Ours(folder)
        one.lantoa("contact", "import", sms.phones(bench, CLICKED))
        one.lantoa("settings", "set", "public_url", "https://x.example")
        one.apply("channel", {"name": "sms", "plugin": "sms-smpp", "options": {"host": "127.0.0.1", "port": 1, "system_id": "bench"}})
        one.campaign(channel="sms", content={"text": "Dear {{first}}, see https://landing.example/enrol"})
        one.lantoa("campaign", "plan", "bench")
        with one.reader() as db, open(paths, "w", encoding="ascii") as out:
            secret = bytes.fromhex(db.execute("SELECT value FROM meta WHERE key = 'instance_key'").fetchone()[0])
            for message_id, in db.execute("SELECT id FROM message"):
                out.write(f"/t/{code(secret, message_id)}\n")
    return folder, paths


NGINX_CONF = """daemon off; worker_processes 1; pid {work}/pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {work}/a; proxy_temp_path {work}/b; fastcgi_temp_path {work}/c; uwsgi_temp_path {work}/d; scgi_temp_path {work}/e;
  server {{ listen 127.0.0.1:{port}; location / {{ return 302 https://landing.example/enrol; }} }}
}}
"""


def clicks(bench):
    count = bench.count(200000)
    folder, paths = planned_links(bench)

    def by_nginx(work):
        port = free_port()
        config = os.path.join(work, "nginx.conf")
        os.chmod(work, 0o755)
        with open(config, "w", encoding="ascii") as out:
            out.write(NGINX_CONF.format(work=work, port=port))
        server = Server([NGINX, "-p", work, "-c", config], port)
        try:
            return visitor(bench, port, paths, count)
        finally:
            server.stop()

    def by_us(work):
        one = copy_of(folder, work)
        port = free_port()
        with one.serving("--http", f"127.0.0.1:{port}"):
            said = visitor(bench, port, paths, count)
        with one.reader() as db:
            kept = db.execute("SELECT count(*) FROM click").fetchone()[0]
        if kept != count:
            raise RuntimeError(f"{kept} of {count} clicks are in the database")
        return said
    peer = bench.add("nginx return 302, one worker", by_nginx, "click")
    mine = bench.add("lantoa serve --http, one thread, each click committed (FULL)", by_us, "click")
    bench.demand("durable click answered (FULL) : nginx return 302, one thread each", 0.5, lambda: ratio(mine, peer))
    bench.demand("durable click answered, 99th percentile, ms", None,
                 lambda: statistics.median(mine.more["p99_ms"]) if mine.more.get("p99_ms") else None, most=5)


# --- call-backs ---

DECLARATION = {
    "request": {"url": "{{base_url}}/send", "json": {"to": "{{number}}", "text": "{{text}}", "id": "{{key}}"}},
    "answer": [{"json": {"/code": 0}, "outcome": "sent", "ref": "/id"}],
    "callbacks": {"signature": {"type": "equal", "given": "{{query.secret}}", "secret": "{{callback_secret}}"},
                  "kinds": [{"kind": "receipt", "has": "{{form.status}}", "ref": "{{form.id}}", "status": "{{form.status}}",
                             "map": {"DELIVRD": "delivered", "UNDELIV": "failed"}}]}}


def accepted_messages(bench):
    """A campaign sent through a gateway; its receipts as a file of call-backs, every second one twice."""
    folder = os.path.join(bench.work, "receipts")
    bodies, given = os.path.join(folder, "bodies"), os.path.join(folder, "given")
    if not os.path.exists(folder):
        os.mkdir(folder)
        one = Ours(folder, day=True)
        port = free_port()
        gateway = Server(["node", os.path.join(PEERS, "gateway.js"), str(port), given], port)
        try:
            declaration = os.path.join(folder, "gateway.json")
            with open(declaration, "w", encoding="ascii") as out:
                json.dump(DECLARATION, out)
            secret = os.path.join(folder, "secret")
            with open(secret, "w", encoding="ascii") as out:
                out.write("bench")
            os.chmod(secret, 0o600)
            one.lantoa("contact", "import", sms.phones(bench, RECEIVED))
            one.apply("channel", {"name": "sms", "plugin": "sms-http", "window": 500, "options": {
                "declaration": declaration, "base_url": f"http://127.0.0.1:{port}", "callback_secret": {"file": secret}, "connections": 32}})
            one.campaign(channel="sms", content={"text": "Dear {{first}}, please come."})
            one.start()
            one.serve()
        finally:
            gateway.stop()
        accepted = one.window()[0]
        if accepted != RECEIVED:
            raise RuntimeError(f"{accepted} of {RECEIVED} messages accepted")
        with open(given, encoding="ascii") as refs, open(bodies, "w", encoding="ascii") as out:
            for number, ref in enumerate(refs):
                out.write(f"/hook/sms?secret=bench\tid={ref.strip()}&status=DELIVRD\n" * (1 + number % 2))
    return folder, bodies, RECEIVED * 3 // 2


def callbacks(bench):
    folder, bodies, count = accepted_messages(bench)
    environment = node_environment()

    def by_node(work):
        port, path = free_port(), os.path.join(work, "webhook.db")
        server = Server(["node", os.path.join(PEERS, "webhook.js"), str(port), path], port, environment)
        try:
            said = visitor(bench, port, bodies, count)
        finally:
            server.stop()
        db = sqlite3.connect(path)
        kept = db.execute("SELECT count(*) FROM receipt").fetchone()[0]
        db.close()
        if kept != RECEIVED:
            raise RuntimeError(f"{kept} of {RECEIVED} receipts are in the database")
        return said

    def by_us(work):
        one = copy_of(folder, work)
        port = free_port()
        with one.serving("--http", f"127.0.0.1:{port}"):
            said = visitor(bench, port, bodies, count)
            one.wait_for(RECEIVED, DELIVERED, SETTLE_SECONDS)
        return said
    peer = bench.add("node http + better-sqlite3, one commit per webhook (FULL)", by_node, "receipt")
    mine = bench.add("lantoa serve --http, receipts committed in groups (FULL)", by_us, "receipt")
    bench.tell("receipts by call-back, a request each : node http + better-sqlite3, one commit each, FULL", lambda: ratio(mine, peer))
