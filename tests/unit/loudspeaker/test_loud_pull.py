"""Devices that fetch: a signed plan, files in parts, records that are answered when the core has them, lost links, wrong clocks."""
import contextlib
import http.client
import json
import pathlib
import threading
import time

import pytest

from device_sim import Device
from loud_rig import at, ear, free_port, millis, peer, rig, tone

DAY = 86400000
KEYS = "loa-7 khoa-cua-loa-7\nloa-8 khoa-cua-loa-8"


@pytest.fixture(name="door")
def door_fixture(tmp_path):
    port = free_port()
    with rig(tmp_path / "state", keys=KEYS, listen=f"127.0.0.1:{port}") as loud:
        loud.port = port
        yield loud


def test_a_day_without_a_link_and_a_wrong_clock(tmp_path, door):
    """The plan is played from the store, told a day later, with times put right and the error shown."""
    now = int(time.time() * 1000)
    device = Device(door.port, "loa-7", "khoa-cua-loa-7", clock_ms=-3 * 3600000 - 250)
    material = tone(tmp_path / "a.ogg", 2)
    door.order(now=now)
    sent = [door.send("device:loa-7", material, start=at(3600 * hours, now), ends=at(3600 * hours + 600, now)) for hours in (1, 9, 20)]
    assert {door.result(key)["result"] for key in sent} == {"sent"}
    plan = device.fetch(now)
    assert [item["key"] for item in plan["items"]] == sent and plan["items"][0]["priority"] == "normal"
    device.play_until(now, now + DAY)
    door.order(now=now + DAY)
    status, answer = device.upload(now + DAY)
    assert status == 200 and answer["taken"] == sent and abs(answer["clock_offset_ms"] + 3 * 3600000 + 250) < 5
    for key, hours in zip(sent, (1, 9, 20)):
        event = door.event(key)
        detail = json.loads(event["detail"])
        assert event["event"] == "delivered" and detail["by"] == "device" and abs(detail["played_ms"] - 2000) < 50
        assert abs(millis(detail["start"]) - now - hours * 3600000) < 50
        assert abs(detail["clock_offset_ms"] + 3 * 3600000 + 250) < 50
    assert device.upload(now + DAY)[1]["known"] == sent, "a repeat does no harm"
    assert len([row for row in door.rows if "event" in row]) == 3


def test_the_clock_of_the_upload_counts_when_the_device_knew_no_better(tmp_path, door):
    now = int(time.time() * 1000)
    device = Device(door.port, "loa-7", "khoa-cua-loa-7", clock_ms=-365 * DAY)
    door.order(now=now)
    key = door.send("device:loa-7", tone(tmp_path / "a.wav", 1), start=at(0, now))
    door.result(key)
    device.fetch(now)
    device.offset_ms = None
    device.play_until(now, now + 1000)
    device.upload(now + 5000)
    detail = json.loads(door.event(key)["detail"])
    assert abs(millis(detail["start"]) - now) < 6000 and "clock" not in detail and detail["clock_offset_ms"] < -364 * DAY


def test_a_time_that_cannot_be_is_marked(tmp_path, door):
    now = int(time.time() * 1000)
    device = Device(door.port, "loa-7", "khoa-cua-loa-7")
    key = door.send("device:loa-7", tone(tmp_path / "a.wav", 1))
    door.result(key)
    device.upload(now, [{"key": key, "result": "played", "start": "1970-01-01T00:00:05Z", "end": "1970-01-01T00:00:06Z", "played_ms": 1000}])
    assert json.loads(door.event(key)["detail"])["clock"] == "doubtful"


def test_expired_and_offline(tmp_path, door):
    now = int(time.time() * 1000)
    device = Device(door.port, "loa-7", "khoa-cua-loa-7")
    material = tone(tmp_path / "a.wav", 1)
    door.order(now=now)
    late = door.send("device:loa-7", material, start=at(60, now), ends=at(120, now))
    never = door.send("device:loa-8", material, start=at(60, now), ends=at(120, now))
    for key in (late, never):
        door.result(key)
    device.fetch(now)
    device.play_until(now + 3600000, now + 3600000)
    door.order(now=now + 3600000)
    device.upload(now + 3600000)
    assert door.event(late)["detail"] == "expired"
    event = door.event(never)
    assert event["detail"] == "missed: device offline" and event["reason"] == "unreachable"


def test_a_record_that_never_comes_is_a_miss_after_the_wait(tmp_path, door):
    now = int(time.time() * 1000)
    door.order(now=now)
    key = door.send("device:loa-7", tone(tmp_path / "a.wav", 1), start=at(60, now))
    door.result(key)
    Device(door.port, "loa-7", "khoa-cua-loa-7").fetch(now)
    door.order(now=now + 6 * DAY)
    time.sleep(1.5)
    assert not [row for row in door.rows if "event" in row]
    door.order(now=now + 8 * DAY)
    assert door.event(key)["detail"] == "missed: the device sent no record of it"


def test_answered_only_when_the_core_has_it(tmp_path, door):
    device = Device(door.port, "loa-7", "khoa-cua-loa-7")
    key = door.send("device:loa-7", tone(tmp_path / "a.wav", 1))
    door.result(key)
    now = int(time.time() * 1000)
    device.fetch(now)
    device.play_until(now, now)
    door.order(commit=False)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(device.upload(now)))
    thread.start()
    door.event(key)
    thread.join(1)
    assert not answers
    door.order(commit=True)
    thread.join(5)
    assert answers[0][0] == 200 and answers[0][1]["taken"] == [key]


def test_a_full_core_is_asked_again(tmp_path, door):
    device = Device(door.port, "loa-7", "khoa-cua-loa-7")
    key = door.send("device:loa-7", tone(tmp_path / "a.wav", 1))
    door.result(key)
    now = int(time.time() * 1000)
    device.fetch(now)
    device.play_until(now, now)
    door.order(reject=True)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(device.upload(now)))
    thread.start()
    thread.join(1)
    assert not answers
    door.order(reject=False)
    thread.join(5)
    assert answers[0][0] == 200 and door.event(key)["event"] == "delivered"


def test_a_crash_keeps_plan_and_records(tmp_path, door):
    device = Device(door.port, "loa-7", "khoa-cua-loa-7")
    key = door.send("device:loa-7", tone(tmp_path / "a.wav", 1))
    door.result(key)
    now = int(time.time() * 1000)
    before = device.fetch(now)
    door.die()
    door.start()
    after = device.fetch(now)
    assert after["items"] == before["items"] and after["version"] == before["version"]
    door.order(commit=False)
    device.play_until(now, now)
    threading.Thread(target=upload_in_vain, args=[device, now], daemon=True).start()
    door.event(key)
    door.die()
    door.start()
    assert door.event(key)["event"] == "delivered"
    assert device.upload(now)[1]["known"] == [key]


def upload_in_vain(device, now):
    with contextlib.suppress(OSError, http.client.HTTPException):
        device.upload(now, timeout=2)


def test_withdrawn_goes_out_of_the_plan(tmp_path, door):
    device = Device(door.port, "loa-7", "khoa-cua-loa-7")
    key = door.send("device:loa-7", tone(tmp_path / "a.wav", 1), start=at(60))
    door.result(key)
    before = device.fetch(0)
    door.rows.clear()
    door.send("device:loa-7", None, key=key, withdrawn="yes")
    assert door.result(key)["detail"] == "withdrawn"
    after = device.fetch(0)
    assert not after["items"] and after["version"] > before["version"]
    assert not [row for row in door.rows if "event" in row]


def test_what_was_withdrawn_and_played_all_the_same_is_told(tmp_path, door):
    """The device had no link when it was taken back."""
    now = int(time.time() * 1000)
    device = Device(door.port, "loa-7", "khoa-cua-loa-7")
    door.order(now=now)
    key = door.send("device:loa-7", tone(tmp_path / "a.wav", 1), start=at(60, now), ends=at(120, now))
    door.result(key)
    device.fetch(now)
    door.rows.clear()
    door.send("device:loa-7", None, key=key, withdrawn="yes")
    door.result(key)
    device.play_until(now, now + DAY)
    door.order(now=now + DAY)
    assert device.upload(now + DAY)[1]["taken"] == [key]
    assert door.event(key)["event"] == "delivered"


def test_only_the_device_itself(tmp_path, door):
    device, other = Device(door.port, "loa-7", "khoa-cua-loa-7"), Device(door.port, "loa-8", "khoa-cua-loa-8")
    key = door.send("device:loa-7", tone(tmp_path / "a.wav", 1))
    door.result(key)
    item = device.fetch(0)["items"][0]
    assert device.request("GET", "/device/loa-7/plan", key="falsch-falsch")[0].status == 401
    assert other.request("GET", "/device/loa-7/plan")[0].status == 403
    assert other.request("GET", item["audio"]["path"])[0].status == 403
    assert other.request("GET", item["audio"]["path"].replace("loa-7", "loa-8"))[0].status == 404
    assert device.request("GET", "/device/loa-7/file/../plan.log")[0].status == 404
    assert device.request("DELETE", "/device/loa-7/plan")[0].status == 404
    now = int(time.time() * 1000)
    record = {"key": key, "result": "played", "start": at(), "end": at(1), "played_ms": 1000}
    assert other.upload(now, [record])[1]["unknown"] == [key]
    result = door.send("device:loa-9", tmp_path / "a.wav")
    assert "no key" in door.result(result)["detail"]
    assert "khoa-cua" not in "".join(door.errors)


def test_files_in_parts(tmp_path, door):
    device = Device(door.port, "loa-7", "khoa-cua-loa-7")
    path = tone(tmp_path / "a.wav", 1)
    door.result(door.send("device:loa-7", path))
    whole, file = path.read_bytes(), device.fetch(0)["items"][0]["audio"]["path"]
    for text, since, to in (("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("bytes=-7", -7, None), ("bytes=5-99999999", 5, None)):
        answer, content, _ = device.request("GET", file, headers={"Range": text})
        assert answer.status == 206 and content == whole[since:to] and answer.getheader("Content-Range").endswith(f"/{len(whole)}")
    for text in ("bytes=99999999-", "bytes=9-5", "words=1-2", "bytes=x"):
        assert device.request("GET", file, headers={"Range": text})[0].status == 416


@pytest.mark.parametrize("body,words", [
    (b"[]", "not a JSON object"), (b"{", "not a JSON object"), (b"{}", "records"), (b'{"clock":"gestern","records":[]}', "clock"),
    (b'{"records":[{"key":"abc","result":"played"}]}', "records[0].start"), (b'{"records":[{"key":"A/B","result":"missed"}]}', "records[0].key"),
    (b'{"records":[{"key":"abc","result":"withdrawn"}]}', "records[0].result"), (b"x" * (1 << 20) + b"xx", "at most 1 MiB")], ids=range(8))
def test_bad_reports_are_refused_in_words(door, body, words):
    answer, content, _ = Device(door.port, "loa-7", "khoa-cua-loa-7").request("POST", "/device/loa-7/asrun", body)
    assert answer.status in (400, 413) and words in json.loads(content)["error"]


def test_mqtt_tells_of_changes_and_emergencies(tmp_path):
    """mosquitto as the broker, mosquitto_sub as the device's ear; the broker dies in between."""
    port, broker_port, material = free_port(), free_port(), tone(tmp_path / "a.wav", 1)
    (tmp_path / "m.conf").write_text(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    heard = []

    def until(count, seconds=10):
        end = time.monotonic() + seconds
        while len(heard) < count:
            assert time.monotonic() < end, heard
            time.sleep(0.01)

    with rig(tmp_path / "state", keys=KEYS, listen=f"127.0.0.1:{port}", mqtt=f"mqtt://localhost:{broker_port}") as loud:
        with peer(["mosquitto", "-c", tmp_path / "m.conf"], broker_port):
            device = Device(port, "loa-7", "khoa-cua-loa-7")
            loud.result(loud.send("device:loa-7", material, start=at(60)))
            version = device.fetch(0)["version"]
            with ear(broker_port, "loa-7", heard):
                until(1, 40)
                assert heard[0][1] == "plan" and json.loads(heard[0][3]) == {"version": version}
                asked = time.monotonic()
                emergency = loud.send("device:loa-7", material, priority="emergency")
                until(3)
            command = next(row for row in heard if row[1] == "play")
            assert command[0] - asked < 2 and command[2] == "0"
            check_command(device, json.loads(command[3]), emergency)
            assert json.loads(next(row for row in heard[1:] if row[1] == "plan")[3])["version"] > version
        later = loud.send("device:loa-7", material, start=at(90))
        loud.result(later)
        heard.clear()
        with peer(["mosquitto", "-c", tmp_path / "m.conf"], broker_port), ear(broker_port, "loa-7", heard):
            until(1, 40)
            assert any(row[1] == "plan" and json.loads(row[3])["version"] == device.fetch(0)["version"] for row in heard)


def check_command(device, command, key):
    import hashlib
    import hmac
    assert command["mac"] == hmac.new(device.key.encode(), b"play\n" + command["body"].encode(), hashlib.sha256).hexdigest()
    body = json.loads(command["body"])
    assert body["device"] == "loa-7" and body["item"]["key"] == key and body["item"]["priority"] == "emergency"
    answer, _, _ = device.request("GET", body["item"]["audio"]["path"])
    assert answer.status == 200


def test_a_taken_port_and_half_a_certificate_fail_in_words(tmp_path, door):
    for options, words in (({"listen": f"127.0.0.1:{door.port}"}, "Address already in use"), ({"listen": "localhost"}, "must be an address"),
                           ({"listen": "127.0.0.1:0", "tls_cert": "/nowhere"}, "tls_key"), ({"mqtt": "tcp://x"}, "mqtt://HOST")):
        with rig(tmp_path / f"other{len(words)}", **options) as loud:
            assert words in loud.first["failed"]
            loud.process.wait()
            loud.process.returncode = 0


def test_paper_is_written_before_it_counts(tmp_path):
    """The folder of a month: playlists, calendar, recordings; and what is withdrawn."""
    material, paper = tone(tmp_path / "a.ogg", 2), tmp_path / "paper"
    with rig(tmp_path / "state", paper_dir=paper) as loud:
        first = loud.send("paper:xa-kien-lao", material, start="2027-01-31T17:30:00+07:00", title="Gia đình: \"20 %\" & hỗ trợ", script="Kính thưa bà con")
        second = loud.send("paper:xa-kien-lao", material, start="2027-01-31T05:00:00+07:00", title="Sáng")
        third = loud.send("paper:xa-kien-lao", material, start="2027-02-01T05:00:00+07:00", title="Tháng sau")
        results = {key: loud.result(key) for key in (first, second, third)}
        assert {row["result"] for row in results.values()} == {"sent"}
        month = paper / "xa-kien-lao" / "2027-01"
        lines = (month / "month.m3u8").read_text().splitlines()
        assert lines[0] == "#EXTM3U" and len(lines) == 5 and "05:00 Sáng" in lines[1] and "17:30 Gia đình" in lines[3]
        code = results[first]["ref"]
        assert code == f"{first[-8:-4]}-{first[-4:]}".upper() and f"[{code}]" in lines[3]
        for line in lines[2::2]:
            assert abs((month / line).stat().st_size - 44 - 2 * 44100 * 2) < 20000 and (month / line).read_bytes()[:4] == b"RIFF"
            assert (month / line).with_suffix(".opus").read_bytes() == pathlib.Path(material).read_bytes()
        day = (month / "days" / "2027-01-31.m3u8").read_text().splitlines()
        assert (month / "days" / day[2]).exists()
        calendar = (month / "calendar.ics").read_bytes().decode().replace("\r\n ", "")
        assert calendar.count("BEGIN:VEVENT") == 2 and f"UID:{first}@lantoa" in calendar and "DTSTART:20270131T103000Z" in calendar and code in calendar
        import xml.etree.ElementTree as tree
        titles = [node.text for node in tree.parse(month / "month.xspf").iter("{http://xspf.org/ns/0/}title")]
        assert 'Gia đình: "20 %" & hỗ trợ' in titles
        loud.rows.clear()
        loud.send("paper:xa-kien-lao", None, key=second, withdrawn="yes")
        assert loud.result(second)["detail"] == "withdrawn"
        end = time.monotonic() + 5
        while "STATUS:CANCELLED" not in (month / "calendar.ics").read_text():
            assert time.monotonic() < end
            time.sleep(0.02)
        assert "Sáng" not in (month / "month.m3u8").read_text()
