"""A provider as one JSON file: the same declaration, check, price, preview and receipts as a plugin in C, and no code."""
import copy
import hashlib
import hmac
import json
import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rig.build import START, campaign, people, step
from rig.ports import free_port
from rig.program import ROOT, eventually

EXAMPLE = os.path.join(ROOT, "plugins", "http", "example")
pytestmark = pytest.mark.quick


def declaration():
    with open(os.path.join(EXAMPLE, "postbox.json"), encoding="utf-8") as file:
        return json.load(file)


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, self.headers["Authorization"], body))
        answer = json.dumps({"status": "queued", "id": f"r{len(self.server.got)}"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


@pytest.fixture
def provider():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def declared(data, scratch):
    folder = os.path.join(scratch, "declared")
    os.mkdir(folder)
    shutil.copy(os.path.join(EXAMPLE, "postbox.json"), folder)
    data.env["LANTOA_PLUGINS"] = folder
    return folder


def test_the_example_conforms(data, declared):
    done = data.ok("--json", "plugin", "check", os.path.join(declared, "postbox.json"), "--with", os.path.join(EXAMPLE, "case.json"))
    verdicts = {row["check"]: row["verdict"] for row in done.json["rows"]}
    assert set(verdicts.values()) <= {"pass", "skip"}, done.out
    assert verdicts["peer-cuts-request"] == "pass" and verdicts["call-backs"] == "pass"


def test_staff_see_no_difference(data, made, declared, provider):
    options = {"base_url": f"http://127.0.0.1:{provider.server_port}", "token": "t-secret", "brand": "BHXH", "price_part": 400, "callback_secret": "s3cret"}
    channel = {"name": "box", "plugin": "postbox", "options": options, "window": 5}
    made.init(channel, contacts=people(4, phone=lambda number: f"091234567{number}"))
    described = data.ok("--json", "channel", "describe", "box").json
    assert described["kind"] == "sms" and described["call_backs"] and described["capabilities"] == ["receipts", "inbound"]
    assert next(row for row in described["options"] if row["name"] == "token")["flags"] == ["required", "secret"]
    for changed, word in (({"token": None}, "token"), ({"price_part": "x"}, "price_part"), ({"accents": "loud"}, "accents"), ({"colour": "red"}, "colour")):
        given = {key: value for key, value in {**options, **changed}.items() if value is not None}
        assert word in data.refused("channel", "apply", data.write("wrong.json", {**channel, "options": given}))
    assert "subject" in data.refused("campaign", "apply", data.write("c.json", campaign(steps=[step(channel="box", content={"vi": {"subject": "x"}})])))
    name = made.start(campaign(steps=[step(channel="box", content={"vi": {"text": "Chào {{name}}, " + "mời dự họp. " * 8, "tag": "họp"}})]))
    cost = data.ok("--json", "campaign", "cost", name).json
    preview = data.rows("message", "preview", name, "--step", "s1", "--contact", "1")[0]
    assert preview["units"] == 2 and preview["cost"] == 800 and "Chào Nguyễn Văn 1" in preview["text"], preview
    assert cost["cost"] == 4 * 800
    data.until_idle("--clock", f"{START},x1000")
    assert data.states(name) == {"accepted": 4}
    path, auth, body = provider.got[0]
    assert path == "/v1/messages" and auth == "Bearer t-secret" and body["from"] == "BHXH" and body["tag"] == "họp" and body["unicode"] == "1"
    assert body["to"].startswith("8491") and len(body["id"]) == 20
    # What was written into the file as a secret is not shown again, and its stand-in is no secret.
    exported = data.ok("channel", "export", "box").json
    assert exported["options"]["token"] == "***" and exported["options"]["brand"] == "BHXH"
    assert "hidden" in data.refused("channel", "apply", data.write("back.json", exported))


# (what an author gets wrong in the file, a word of the message)
WRONG = [(("declares",), "smoke", "smoke"), (("declares",), "outbox", "declarations"), (("name",), "other", "other"), (("options", 0, "type"), "colour", "type"),
         (("options", 0, "secrets"), True, "secrets"), (("content", 0, "most_bytes"), "x", "most_bytes"), (("can", 0), "fly", "can"),
         (("address",), "moon", "address"), (("options", 3, "default"), "x", "price_part")]
# What only the plugin that runs it can know is told when the channel opens.
WRONG_LATER = [(("request", "json", "to"), "{{numbr}}", "numbr"), (("answer", 0, "outcome"), "maybe", "answer[0]"), (("sms", "field"), "words", "sms.field"),
               (("price",), "{{prize}}", "prize"), (("requests",), {}, "requests")]


def broken(folder, path, value):
    made = copy.deepcopy(declaration())
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with open(os.path.join(folder, "postbox.json"), "w", encoding="utf-8") as file:
        json.dump(made, file, indent=1)


@pytest.mark.parametrize("path,value,word", WRONG, ids=[word for _, _, word in WRONG])
def test_a_wrong_declaration_is_refused_by_field(data, declared, path, value, word):
    broken(declared, path, value)
    message = data.refused("channel", "describe", os.path.join(declared, "postbox.json"))
    assert word in message and "postbox.json" in message and len(message.splitlines()) == 1, message


def test_what_the_runner_finds(data, declared):
    for path, value, word in WRONG_LATER:
        broken(declared, path, value)
        done = data.run("plugin", "check", os.path.join(declared, "postbox.json"), "--with", os.path.join(EXAMPLE, "case.json"), "--only", "open")
        assert done.code == 1 and word in done.out, done


def test_http_itself_is_no_channel(data, made):
    made.init()
    assert "declar" in data.refused("channel", "apply", data.write("c.json", {"name": "x", "plugin": "http", "options": {}}))


def test_receipts_of_a_declared_channel(data, made, declared, provider):
    from urllib.request import Request, urlopen

    options = {"base_url": f"http://127.0.0.1:{provider.server_port}", "token": "t", "callback_secret": "s3cret"}
    made.init({"name": "box", "plugin": "postbox", "options": options}, contacts=people(1, phone="0912345678"))
    name = made.start(campaign(steps=[step(channel="box", content={"vi": {"text": "Chào"}})]))
    port = free_port()
    serve = data.serve("--clock", f"{START},x1", "--http", f"127.0.0.1:{port}").wait_ready()
    eventually(lambda: data.states(name) == {"accepted": 1}, 20)
    body = json.dumps({"receipt": provider.got[0][2]["id"], "state": "delivered"}).encode()
    sign = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    urlopen(Request(f"http://127.0.0.1:{port}/hook/box", data=body, headers={"X-Signature": sign, "Content-Type": "application/json"}), timeout=10).read()
    eventually(lambda: data.states(name) == {"delivered": 1}, 20)
    serve.stop()
