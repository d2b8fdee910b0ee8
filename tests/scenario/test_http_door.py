"""The HTTP door against the running program: links, opens, call-backs, limits, health, metrics."""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time

import pytest
from rig.build import campaign, content, outbox_channel, people, step
from rig.ports import free_port
from rig.program import eventually

HUMAN = {"User-Agent": "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"}
TEXT = "Chào {{name}}, xem https://example.com/a?x=1&y=2 và https://example.com/b.\n" \
       'Từ chối: {{unsubscribe_url | or ""}} Lựa chọn: {{preferences_url | or ""}}\n'
# After the quiet hours, and not within two seconds of sending for any real clock.
CLOCK = "2026-12-01T08:00:00+07:00,x1000"


class Door:
    def __init__(self, data, *args):
        self.port = free_port()
        self.serve = data.serve("--http", f"127.0.0.1:{self.port}", *args).wait_ready()

    def ask(self, method, path, body=None, headers=None, connection=None):
        own = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        own.request(method, path, body=body, headers={**HUMAN, **(headers or {})})
        answer = own.getresponse()
        answer.body = answer.read()
        if not connection:
            own.close()
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)


def sent_campaign(data, made, count=5, **more):
    """A campaign sent through the outbox with links in it; the texts that people got."""
    made.init(outbox_channel(), contacts=people(count, **more))
    data.ok("settings", "set", "public_url", "https://x.vn")
    made.start(campaign(steps=[step(channel="outbox", content=content(text=TEXT))]))
    data.until_idle("--clock", CLOCK)
    assert data.states("c") == {"accepted": count}
    texts = []
    for folder, _, names in os.walk(os.path.join(data.dir, "outbox")):
        for name in sorted(names):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
    found = "\n".join(texts)
    codes = re.findall(r"https://x\.vn/t/([\w-]{16})", found)
    keys = re.findall(r"https://x\.vn/u/([a-z2-7]{20})", found)
    assert len(set(codes)) == 2 * count and len(set(keys)) == count, found[:2000]
    assert "https://example.com" not in found
    return codes, keys


@pytest.mark.quick
def test_links_lead_on_and_are_counted(data, made):
    codes, keys = sent_campaign(data, made)
    door = Door(data)
    answer = door.get(f"/t/{codes[0]}")
    assert answer.status == 302 and answer.headers["Location"] == "https://example.com/a?x=1&y=2"
    assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
    assert door.get(f"/t/{codes[1]}").headers["Location"] == "https://example.com/b"
    assert door.get(f"/t/{codes[0]}").status == 302
    assert door.ask("HEAD", f"/t/{codes[2]}").status == 302
    assert door.get(f"/t/{codes[2]}", headers={"User-Agent": "facebookexternalhit/1.1"}).status == 302
    assert door.get(f"/t/{codes[2]}", headers={"Sec-Purpose": "prefetch;prerender"}).status == 302
    gif = door.get(f"/o/{keys[3]}.gif")
    assert gif.status == 200 and gif.body[:6] == b"GIF89a" and gif.headers["Content-Type"] == "image/gif"
    for path in ("/t/AAAAAAAAAAAAAAAA", f"/t/{codes[0]}x", f"/t/{codes[0][:-1]}", "/t/", "/o/abc.gif", f"/o/{keys[0]}", "/", "/x"):
        assert door.get(path).status == 404, path
    rows = data.sql("SELECT link, machine FROM click ORDER BY id")
    # The two links of the first message within one second are a machine's, but that is found when counting.
    assert rows == [(0, 0), (1, 0), (0, 0), (0, 1), (0, 2), (0, 3), (-1, 0)]
    time.sleep(2.5)
    counted = {str(row["link"]): row for row in data.rows("report", "campaign", "c", "--by", "link")}
    assert counted["0"]["machine"] == 5 and counted["0"]["human"] == 0
    assert counted["1"]["machine"] == 1 and counted["open"]["human"] == 1 and counted["open"]["people"] == 1
    time.sleep(1.1)
    assert door.get(f"/t/{codes[4]}").status == 302 and door.get(f"/t/{codes[4]}").status == 302
    time.sleep(2.5)
    counted = {str(row["link"]): row for row in data.rows("link", "list", "--campaign", "c")}
    assert counted["0"]["human"] == 2 and counted["0"]["people"] == 1 and counted["0"]["machine"] == 5
    assert counted["0"]["url"] == "https://example.com/a?x=1&y=2"
    door.serve.stop()


def test_without_a_public_address_nothing_changes(data, made):
    made.init(outbox_channel(), contacts=people(2))
    made.start(campaign(steps=[step(channel="outbox", content=content(text="Xem https://example.com/a nhé.\n"))]))
    # Set after planning: what was planned has no links, and must not get codes that lead nowhere.
    data.ok("settings", "set", "public_url", "https://x.vn")
    data.until_idle("--clock", CLOCK)
    assert data.sql("SELECT count(*) FROM link") == [(0,)]
    found = subprocess.run(["grep", "-rc", "https://example.com/a", os.path.join(data.dir, "outbox")], capture_output=True, text=True)
    assert found.returncode == 0 and "x.vn" not in found.stdout


def test_settings_are_checked(data, made):
    made.init()
    assert "begins with https://" in data.refused("settings", "set", "public_url", "x.vn")
    assert "no '/'" in data.refused("settings", "set", "public_url", "https://x.vn/")
    assert "no setting" in data.refused("settings", "set", "colour", "red")
    assert data.json("settings", "show")["public_url"] is None
    data.ok("settings", "set", "public_url", "https://x.vn")
    assert data.json("settings", "show")["public_url"] == "https://x.vn"


def test_call_backs_are_kept_whole(data, made):
    made.init(outbox_channel())
    door = Door(data)
    body = bytes(range(256)) * 16
    answer = door.ask("POST", "/hook/outbox?a=%20b", body=body, headers={"X-Signature": "abc", "X-Odd": "caf\xe9"})
    assert (answer.status, answer.body) == (200, b"ok\n")
    assert door.get("/hook/outbox?smsid=1&status=5").status == 200
    (channel, remote, headers, kept, done), (_, _, second, empty, _) = data.sql(
        "SELECT channel_id, remote, headers, body, done_at FROM hook ORDER BY id")
    assert channel == data.sql("SELECT id FROM channel")[0][0] and remote == "127.0.0.1" and kept == body and done is None
    headers = json.loads(headers)
    assert headers[":method"] == "POST" and headers[":query"] == "a=%20b"
    assert headers["x-signature"] == "abc" and headers["x-odd"] == "café"
    assert json.loads(second)[":query"] == "smsid=1&status=5" and empty == b""
    assert door.ask("POST", "/hook/nobody", body=b"x").status == 404
    assert door.ask("POST", "/hook/", body=b"x").status == 404
    assert door.ask("PUT", "/hook/outbox", body=b"x").status == 405
    # Behind a proxy on this machine the last address it names is the sender's.
    assert door.ask("POST", "/hook/outbox", body=b"y", headers={"X-Forwarded-For": "1.1.1.1, 203.0.113.9"}).status == 200
    assert data.sql("SELECT remote FROM hook ORDER BY id DESC LIMIT 1") == [("203.0.113.9",)]
    door.serve.stop()


def test_limits(data, made):
    made.init(outbox_channel())
    door = Door(data)
    assert door.ask("POST", "/hook/outbox", body=b"x" * (1 << 20)).status == 200
    assert door.ask("POST", "/hook/outbox", body=b"x" * ((1 << 20) + 1)).status == 413

    def chunks(total):
        for _ in range(total // 65536):
            yield b"x" * 65536

    assert door.ask("POST", "/hook/outbox", body=chunks(2 << 20)).status == 413
    # Far too large: told at once, without reading it.
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as sock:
        sock.sendall(b"POST /hook/outbox HTTP/1.1\r\nHost: x\r\nContent-Length: 400000000\r\n\r\n")
        assert b" 413 " in sock.recv(4096)
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        door.ask("POST", "/hook/outbox", body=chunks(64 << 20))
    assert door.ask("POST", "/u/aaaa", body=b"x=" + b"y" * 20000).status == 413
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 60000 + b"\r\n\r\n")
        assert sock.recv(4096).split(b" ")[1] in (b"431", b"413", b"414")
    for rubbish in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"):
        with socket.create_connection(("127.0.0.1", door.port), timeout=20) as sock:
            sock.sendall(rubbish)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
    assert data.sql("SELECT count(*) FROM hook") == [(1,)]
    assert door.get("/healthz").status == 200
    door.serve.stop()


@pytest.mark.needs("curl")
def test_keep_alive_and_silence(data, made):
    codes, _ = sent_campaign(data, made)
    door = Door(data)
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=20)
    for code in codes:
        assert door.get(f"/t/{code}", connection=connection).status == 302
        assert connection.sock is not None, "the door closed a connection that should be kept"
    connection.close()
    urls = [f"http://127.0.0.1:{door.port}/t/{code}" for code in codes[:2]]
    seen = subprocess.run(["curl", "-s", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", *urls],
                          capture_output=True, text=True, check=True)
    assert seen.stdout.split() == ["1", "0"]
    door.serve.stop()


def test_health_and_metrics(data, made, scratch):
    codes, _ = sent_campaign(data, made)
    door = Door(data)
    health = door.get("/healthz")
    assert health.status == 200 and json.loads(health.body)["status"] == "ok" and json.loads(health.body)["delivery"] == "ok"
    for code in codes:
        door.get(f"/t/{code}")
    door.get("/nothing")
    metrics = eventually(lambda: (lambda text: "lantoa_messages{" in text and text)(door.get("/metrics").body.decode()))
    assert 'lantoa_messages{campaign="c",state="accepted"} 5' in metrics
    assert 'lantoa_http_requests_total{route="click",code="3xx"} 10' in metrics
    assert 'lantoa_channel_ready{channel="outbox"} 1' in metrics
    assert re.search(r"lantoa_commit_events_total 10\b", metrics)
    # The loop goes round five times a second.
    assert float(re.search(r"^lantoa_delivery_still_seconds ([\d.]+)$", metrics, re.M).group(1)) < 10
    assert door.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status == 404
    door.serve.stop()
    done = subprocess.run([promtool_of(scratch), "check", "metrics"], input=metrics, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def promtool_of(scratch):
    """promtool of Debian's package, unpacked without installing a service."""
    found = shutil.which("promtool")
    if found:
        return found
    if os.environ.get("LANTOA_DEV_NO_INSTALL"):
        pytest.skip("promtool is not installed, and nothing may be (LANTOA_DEV_NO_INSTALL)")
    done = subprocess.run(["apt-get", "download", "prometheus"], cwd=scratch, capture_output=True)
    packages = [name for name in os.listdir(scratch) if name.startswith("prometheus_") and name.endswith(".deb")]
    assert done.returncode == 0 and packages, f"promtool is not installed, nor can its package be fetched: {done.stderr.decode(errors='replace')}"
    subprocess.run(["dpkg-deb", "-x", os.path.join(scratch, packages[0]), os.path.join(scratch, "prometheus")], check=True)
    return os.path.join(scratch, "prometheus", "usr", "bin", "promtool")


def test_tls(data, made, scratch):
    codes, _ = sent_campaign(data, made, count=2)
    cert, key = os.path.join(scratch, "cert.pem"), os.path.join(scratch, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    assert "go together" in data.refused("serve", "--http", f"127.0.0.1:{free_port()}", "--tls-cert", cert)
    door = Door(data, "--tls-cert", cert, "--tls-key", key)
    url = f"https://127.0.0.1:{door.port}/t/{codes[0]}"
    done = subprocess.run(["curl", "-s", "-i", "--cacert", cert, url], capture_output=True, text=True, check=True)
    assert " 302" in done.stdout.splitlines()[0] and "Strict-Transport-Security" in done.stdout
    door.serve.stop()


def test_bad_options(data, made):
    made.init()
    for listen in ("8080", "localhost:8080", "127.0.0.1:99999", "127.0.0.1:", ":80", "[::1:80"):
        assert "--http" in data.refused("serve", "--http", listen), listen
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "in use" in data.refused("serve", "--http", f"127.0.0.1:{taken.getsockname()[1]}")
    assert "1 to 64" in data.refused("serve", "--http", "127.0.0.1:0", "--http-threads", "0")


@pytest.mark.needs("zbarimg")
def test_qr_codes(data, made, scratch):
    codes, _ = sent_campaign(data, made, count=1)
    png, svg = os.path.join(scratch, "a.png"), os.path.join(scratch, "a.svg")
    data.ok("link", "qr", "https://example.com/xin-chào?x=1", png)
    data.ok("link", "qr", "https://example.com/xin-chào?x=1", svg)
    with open(svg, encoding="utf-8") as file:
        assert file.read().startswith("<?xml")
    read = subprocess.run(["zbarimg", "-q", "--raw", png], capture_output=True, text=True, check=True)
    assert read.stdout.strip() == "https://example.com/xin-ch%C3%A0o?x=1"
    url = data.json("link", "qr", "--campaign", "c", "--step", "s1", "--link", "1", png)["url"]
    read = subprocess.run(["zbarimg", "-q", "--raw", png], capture_output=True, text=True, check=True)
    assert read.stdout.strip() == url
    # A printed code leads on, and its scans are counted for the step, for nobody in particular.
    door = Door(data)
    assert door.get(url.removeprefix("https://x.vn")).headers["Location"] == "https://example.com/b"
    assert url[-16:] not in codes
    door.serve.stop()
    assert "too long" in data.refused("link", "qr", "x" * 3000, png)
    assert ".png or .svg" in data.refused("link", "qr", "https://x.vn", os.path.join(scratch, "a.jpg"))
    assert "no step" in data.refused("link", "qr", "--campaign", "c", "--step", "nope", png)
