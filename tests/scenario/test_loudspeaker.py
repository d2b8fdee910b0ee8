"""Loudspeakers from the campaign file to what was heard: the program with its plugin, and Icecast, ffmpeg, a device that fetches and paper on
the other side."""
import os
import time

import pytest

from rig.build import campaign
from rig.loud import Loud, airings, outlet
from rig.program import SLOW, eventually

from device_sim import Device
from loud_rig import at, decoded, free_port, level, millis, peer, power, runs
from test_loud_icecast import Listener, codec, icecast
from test_loud_rtp import SDP, Receiver, until_listens

pytestmark = pytest.mark.needs("ffmpeg", "icecast2")


def test_all_ways_of_playing(data, made, tmp_path, tmp_path_factory):
    port, ffmpeg_port = free_port(), free_port()
    (tmp_path / "x.sdp").write_text(SDP.format(port=ffmpeg_port, pt=0, map="a=rtpmap:0 PCMU/8000"))
    words = ["ffmpeg", "-v", "error", "-y", "-protocol_whitelist", "file,udp,rtp", "-i", tmp_path / "x.sdp", "-t", "1.5", tmp_path / "heard.wav"]
    with icecast(tmp_path_factory.mktemp("ice"), port), peer(words) as ffmpeg:
        until_listens(ffmpeg_port)
        loud = Loud(data, made, keys=f"127.0.0.1:{port} hackme00")
        loud.outlets(outlet("MP3", f"icecast://source@127.0.0.1:{port}/dong-tien.mp3"), outlet("ICE", f"icecast://source@127.0.0.1:{port}/dong-tien.ogg"),
                     outlet("RTP", f"rtp://127.0.0.1:{ffmpeg_port}?codec=pcmu"),
                     outlet("KEO", "device:loa-7"), outlet("GIAY", "paper:mao-dien", "24002"))
        loud.start(campaign("c", steps=[airings()]))
        ear, other_ear = Listener(port, "/dong-tien.ogg"), Listener(port, "/dong-tien.mp3")
        with loud.serving():
            loud.becomes("KEO", "accepted")
            device = Device(loud.port, "loa-7", "khoa-cua-loa-7", clock_ms=3600000)
            (item,) = device.fetch(loud.now())["items"]
            assert (item["title"], item["place"], item["outlet"]) == ("gia-dinh", "Xã Đồng Tiến", "KEO")
            assert item["start"].startswith("2026-12-01T05:00:00") and item["ends"].startswith("2026-12-01T05:29:58")
            device.play_until(loud.now(), item["start_ms"])
            ice, rtp = loud.becomes("ICE", "delivered"), loud.becomes("RTP", "delivered")
            loud.becomes("MP3", "delivered")
            ffmpeg.wait(10)
            time.sleep(max(0, (item["start_ms"] + 2500 - loud.now()) / 1000))
            assert device.upload(loud.now())[0] == 200
            pulled = loud.becomes("KEO", "delivered")
            paper = loud.becomes("GIAY", "accepted")
            samples = decoded(ear.stop(tmp_path / "heard.ogg"))
            mp3_samples = decoded(other_ear.stop(tmp_path / "heard.mp3"))
    assert {row["played_s"] for row in (ice, rtp, pulled)} == {2}
    assert all(abs(millis(row["played_at"]) - item["start_ms"]) < 5000 * SLOW for row in (ice, rtp, pulled))
    assert "clock" in pulled["detail"] and "3600" in pulled["detail"], pulled
    assert (codec(tmp_path / "heard.ogg"), codec(tmp_path / "heard.mp3")) == ("opus", "mp3")
    for one in (samples, mp3_samples):
        (since, until), *_ = runs(one, 1000)
        assert until - since > 1
    heard = decoded(tmp_path / "heard.wav")[1600:]
    assert power(heard, 1000) > 0.95 and abs(level(heard) - level(decoded(next(iter(materials(data)))))) < 0.02
    month = os.path.join(loud.paper, "mao-dien", "2026-12")
    assert sorted(os.listdir(month)) == ["audio", "calendar.ics", "days", "month.m3u8", "month.xspf"]
    calendar = open(os.path.join(month, "calendar.ics"), encoding="utf-8").read()
    assert "DTSTART" in calendar and "gia-dinh" in calendar
    code = next(word for word in paper["detail"].split() if word in calendar)
    data.ok("--clock", "2026-12-01T09:00:00+07:00,x1", "airing", "confirm", code, "--played", "2026-12-01T05:03", "--by", "cô Hoa")
    report = data.json("report", "asrun", "c")
    by = {row["outlet"]: row for row in report["rows"]}
    assert all(by[name]["planned"] == by[name]["played"] == 1 for name in ("ICE", "MP3", "RTP", "KEO", "GIAY")), by


def materials(data):
    folder = data.path("data/materials") if os.path.isdir(data.path("data/materials")) else os.path.join(data.dir, "materials")
    return [os.path.join(folder, name) for name in os.listdir(folder) if len(name) == 64]


def test_what_devices_have_can_be_taken_back_and_put_back(data, made):
    """Declined, paused and resumed, stopped: after the devices have it."""
    receiver = Receiver()
    loud = Loud(data, made)
    loud.outlets(outlet("RTP", f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"), outlet("K7", "device:loa-7"), outlet("K8", "device:loa-8"),
                 outlet("GIAY", "paper:mao-dien", "24002"))
    loud.start(campaign("c", steps=[airings()]))
    with loud.serving("2026-12-01T04:59:20+07:00,x1"):
        rows = {name: loud.becomes(name, "accepted") for name in ("RTP", "K7", "K8", "GIAY")}
        seven, eight = Device(loud.port, "loa-7", "khoa-cua-loa-7"), Device(loud.port, "loa-8", "khoa-cua-loa-8")
        assert len(seven.fetch(loud.now())["items"]) == 1
        (key,) = [item["key"] for item in eight.fetch(loud.now())["items"]]
        said = data.json("--clock", "2026-12-01T04:59:30+07:00,x1", "airing", "decline", str(rows["K8"]["id"]), "--reason", "lễ hội", "--by", "xa")
        assert said["declined"] == said["taken_back"] == 1
        declined = loud.becomes("K8", "suppressed")
        assert declined["reason"] == "declined" and eight.fetch(loud.now())["items"] == []
        data.ok("--clock", "2026-12-01T04:59:31+07:00,x1", "campaign", "pause", "c")
        for name in ("RTP", "K7", "GIAY"):
            loud.becomes(name, "planned")
        assert seven.fetch(loud.now())["items"] == []
        calendar = os.path.join(loud.paper, "mao-dien", "2026-12", "calendar.ics")
        eventually(lambda: "STATUS:CANCELLED" in open(calendar, encoding="utf-8").read(), 5)
        data.ok("campaign", "resume", "c")
        for name in ("RTP", "K7", "GIAY"):
            loud.becomes(name, "accepted")
        assert len(seven.fetch(loud.now())["items"]) == 1
        eventually(lambda: "STATUS:CANCELLED" not in open(calendar, encoding="utf-8").read(), 5)
        assert not receiver.packets
        data.ok("campaign", "stop", "c")
        for name in ("RTP", "K7", "GIAY"):
            assert loud.becomes(name, "suppressed")["reason"] == "stopped"
        assert seven.fetch(loud.now())["items"] == []
        # K8 had no link: it played what it had all the same, and that is what stands in the end.
        record = {"key": key, "result": "played", "start": at(-3, loud.now()), "end": at(-1, loud.now()), "played_ms": 2000}
        assert eight.upload(loud.now(), [record])[1]["taken"] == [key]
        assert loud.becomes("K8", "delivered")["played_s"] == 2
    receiver.stop()
    assert sum(data.states("c").values()) == 4


def test_a_recording_that_comes_after_the_first_hand_over(data, made):
    """The step is told anew, with the sound; without a restart of the host."""
    loud = Loud(data, made)
    loud.outlets(outlet("K7", "device:loa-7"))
    loud.start(campaign("c", steps=[airings(days=2)]))
    with loud.serving():
        device = Device(loud.port, "loa-7", "khoa-cua-loa-7")
        eventually(lambda: {row["state"] for row in data.rows("airing", "list")} == {"accepted"}, 20)
        first = {item["audio"]["name"] for item in device.fetch(loud.now())["items"]}
        loud.material("gia-dinh", hertz=500)
        loud.outlets(outlet("K7", "device:loa-7"), outlet("K8", "device:loa-8"))
        data.ok("--clock", "2026-12-01T04:59:55+07:00,x1", "airing", "plan", "c")
        data.ok("--clock", "2026-12-01T04:59:55+07:00,x1", "airing", "approve", "--outlet", "K8", "--by", "xa")
        eventually(lambda: {row["state"] for row in data.rows("airing", "list", "--outlet", "K8")} == {"accepted"}, 20,
                   words=data.rows("airing", "list", "--outlet", "K8"))
        second = {item["audio"]["name"] for item in Device(loud.port, "loa-8", "khoa-cua-loa-8").fetch(loud.now())["items"]}
    assert len(first) == len(second) == 1 and first != second
