"""sms-http against Kannel, a real gateway, with a third-party SMSC (npm smpp) behind it."""
import contextlib
import http.server
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.request

import pytest
from http_rig import ROOT, channel, eventually, free_port
from rig.ports import listening

PEERS = ROOT / "tests" / "peers"
DECLARED = ROOT / "config" / "channels" / "kannel.json"
pytestmark = pytest.mark.skipif(not shutil.which("bearerbox") or not (PEERS / "node_modules" / "smpp").exists(), reason="needs Kannel and npm smpp")

BEARERBOX = """group = core
admin-port = {admin}
admin-password = bar
smsbox-port = {box}
box-allow-ip = "127.0.0.1"
log-file = "{dir}/bearerbox.log"
log-level = 1
dlr-storage = internal
sms-resend-freq = 2

group = smsc
smsc = smpp
smsc-id = peer
host = 127.0.0.1
port = {smsc}
transceiver-mode = true
smsc-username = lantoa
smsc-password = secret
system-type = ""
reconnect-delay = 1
alt-charset = "UTF-8"

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {send}
log-file = "{dir}/smsbox.log"
log-level = 1

group = sendsms-user
username = lantoa
password = s3cret
max-messages = 5
concatenation = true

group = sms-service
keyword = default
get-url = "http://127.0.0.1:{door}/hook/sms?secret=chìa&from=%p&text=%b&charset=%C"
max-messages = 0
"""


class Door:
    """Stands for the HTTP door: keeps each call-back as it came and hands it to the channel."""

    def __init__(self):
        self.channel, self.number = None, 0
        door = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                door.number += 1
                door.channel.say(hook=door.number, at=int(time.time() * 1000), headers={":method": "GET", ":query": self.path.partition("?")[2]}, body="")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Kannel:
    def __init__(self, folder, door):
        self.ports = {"admin": free_port(), "box": free_port(), "send": free_port(), "smsc": free_port(), "door": door.port, "dir": folder}
        self.folder, self.processes, self.smsc = pathlib.Path(folder), [], None
        self.log = self.folder / "smsc.log"
        self.log.touch()
        (self.folder / "kannel.conf").write_text(BEARERBOX.format(**self.ports).replace("chìa", "chia"), encoding="utf-8")
        try:
            self.start()
        except BaseException:
            self.end()
            raise

    def start(self):
        self.start_smsc()
        for program, port in (("bearerbox", "box"), ("smsbox", "send")):
            self.processes.append(subprocess.Popen([program, "-v", "4", self.folder / "kannel.conf"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            eventually(lambda port=port: listening(self.ports[port]), 10, words=program)
        eventually(lambda: re.search(r"smsbox.*\(on-line", self.status()) and re.search(r"peer.*\(online", self.status()), 15, words="boxes on line")

    def status(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['admin']}/status.txt?password=bar", timeout=5) as page:
            return page.read().decode()

    def start_smsc(self):
        self.smsc = subprocess.Popen(["node", PEERS / "smsc-faults.js", str(self.ports["smsc"]), str(self.log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.smsc.stdout.readline().startswith("ready")

    def stop_smsc(self):
        self.smsc.send_signal(signal.SIGTERM)
        self.smsc.wait(5)

    def end(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        self.stop_smsc()


@pytest.fixture
def kannel(tmp_path):
    folder = tmp_path / "kannel"
    folder.mkdir()
    door = Door()
    made = Kannel(folder, door)
    made.door = door
    yield made
    made.end()
    door.server.shutdown()


@contextlib.contextmanager
def over(kannel, folder, **options):
    settings = {"base_url": f"http://127.0.0.1:{kannel.ports['send']}", "username": "lantoa", "password": "s3cret", "sender": "BHXH",
                "callback_url": f"http://127.0.0.1:{kannel.door.port}/hook/sms", "callback_secret": "chia", **options}
    with channel(folder, DECLARED, **settings) as sms:
        kannel.door.channel = sms
        sms.wait("ready")
        yield sms


def test_sent_delivered_failed_refused_and_answered(tmp_path, kannel):
    with over(kannel, tmp_path) as sms:
        for key, number in (("ok", "+84900000000"), ("undeliv", "+84900000001"), ("refused", "+84900000003")):
            assert sms.sent(number, "Bảo hiểm xã hội: mời bác", key=key)["outcome"] == "sent"
        rows = {row["key"]: row["event"] for row in sms.wait("event", 3, 30)}
        assert rows == {"ok": "delivered", "undeliv": "failed", "refused": "failed"}
        kannel.smsc.stdin.write("mo 84912345678 TỪ CHỐI\n")
        kannel.smsc.stdin.flush()
        eventually(lambda: [row for row in sms.of("event") if row["event"] == "inbound"], 20, words="an answer")
        inbound = [row for row in sms.of("event") if row["event"] == "inbound"][0]
        assert (inbound["address"], inbound["detail"]) == ("+84912345678", "TỪ CHỐI")


def test_the_operator_is_away_and_comes_back(tmp_path, kannel):
    with over(kannel, tmp_path) as sms:
        assert sms.sent(key="first")["outcome"] == "sent"
        eventually(lambda: [row for row in sms.of("event") if row["key"] == "first"], 20, words=f"{sms.rows}")
        kannel.stop_smsc()
        eventually(lambda: not re.search(r"peer.*\(online", kannel.status()), 20, words="Kannel has seen it")
        assert sms.sent("+84900000000", "chờ nhé", key="late")["outcome"] == "sent"
        kannel.start_smsc()
        eventually(lambda: re.search(r"peer.*\(online", kannel.status()), 30, words="Kannel is back")
        eventually(lambda: [row for row in sms.of("event") if row["key"] == "late" and row["event"] == "delivered"], 30, words=f"{sms.rows}")


def test_a_wrong_password_stops_the_channel(tmp_path, kannel):
    with over(kannel, tmp_path, password="falsch") as sms:
        got = sms.sent()
        assert (got["outcome"], got["reason"]) == ("retry", "login")
        assert "403" in sms.wait("state")[0]["why"]
