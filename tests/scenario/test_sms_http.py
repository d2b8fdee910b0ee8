"""An SMS campaign through the whole program and a declared gateway: results, refusals, a gateway that is away, a kill in the middle."""
import http.server
import json
import pathlib
import threading
import time
from collections import Counter

import pytest

from rig.build import START, campaign, step
from rig.program import eventually
from rig.sms import phones, sms_text

DECLARED = {"request": {"url": "{{base_url}}/send", "json": {"to": "{{number}}", "text": "{{text}}", "id": "{{key}}"}},
            "answer": [{"json": {"/code": 0}, "outcome": "sent", "ref": "/id"},
                       {"json": {"/code": 108}, "outcome": "refused", "reason": "invalid_address", "detail": "/why"}]}


class Gateway:
    def __init__(self, delay=0.0):
        self.seen = []
        self.locked = False  # refuses every login
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.seen.append(given)
                time.sleep(delay)
                bad = given["to"].endswith("3")
                body = json.dumps({"code": 108, "why": "so sai"} if bad else {"code": 0, "id": f"G{given['id']}"}).encode()
                self.send_response(401 if owner.locked else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def gateway_with():
    started = []

    def start(**options):
        started.append(Gateway(**options))
        return started[-1]

    yield start
    for peer in started:
        peer.end()


def channel(scratch, gateway, declared=None, **more):
    path = pathlib.Path(scratch) / "gateway.json"
    path.write_text(json.dumps(declared or DECLARED), encoding="utf-8")
    return {"name": "sms", "plugin": "sms-http", "window": 20,
            "options": {"declaration": str(path), "base_url": gateway.url}, **more}


def test_every_message_once_and_the_gateways_words_kept(data, made, scratch, gateway_with):
    gateway = gateway_with()
    made.init(channel(scratch, gateway), contacts=phones(50, "0123456789"))
    made.start(campaign(steps=[step(channel="sms", content=sms_text())]))
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: data.states("c") == {"accepted": 45, "failed": 5}, 30, 0.3, "all ended: " + str(data.states("c")))
    assert max(Counter(row["id"] for row in gateway.seen).values()) == 1 and len(gateway.seen) == 50


def test_a_kill_in_the_middle_leaves_at_most_the_window_uncertain_and_repeats_nothing(data, made, scratch, gateway_with):
    gateway = gateway_with(delay=0.05)
    made.init(channel(scratch, gateway), contacts=phones(200, "01245"))
    made.start(campaign(steps=[step(channel="sms", content=sms_text())]))
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    eventually(lambda: len(gateway.seen) >= 40, 30, 0.02, "some sent")
    serve.kill(also_hosts=True)
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: set(data.states("c")) <= {"accepted", "uncertain"}, 40, 0.3, "all ended: " + str(data.states("c")))
    states = data.states("c")
    assert sum(states.values()) == 200 and 1 <= states.get("uncertain", 0) <= 20, states
    assert max(Counter(row["id"] for row in gateway.seen).values()) == 1


def test_an_answer_that_matches_nothing_is_told_and_never_sent_again(data, made, scratch, gateway_with):
    gateway = gateway_with()
    declared = {**DECLARED, "answer": [{"json": {"/code": 100}, "outcome": "sent", "ref": "/id"}]}
    made.init(channel(scratch, gateway, declared), contacts=phones(5))
    made.start(campaign(steps=[step(channel="sms", content=sms_text())]))
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: data.states("c") == {"uncertain": 5}, 20, 0.2, str(data.states("c")))
    assert len(gateway.seen) == 5
    assert all('"code": 0' in row["detail"] for row in data.messages("c")), data.messages("c")


def test_a_gateway_file_spoilt_after_it_was_taken_sends_nothing(data, made, scratch, gateway_with):
    gateway = gateway_with()
    declared = {**DECLARED, "request": {"url": "{{base_url}}/send", "json": {"to": "{{number}}", "text": "{{txet}}"}}}
    made.init(channel(scratch, gateway), contacts=phones(5))
    channel(scratch, gateway, declared)
    made.start(campaign(steps=[step(channel="sms", content=sms_text())]))
    with data.serving("--clock", f"{START},x1"):
        eventually(lambda: data.rows("channel", "list")[0]["state"] == "parked", 20, 0.2, "the channel waits for a person")
    reason = data.rows("channel", "list")[0]["reason"]
    assert "gateway.json" in reason and "request.json.text" in reason and "txet" in reason and "\n" not in reason
    assert gateway.seen == [] and data.states("c") == {"planned": 5}


def test_a_login_that_is_refused_shows_at_once_and_until_something_is_sent(data, made, scratch, gateway_with):
    """The host opens again a second later and has nothing to send for five minutes: what is wrong must not be forgotten meanwhile."""
    gateway = gateway_with()
    gateway.locked = True
    declared = {**DECLARED, "answer": [{"status": 401, "outcome": "stop", "reason": "login"}, *DECLARED["answer"]]}
    made.init(channel(scratch, gateway, declared), contacts=phones(2))
    made.start(campaign(steps=[step(channel="sms", content=sms_text())]))

    def shown():
        row = data.rows("channel", "list")[0]
        return row["state"], row["reason"]

    with data.serving("--clock", f"{START},x1") as serve:
        eventually(lambda: shown()[0] == "retrying", 20, 0.1, "the first failure shows")
        reason = shown()[1]
        assert "401" in reason, reason
        eventually(lambda: len(data.sql("SELECT 1 FROM attempt")) >= 1 and set(serve.hosts()) == {"sms"}, 20, 0.1, "started again")
        assert shown() == ("retrying", reason)
        doctor = data.run("doctor")
        assert doctor.code != 0 and reason in doctor.out + doctor.err, doctor
        assert "đang thử lại" in data.ok("channel", "list", env={"LANTOA_LANG": "vi"}).out
        gateway.locked = False
        data.ok("campaign", "stop", "c")
        made.start(campaign("d", steps=[step(channel="sms", when={"at": "now"}, content=sms_text())], canary=False))
        eventually(lambda: shown() == ("ready", None), 20, 0.1, "cleared by the first success: " + str(shown()))
        assert "accepted" in data.states("d")
        data.ok("doctor")
