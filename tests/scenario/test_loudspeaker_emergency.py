"""An emergency, from the second person's yes to the sound: on streams and on a device that is online, within 2 s; what it interrupts goes on."""
import contextlib
import hmac
import json
import re
import ssl
import subprocess
import time
import urllib.request

import pytest

from rig.build import campaign
from rig.loud import DAWN, Loud, airings, emergency, outlet
from rig.program import eventually

from device_sim import Device
from loud_rig import at, certificate, decoded, ear, free_port, millis, peer, runs
from test_loud_icecast import Listener, icecast
from test_loud_rtp import Receiver, head

pytestmark = pytest.mark.needs("ffmpeg", "icecast2", "mosquitto", "mosquitto_sub", "mosquitto_pub")


class Broker:
    """mosquitto, and what mosquitto_sub heard of one device: (time, topic's last part, retained, payload)."""

    def __init__(self, folder):
        self.port, self.heard = free_port(), []
        self.conf = folder / "mosquitto.conf"
        self.conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")

    def listen(self, device, *more):
        """As long as the broker runs."""
        self.ears.enter_context(ear(self.port, device, self.heard, *more))

    def last(self, what):
        """The newest payload of a topic, or None."""
        return next((json.loads(row[3]) for row in reversed(self.heard) if row[1] == what), None)

    @contextlib.contextmanager
    def running(self):
        with peer(["mosquitto", "-c", self.conf], self.port), contextlib.ExitStack() as self.ears:
            yield


def figures(port):
    """What the plugin counts, as /metrics shows it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return {(name, float(value)) for name, value in re.findall(r'^lantoa_channel_figure\{channel="loa",figure="(\w+)"\} (\S+)$', text, re.M)}


def test_an_emergency_starts_within_two_seconds_everywhere(data, made, tmp_path, tmp_path_factory):
    """Icecast, RTP, and a device that listens to the broker: while an earlier one plays, which then goes on and is heard whole."""
    ice_port, door, broker, receiver = free_port(), free_port(), Broker(tmp_path), Receiver()
    with icecast(tmp_path_factory.mktemp("ice"), ice_port), broker.running():
        loud = Loud(data, made, keys=f"127.0.0.1:{ice_port} hackme00", mqtt=f"mqtt://127.0.0.1:{broker.port}")
        loud.material("dai", 4, 500)
        loud.material("bao", 1.5, 2000)
        loud.outlets(outlet("ICE", f"icecast://source@127.0.0.1:{ice_port}/loa.ogg"), outlet("RTP", f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"),
                     outlet("KEO", "device:loa-7"))
        loud.start(campaign("c", steps=[airings(materials=["dai"])]))
        loud.ready(emergency())
        broker.listen("loa-7")
        ear = Listener(ice_port, "/loa.ogg")
        subprocess.run(["mosquitto_pub", "-p", str(broker.port), "-h", "127.0.0.1", "-q", "1", "-r", "-t", "lantoa/loa-7/status", "-m", "online"], check=True)
        with loud.serving(DAWN.format(9), "--http", f"127.0.0.1:{door}"):
            loud.becomes("KEO", "accepted", campaign_name="c")
            device = Device(loud.port, "loa-7", "khoa-cua-loa-7")
            before = device.fetch(loud.now())
            receiver.until(25, 60)
            ear.until(6000, 60)
            asked_ms, asked = loud.now(), loud.begins("bao")
            command = eventually(lambda: next((row for row in broker.heard if row[1] == "play"), None), 20, 0.01)
            rows = {code: loud.becomes(code, "delivered", campaign_name="bao") for code in ("ICE", "RTP")}
            went_on = [loud.becomes(code, "delivered", campaign_name="c") for code in ("ICE", "RTP")]
            device.fetch(loud.now())
            body = json.loads(command[3])["body"]
            samples = decoded(ear.stop(tmp_path / "heard"))
            eventually(lambda: figures(door) >= {("devices", 3), ("devices_online", 1), ("mqtt_connected", 1), ("played", 4)}, 20, 0.2)
        packets = receiver.stop()
    began = next(moment for moment, packet in packets if head(packet)[1] and moment > asked)
    took = {"RTP": began - asked, "KEO": command[0] - asked, "ICE": (millis(json.loads(rows["ICE"]["detail"])["start"]) - asked_ms) / 1000}
    assert all(seconds < 2 for seconds in took.values()), took
    assert {row["played_s"] for row in went_on} == {4}
    high, low = runs(samples, 2000, loud=0.01), runs(samples, 500, loud=0.01)
    assert 1.2 < sum(end - since for since, end in high) < 1.8 and low[0][0] < high[0][0] < low[-1][0], (low, high)
    proof = hmac.new(b"khoa-cua-loa-7", b"play\n" + body.encode(), "sha256").hexdigest()
    assert json.loads(command[3])["mac"] == proof and command[2] == "0", "signed, and not kept by the broker"
    assert json.loads(body)["item"]["key"] in {one["key"] for one in device.plan["items"]} - {one["key"] for one in before["items"]}


def test_what_cannot_go_on_is_cut_and_played_once_more(data, made):
    """On a stream the plugin decides, on a device its own record says so; the core finds another place that day."""
    receiver = Receiver()
    loud = Loud(data, made, resume_within="100ms")
    loud.material("dai", 3, 500)
    loud.material("bao", 1, 2000)
    loud.outlets(outlet("RTP", f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"), outlet("KEO", "device:loa-7"))
    loud.start(campaign("c", steps=[airings(materials=["dai"])]))
    loud.ready(emergency())
    with loud.serving(DAWN.format(9)):
        loud.becomes("KEO", "accepted", campaign_name="c")
        device = Device(loud.port, "loa-7", "khoa-cua-loa-7")
        (item,) = device.fetch(loud.now())["items"]
        receiver.until(75, 60)
        loud.begins("bao")
        start = loud.now()
        loud.becomes("RTP", "delivered", campaign_name="bao")
        record = {"key": item["key"], "result": "cut", "start": at(0, start), "end": at(1, start), "played_ms": 1000, "reason": "emergency"}
        eventually(lambda: loud.now() > start + 1100)
        assert device.upload(loud.now(), [record])[0] == 200
        booked = eventually(lambda: (lambda rows: rows if len(rows) == 4 and {"failed"} == {row["state"] for row in rows[:2]} else None)(
            sorted(data.rows("airing", "list", "--campaign", "c"), key=lambda row: row["id"])), 20)
    receiver.stop()
    by = {row["outlet"]: row for row in booked[:2]}
    assert by["RTP"]["detail"].startswith("cut by an emergency at 05:00, ") and 1 <= by["RTP"]["played_s"] <= 3
    assert by["KEO"]["detail"].startswith("cut by an emergency at 05:00, 1 of 3 s played, from 2026-12-01T05:00") and by["KEO"]["played_s"] == 1
    assert all(row["decided_by"] == "repeat" and row["start"].startswith("2026-12-01T05:01") for row in booked[2:]), booked
    told = data.json("report", "asrun", "c")
    assert {row["outlet"]: (row["cut"], row["open"]) for row in told["rows"]} == {"RTP": (1, 1), "KEO": (1, 1)}
    assert [row["why"][:19] for row in told["tables"]["lost"]["rows"]] == ["cut by an emergency"] * 2


def test_the_broker_tells_of_changes_and_may_die_in_between(data, made, tmp_path):
    """What a device hears over mosquitto while the commune declines, a broker goes, and a campaign starts meanwhile."""
    broker = Broker(tmp_path)
    loud = Loud(data, made, mqtt=f"mqtt://localhost:{broker.port}")
    loud.outlets(outlet("K7", "device:loa-7"))
    loud.start(campaign("c", steps=[airings(days=2)]))
    loud.ready(emergency(material="gia-dinh"))
    with loud.serving("2026-12-01T04:59:00+07:00,x1"):
        with broker.running():
            first, _ = loud.all_become("K7", "accepted", 2)
            device = Device(loud.port, "loa-7", "khoa-cua-loa-7")
            broker.listen("loa-7")
            version = device.fetch(loud.now())["version"]
            eventually(lambda: broker.last("plan") == {"version": version}, 20, 0.01)
            data.ok("--clock", "2026-12-01T04:59:20+07:00,x1", "airing", "decline", str(first["id"]), "--reason", "lễ hội", "--by", "xa")
            eventually(lambda: broker.last("plan")["version"] > version, 20, 0.01)
            assert len(device.fetch(loud.now())["items"]) == 1
        broker.heard.clear()
        loud.begins("bao")
        loud.becomes("K7", "accepted", campaign_name="bao")
        assert not broker.heard
        with broker.running():
            broker.listen("loa-7")
            eventually(lambda: broker.last("play"), 60, 0.01, "the emergency is told as soon as the broker is back")
            eventually(lambda: broker.last("plan")["version"] == device.fetch(loud.now())["version"], 20, 0.01)
    assert len(device.plan["items"]) == 2


def test_encrypted_and_with_passwords(data, made, tmp_path):
    """The broker knows only who has a password, and all of it goes over TLS; with a wrong password nothing leaks and the plan is still there."""
    cert, key = certificate(tmp_path)
    key.chmod(0o644)  # mosquitto drops its rights before it reads it
    broker = Broker(tmp_path)
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "lantoa", "mat-khau-mqtt"], check=True, capture_output=True)
    passwords.chmod(0o644)
    for folder in (tmp_path, *tmp_path.parents):
        if "pytest-of" in str(folder):
            folder.chmod(0o755)
    broker.conf.write_text(f"listener {broker.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\npersistence false\n"
                           f"certfile {cert}\nkeyfile {key}\n")
    secret = data.write("mqtt-password", "mat-khau-mqtt")
    options = {"mqtt": f"mqtts://127.0.0.1:{broker.port}", "mqtt_user": "lantoa", "mqtt_password": {"file": secret}, "ca_file": str(cert),
               "tls_cert": str(cert), "tls_key": str(key)}
    with broker.running():
        loud = Loud(data, made, **options)
        loud.outlets(outlet("K7", "device:loa-7"))
        loud.start(campaign("c", steps=[airings()]))
        broker.listen("loa-7", "-u", "lantoa", "-P", "mat-khau-mqtt", "--cafile", cert)
        with loud.serving("2026-12-01T04:59:00+07:00,x1"):
            loud.becomes("K7", "accepted")
            device = Device(loud.port, "loa-7", "khoa-cua-loa-7", trust=cert)
            version = device.fetch(loud.now())["version"]
            eventually(lambda: broker.last("plan") == {"version": version}, 20, 0.01, "told over TLS")
            with pytest.raises(ssl.SSLError):
                Device(loud.port, "loa-7", "khoa-cua-loa-7", trust=True).fetch(loud.now())
            assert "mat-khau" not in loud.log() and "khoa-cua" not in loud.log()
