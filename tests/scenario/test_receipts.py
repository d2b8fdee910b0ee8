"""What operators send back: call-backs through the HTTP door, receipts by number and by address, early, late, twice, wrong, and over a kill."""
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import shutil
import signal
import threading
import time

import pytest

from rig.build import START, campaign, outbox_channel, step
from rig.program import eventually
from rig.sms import Smsc, phones, sms_channel, sms_text
from test_http_door import Door

SECRET = "cổng-bí-mật"
# The gateway knows its own numbers only: no key comes back.
DECLARED = {
    "request": {"url": "{{base_url}}/send", "json": {"to": "{{number}}", "text": "{{text}}"}},
    "answer": [{"json": {"/code": 0}, "outcome": "sent", "ref": "/id"}],
    "callbacks": {
        "signature": {"type": "hmac-sha256", "given": "{{header.x-signature}}", "text": "{{body}}", "secret": "{{callback_secret}}"},
        "kinds": [
            {"kind": "receipt", "has": "{{json./status}}", "items": "/receipts", "ref": "{{json./id}}", "address": "{{json./to}}", "status": "{{json./status}}",
             "detail": "{{json./why}}", "map": {"DELIVERED": "delivered", "FAILED": "failed"}, "reasons": {"FAILED": "refused"}},
            {"kind": "inbound", "has": "{{json./text}}", "address": "{{json./from}}", "text": "{{json./text}}"}]}}


class Gateway:
    """Accepts with numbers G1, G2, ...; before_answer(id, to) is called first; silent: takes the message, never answers."""

    def __init__(self):
        self.taken = {}  # number of the person -> ids
        self.before_answer = lambda number, to: None
        self.silent = lambda to: False
        self.lock = threading.Lock()
        self.over = threading.Event()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                to = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["to"]
                with owner.lock:
                    number = f"G{sum(len(ids) for ids in owner.taken.values()) + 1}"
                    owner.taken.setdefault(to, []).append(number)
                if owner.silent(to):
                    owner.over.wait(60)
                    return
                owner.before_answer(number, to)
                body = json.dumps({"code": 0, "id": number}).encode()
                self.send_response(200)
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
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def ids(self):
        with self.lock:
            return [number for ids in self.taken.values() for number in ids]


@pytest.fixture
def gateway():
    made = Gateway()
    yield made
    made.end()


def begin(data, made, scratch, gateway, contacts, campaigns=1, **options):
    path = pathlib.Path(scratch) / "gateway.json"
    path.write_text(json.dumps(DECLARED), encoding="utf-8")
    made.init({"name": "sms", "plugin": "sms-http", "window": 20,
               "options": {"declaration": str(path), "base_url": gateway.url, "callback_secret": SECRET, **options}}, contacts=contacts)
    for number in range(campaigns):
        made.start(campaign(name="c" if number == 0 else f"c{number}", steps=[step(channel="sms", content=sms_text())]))
    return Door(data, "--clock", f"{START},x1")


def post(door, what, secret=SECRET):
    body = json.dumps(what, ensure_ascii=False).encode()
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert door.ask("POST", "/hook/sms", body=body, headers={"X-Signature": signed}).status == 200


def receipts(*ids, status="DELIVERED", **more):
    return {"receipts": [{"id": number, "status": status, **more} for number in ids]}


def all_worked_off(data):
    eventually(lambda: data.sql("SELECT count(*) FROM hook WHERE done_at IS NULL")[0][0] == 0, 15, 0.05, "every call-back is worked off")


def findings(data, check):
    return [row["text"] for row in data.run("doctor", "--json").json["rows"] if row["check"] == check]


def test_receipts_by_the_gateways_number(data, made, scratch, gateway):
    """Delivered and failed, told twice, contradicted, of an unknown message, and with a wrong signature."""
    door = begin(data, made, scratch, gateway, phones(30))
    eventually(lambda: data.states("c") == {"accepted": 30}, 20, 0.2, "all accepted")
    ids = gateway.ids
    post(door, receipts(*ids[:10]), secret="guessed")
    all_worked_off(data)
    assert data.states("c") == {"accepted": 30}, "nobody believes a wrong signature"
    post(door, receipts(*ids[:20]))
    post(door, receipts(*ids[20:25], status="FAILED", why="máy tắt"))
    eventually(lambda: data.states("c") == {"delivered": 20, "failed": 5, "accepted": 5}, 10, 0.1, "settled: " + str(data.states("c")))
    attempts = data.sql("SELECT count(*) FROM attempt")
    assert attempts == [(5,)], "plain deliveries need no row of their own"
    # The same again, and the contrary: nothing changes, the contrary is kept.
    post(door, receipts(*ids[:20]))
    post(door, receipts(*ids[20:25], status="FAILED", why="máy tắt"))
    post(door, receipts(ids[0], status="FAILED", why="nhầm"))
    post(door, receipts("Z999", to="+84900009990"))
    all_worked_off(data)
    assert data.states("c") == {"delivered": 20, "failed": 5, "accepted": 5}
    row = next(row for row in data.messages("c") if row["ref"] == ids[0])
    shown = data.json("message", "show", row["id"])
    assert row["sent_at"] <= row["settled_at"] == shown["history"][0]["at"] and shown["history"][0]["state"] == "delivered"
    assert [(act["state"], act["detail"]) for act in shown["history"][1:]] == [("failed", "nhầm")]
    failed = next(row for row in data.messages("c") if row["ref"] == ids[20])
    assert (failed["reason"], failed["detail"]) == ("refused", "máy tắt")
    # One clear line each.
    assert len(findings(data, "receipts")) == 1 and findings(data, "receipts")[0].startswith("1 receipts of channel sms fit no message")
    assert findings(data, "refused_call_backs")[0].startswith("1 call-backs were refused by channel sms")
    log = door.serve.log()
    assert 'the last has number "Z999" and address "+84900009990"' in log and "its signature is wrong" in log
    assert data.sql("SELECT ref FROM receipt_waiting") == [("Z999",)]
    door.serve.stop()


def test_a_receipt_that_overtakes_the_answer(data, made, scratch, gateway):
    """The gateway tells of arrival before it has answered the request: the receipt waits for its message."""
    doors, opened = [], threading.Event()

    def early(number, _to):
        assert opened.wait(20)
        post(doors[0], receipts(number))
        eventually(lambda: data.sql("SELECT count(*) FROM receipt_waiting WHERE ref = ?", number)[0][0] == 1, 10, 0.02, "the receipt waits")

    gateway.before_answer = early
    doors.append(door := begin(data, made, scratch, gateway, phones(8), connections=8))
    opened.set()
    eventually(lambda: data.states("c") == {"delivered": 8}, 20, 0.2, "delivered: " + str(data.states("c")))
    assert data.sql("SELECT count(*) FROM receipt_waiting") == [(0,)]
    assert findings(data, "receipts") == ["every receipt has found its message"]
    door.serve.stop()


def test_a_receipt_by_address_settles_the_one_that_is_uncertain(data, made, scratch, gateway):
    """One campaign's message is uncertain: the address is enough. With two that may be meant nothing is guessed."""
    gateway.silent = lambda to: to[-1] in "12"
    people = phones(2, "1") + [{"ref": "two", "name": "Hai", "phone": "+84911111112", "lang": "vi"}]
    door = begin(data, made, scratch, gateway, people, timeout="500ms")
    eventually(lambda: data.states("c") == {"uncertain": 3}, 20, 0.2, "nobody knows: " + str(data.states("c")))
    made.start(campaign(name="d", audience="phone = '+84911111112'", steps=[step(channel="sms", content=sms_text())]))
    eventually(lambda: data.states("d") == {"uncertain": 1}, 20, 0.2, "the second is uncertain too")
    post(door, receipts("", to=people[0]["phone"][1:]))  # 84..., as gateways write it
    post(door, receipts("G77", to=people[1]["phone"], status="FAILED"))  # a number we never heard of
    post(door, receipts("", to="0911111112"))
    all_worked_off(data)
    state = {row["address"]: row["state"] for row in data.messages("c")}
    assert state == {people[0]["phone"]: "delivered", people[1]["phone"]: "failed", "+84911111112": "uncertain"}
    assert data.states("d") == {"uncertain": 1}
    # A person settles one of them: now one is left, and the receipt that waits still counts for it after the next doubt.
    assert data.sql("SELECT count(*) FROM receipt_waiting") == [(1,)]
    door.serve.stop()


def test_what_people_say_through_the_door(data, made, scratch, gateway):
    """A refusal takes effect; anything else lands in the inbox; the same call again changes nothing."""
    door = begin(data, made, scratch, gateway, phones(3))
    eventually(lambda: data.states("c") == {"accepted": 3}, 20, 0.2, "all accepted")
    refusal = {"from": phones(3)[0]["phone"][1:], "text": "TC"}
    post(door, refusal)
    post(door, {"from": "0900000020", "text": "Cho tôi hỏi mức đóng"})
    post(door, {"nothing": "of this makes sense"})
    post(door, refusal)
    all_worked_off(data)
    eventually(lambda: len(data.rows("inbox", "list")) >= 2, 10, 0.2, "in the inbox")
    assert data.sql("SELECT address, reason FROM suppression") == [(phones(3)[0]["phone"], "opted_out")]
    assert "Cho tôi hỏi mức đóng" in {row["text"] for row in data.rows("inbox", "list")}
    eventually(lambda: len(gateway.ids) == 4, 10, 0.1, "confirmed once")
    assert findings(data, "refused_call_backs")[0].startswith("1 call-backs were refused"), "what makes no sense is told and kept"
    door.serve.stop()
    assert len(gateway.ids) == 4


@pytest.mark.parametrize("wait", [0, 0.05, 0.5])
@pytest.mark.parametrize("victim", ["both", "host"])
def test_kill_between_keeping_and_handing_over(data, made, scratch, gateway, victim, wait):
    """Whatever the gateway was told "ok" for counts, though the host, or both processes, die at any moment after it."""
    count = 300
    door = begin(data, made, scratch, gateway, phones(count))
    eventually(lambda: data.states("c") == {"accepted": count}, 30, 0.2, "all accepted")
    ids = gateway.ids
    for number in ids[:140]:
        post(door, receipts(number))
    if victim == "host":
        host = door.serve.hosts()["sms"]
        os.kill(host, signal.SIGSTOP)  # so that it has some and answers none
    for number in ids[140:200]:
        post(door, receipts(number))
    time.sleep(wait)  # the moment of the kill, not a wait for something
    if victim == "both":
        door.serve.kill(also_hosts=True)
        again = Door(data, "--clock", f"{START},x1")
    else:
        os.kill(host, signal.SIGKILL)
        again = door
    for number in ids[200:]:
        post(again, receipts(number))
    eventually(lambda: data.states("c") == {"delivered": count}, 20, 0.2, "all delivered: " + str(data.states("c")))
    assert data.sql("SELECT count(*) FROM hook WHERE done_at IS NULL OR result <> 0") == [(0,)]
    again.serve.stop()


@pytest.mark.parametrize("ids", ["hex", "mixed"])  # mixed: hexadecimal in the answer, decimal in the receipt
def test_smpp_receipts_after_both_processes_died(data, made, scratch, ids):
    """The operator repeats no reference: accepted messages are found by its number, uncertain ones by their address."""
    window = 20
    smsc = Smsc(scratch, delay=50, receipts="late", ids=ids)
    try:
        made.init(sms_channel(smsc.port, options={"window": window}), contacts=phones(300))
        made.start(campaign(steps=[step(channel="sms", content=sms_text())]))
        serve = data.serve("--clock", f"{START},x1").wait_ready()
        eventually(lambda: len(smsc.rows()) > 60, 20, 0.01, "the campaign has begun")
        smsc.say("late")
        eventually(lambda: data.states("c").get("delivered", 0) > 20, 20, 0.01, "the form of the ids is known")
        eventually(lambda: len(smsc.rows()) > 150, 20, 0.01, "the campaign is under way")
        serve.kill(also_hosts=True)
        before = data.states("c")["delivered"]
        serve = data.serve("--clock", f"{START},x1").wait_ready()
        eventually(lambda: sum(data.states("c").get(state, 0) for state in ("accepted", "uncertain", "delivered")) == 300, 30, 0.3, str(data.states("c")))
        uncertain = data.states("c").get("uncertain", 0)
        assert 1 <= uncertain <= window and data.states("c")["accepted"] > 100 and data.states("c")["delivered"] == before
        to = [row["to"] for row in smsc.rows()]
        assert len(set(to)) == len(to), "nobody got it twice"
        smsc.say("late")
        eventually(lambda: data.states("c").get("delivered", 0) == len(to), 20, 0.3, "all that arrived: " + str(data.states("c")))
        serve.stop()
        assert data.states("c").get("accepted", 0) == 0
        assert data.states("c").get("uncertain", 0) == 300 - len(to)
        assert data.sql("SELECT count(*) FROM receipt_waiting") == [(0,)]
    finally:
        smsc.end()


@pytest.mark.parametrize("lost", [False, True], ids=["channel-knows", "core-alone"])
def test_receipts_of_all_parts_of_long_messages_after_both_processes_died(data, made, scratch, lost):
    """A message in two parts has arrived when both have, whichever process learned of the first; failed when one has failed."""
    smsc = Smsc(scratch, receipts="late", ids="hex" if lost else "mixed")
    long = "Kính gửi {{name}}, " + "mời ông bà tham gia bảo hiểm xã hội tự nguyện " * 2
    try:
        made.init(sms_channel(smsc.port, options={"user_reference": False}), contacts=phones(20, [0, 1]))
        made.start(campaign(steps=[step(channel="sms", content=sms_text(long))]))
        serve = data.serve("--clock", f"{START},x1").wait_ready()
        eventually(lambda: data.states("c") == {"accepted": 20}, 20, 0.1, "all are with the operator: " + str(data.states("c")))
        assert len(smsc.rows()) == 40 and all(row["udh"] for row in smsc.rows())
        if not lost:
            smsc.say("late 1")
            eventually(lambda: data.states("c").get("failed") == 10, 20, 0.1, "one failed part is enough: " + str(data.states("c")))
        serve.kill(also_hosts=True)
        if lost:  # as after a power cut
            shutil.rmtree(os.path.join(data.dir, "channel", "sms"))
        serve = data.serve("--clock", f"{START},x1").wait_ready()
        eventually(lambda: len(smsc.rows("bound")) == 2, 20, 0.1, "bound again")
        if lost:
            smsc.say("late 1")
            eventually(lambda: data.states("c").get("failed") == 10, 20, 0.1, "one failed part is enough: " + str(data.states("c")))
        assert data.states("c") == {"accepted": 10, "failed": 10}, "a part is not the message"
        smsc.say("late 2")
        eventually(lambda: data.states("c") == {"delivered": 10, "failed": 10}, 20, 0.1, "all parts have arrived: " + str(data.states("c")))
        serve.stop()
        assert data.sql("SELECT count(*) FROM receipt_waiting") == [(0,)]
        refs = [row["ref"] for row in data.messages("c")]
        assert all(len(ref.split(" ")) == 2 for ref in refs), refs
    finally:
        smsc.end()


@pytest.mark.quick
def test_a_run_that_waits_for_receipts(data, made, scratch):
    """`--until-idle` ends once all is handed over; with `--receipts` once the operator has told, or after that time."""
    smsc = Smsc(scratch, delay=10)
    late = Smsc(scratch, name="late", receipts="none")
    try:
        made.init(sms_channel(smsc.port), sms_channel(late.port, "late"), outbox_channel(), contacts=phones(40))
        made.start(campaign(steps=[step(channel="sms", content=sms_text())]))
        assert data.ok("serve", "--until-idle", "--receipts", "PT30S", "--clock", f"{START},x1").code == 0
        assert data.states("c") == {"delivered": 40}
        made.start(campaign("d", steps=[step(channel="late", content=sms_text())]))
        begun = time.monotonic()
        data.ok("serve", "--until-idle", "--receipts", "PT2S", "--clock", f"{START},x1")
        assert 2 <= time.monotonic() - begun < 12
        assert data.states("d") == {"accepted": 40}
        for words, why in [(["--until-idle", "--receipts", "10"], "PT10M"), (["--until-idle", "--receipts", "P4D"], "P3D"), (["--receipts", "PT1M"], "--until-idle")]:
            refused = data.run("serve", *words)
            assert refused.code != 0 and why in refused.err, refused
    finally:
        smsc.end()
        late.end()
