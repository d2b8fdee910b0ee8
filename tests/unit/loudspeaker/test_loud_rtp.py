"""RTP: what ffmpeg receives is the material; packets come evenly; emergencies interrupt."""
import contextlib
import json
import socket
import statistics
import struct
import subprocess
import threading
import time

import pytest

from loud_rig import at, decoded, free_port, level, millis, peer, power, rig, runs, tone

SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP {pt}\n{map}\n"
CODECS = {"l16": (11, "a=rtpmap:11 L16/44100/1"), "pcmu": (0, "a=rtpmap:0 PCMU/8000"), "opus": (96, "a=rtpmap:96 opus/48000/2")}


class Receiver(threading.Thread):
    """Takes the packets of one port with the time of their coming."""

    def __init__(self, family=socket.AF_INET, address="127.0.0.1"):
        super().__init__(daemon=True)
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((address, 0))
        self.port, self.packets, self.ends = self.socket.getsockname()[1], [], False
        self.start()

    def run(self):
        self.socket.settimeout(0.2)
        while not self.ends:
            try:
                packet = self.socket.recv(2048)
            except TimeoutError:
                continue
            self.packets.append((time.monotonic(), packet))

    def until(self, count, seconds=20):
        end = time.monotonic() + seconds
        while len(self.packets) < count:
            assert time.monotonic() < end, f"{len(self.packets)} packets"
            time.sleep(0.01)

    def stop(self):
        self.ends = True
        self.join()
        self.socket.close()
        return self.packets


def head(packet):
    first, kind, sequence, timestamp, ssrc = struct.unpack("!BBHII", packet[:12])
    assert first == 0x80
    return kind & 0x7F, kind >> 7, sequence, timestamp, ssrc


def test_ffmpeg_hears_the_tone(tmp_path):
    """Every codec from every kind of recording, all at once."""
    materials = [tone(tmp_path / f"a{suffix}", 3, 1000, level=0.4) for suffix in (".wav", ".ogg", ".mp3")]
    with rig(tmp_path / "state") as loud, contextlib.ExitStack() as peers:
        ears = []
        for codec, (kind, line) in CODECS.items():
            for material in materials:
                port, name = free_port(socket.SOCK_DGRAM), tmp_path / f"{codec}{material.suffix}"
                name.with_suffix(".sdp").write_text(SDP.format(port=port, pt=kind, map=line))
                words = ["ffmpeg", "-v", "error", "-y", "-protocol_whitelist", "file,udp,rtp", "-i", name.with_suffix(".sdp"), "-t", "2.9",
                         f"{name}.heard.wav"]
                ears.append((peers.enter_context(peer(words)), f"{name}.heard.wav", port, codec, material))
                until_listens(port)
        start = at(0.5)
        keys = [loud.send(f"rtp://127.0.0.1:{port}?codec={codec}", material, start=start) for _, _, port, codec, material in ears]
        for key, (ffmpeg, heard, *_) in zip(keys, ears):
            assert loud.result(key)["result"] == "sent"
            event = loud.event(key)
            ffmpeg.wait(10)
            detail = json.loads(event["detail"])
            assert event["event"] == "delivered" and abs(detail["played_ms"] - 3000) < 80
            assert abs(millis(detail["end"]) - millis(detail["start"]) - 3000) < 200
            hears(heard)


def until_listens(port, count=1):
    """ffmpeg has its socket when the kernel lists it."""
    end = time.monotonic() + 10
    while open("/proc/net/udp", encoding="ascii").read().count(f":{port:04X} ") < count:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_packets_are_whole_and_even(tmp_path):
    kinds = [("l16", 882, 441, 0.010), ("pcmu", 160, 160, 0.020), ("opus", 160, 960, 0.020)]
    receivers = [Receiver() for _ in kinds]
    with rig(tmp_path / "state") as loud:
        material = tone(tmp_path / "a.wav", 3)
        keys = [loud.send(f"rtp://127.0.0.1:{receiver.port}?codec={codec}&pt=97", material) for receiver, (codec, *_) in zip(receivers, kinds)]
        assert {loud.event(key)["event"] for key in keys} == {"delivered"}
    for receiver, (_, payload, step, gap) in zip(receivers, kinds):
        packets = receiver.stop()
        assert len(packets) == round(3 / gap)
        heads = [head(packet) for _, packet in packets]
        assert all(len(packet) == 12 + payload for _, packet in packets)
        assert [marker for _, marker, *_ in heads] == [1] + [0] * (len(heads) - 1)
        assert {kind for kind, *_ in heads} == {97} and len({ssrc for *_, ssrc in heads}) == 1
        for before, after in zip(heads, heads[1:]):
            assert (after[2] - before[2]) % 65536 == 1 and (after[3] - before[3]) % 2 ** 32 == step
        first = packets[0][0]
        late = sorted(abs(moment - first - i * gap) for i, (moment, _) in enumerate(packets))
        assert late[len(late) * 95 // 100] < 0.02, "the wheel holds its deadlines (the bench measures how well)"


def test_ffmpeg_hears_a_multicast_group(tmp_path):
    """Every codec to a group of its own, each heard by two receivers, whole."""
    material = tone(tmp_path / "a.wav", 3, 1000, level=0.4)
    with rig(tmp_path / "state", multicast_via="127.0.0.1") as loud, contextlib.ExitStack() as peers:
        ears, sent = [], []
        for number, (codec, (kind, line)) in enumerate(CODECS.items()):
            port, group = free_port(socket.SOCK_DGRAM), f"239.255.77.{number + 1}"
            sdp = tmp_path / f"{codec}.sdp"
            sdp.write_text(SDP.replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {group}/1").format(port=port, pt=kind, map=line))
            for one in range(2):
                heard = tmp_path / f"{codec}-{one}.wav"
                words = ["ffmpeg", "-v", "error", "-y", "-protocol_whitelist", "file,udp,rtp", "-localaddr", "127.0.0.1", "-i", sdp, "-t", "2.9", heard]
                ears.append((peers.enter_context(peer(words)), heard))
            until_listens(port, 2)
            sent.append((f"rtp://{group}:{port}?codec={codec}&ttl=1", material))
        start = at(0.5)
        keys = [loud.send(to, path, start=start) for to, path in sent]
        assert {loud.event(key)["event"] for key in keys} == {"delivered"}
        for ffmpeg, heard in ears:
            ffmpeg.wait(10)
            hears(heard)


def hears(path, seconds=2.9, amplitude=0.4):
    """The tone, for so long, as loud as it was made."""
    samples = decoded(path)
    assert abs(len(samples) / 16000 - seconds) < 0.1, path
    assert power(samples[1600:], 1000) > 0.95, path
    assert abs(level(samples[1600:]) - amplitude / 2 ** 0.5) < 0.04, path


def test_an_emergency_interrupts_and_the_earlier_goes_on(tmp_path):
    receiver = Receiver()
    where = f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"
    low, high = tone(tmp_path / "low.wav", 4, 500), tone(tmp_path / "high.wav", 1, 2000)
    with rig(tmp_path / "state") as loud:
        first = loud.send(where, low)
        receiver.until(50)
        asked = time.monotonic()
        emergency = loud.send(where, high, priority="emergency")
        loud.event(emergency)
        event = loud.event(first)
    packets = receiver.stop()
    detail = json.loads(event["detail"])
    assert event["event"] == "delivered" and detail["played_ms"] == 4000
    assert millis(detail["end"]) - millis(detail["start"]) > 4900
    heard = b"".join(packet[12:] for _, packet in packets)
    (tmp_path / "heard.ul").write_bytes(heard)
    samples = decoded(tmp_path / "heard.ul", 8000, "-f", "mulaw", "-ar", "8000")
    (start, end), = runs(samples, 2000, 8000)
    assert 0.8 < end - start < 1.2
    assert sum(to - since for since, to in runs(samples, 500, 8000)) > 3.7
    began = next(moment for moment, packet in packets if head(packet)[1] and moment > asked)
    assert began - asked < 2, "an emergency starts within 2 s"


def test_what_cannot_go_on_is_cut(tmp_path):
    receiver = Receiver()
    where = f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"
    with rig(tmp_path / "state", resume_within="500ms") as loud:
        first = loud.send(where, tone(tmp_path / "low.wav", 4, 500))
        receiver.until(60)
        loud.send(where, tone(tmp_path / "high.wav", 2, 2000), priority="emergency")
        event = loud.event(first)
    whole = int(next(i for i, (_, packet) in enumerate(receiver.stop()) if i and head(packet)[1]) * 0.02)
    assert event["event"] == "failed" and event["reason"] == "other"
    assert event["detail"].startswith("cut by an emergency at ") and f" {whole} of 4 s played, from 20" in event["detail"]


def test_two_at_the_same_time_and_priorities(tmp_path):
    receiver = Receiver()
    where = f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"
    one = tone(tmp_path / "a.wav", 1)
    with rig(tmp_path / "state") as loud:
        start = at(2)
        normal = loud.send(where, one, start=start, ends=at(10))
        hurry = loud.send(where, one, start=start, ends=at(0.2, millis(start)))
        first = loud.send(where, one, start=start, ends=at(10), priority="priority")
        order = [loud.wait(lambda row: "event" in row) for _ in range(3)]
    receiver.stop()
    assert [row["key"] for row in order] == [hurry, first, normal]
    assert order[0]["event"] == "failed" and order[0]["reason"] == "unreachable"
    assert "the device was playing something else" in order[0]["detail"]
    spans = [json.loads(row["detail"]) for row in order[1:]]
    assert millis(spans[1]["start"]) >= millis(spans[0]["end"])


def test_expired_is_not_played(tmp_path):
    receiver = Receiver()
    with rig(tmp_path / "state") as loud:
        key = loud.send(f"rtp://127.0.0.1:{receiver.port}?codec=pcmu", tone(tmp_path / "a.wav", 1), start=at(-3600), ends=at(-3500))
        result = loud.result(key)
    assert result["result"] == "refused" and result["reason"] == "timeout" and result["detail"] == "expired"
    assert not receiver.stop()


def test_broken_recordings_are_refused_in_words(tmp_path):
    whole = tone(tmp_path / "whole.wav", 1)
    broken = {"text.mp3": (b"khong phai am thanh" * 100, "neither WAV nor Ogg Opus nor MP3"), "empty.wav": (b"", "empty"),
              "cut.wav": (whole.read_bytes()[:-1000], "ends before its data"), "vorbis.ogg": ("libvorbis", "not Opus"),
              "alaw.wav": ("pcm_alaw", "only PCM")}
    with rig(tmp_path / "state") as loud:
        for name, (content, words) in broken.items():
            path = tmp_path / name
            if isinstance(content, str):
                subprocess.run(["ffmpeg", "-v", "error", "-i", whole, "-c:a", content, path], check=True)
            else:
                path.write_bytes(content)
            result = loud.result(loud.send("rtp://127.0.0.1:5004?codec=pcmu", path))
            assert result["result"] == "refused" and result["reason"] == "content" and words in result["detail"], name
        good = loud.send("rtp://127.0.0.1:5004?codec=pcmu", tone(tmp_path / "good.wav", 0.5))
        assert loud.event(good)["event"] == "delivered"


@pytest.mark.parametrize("fields,words", [
    ({"to": "rtp://127.0.0.1"}, "not a device"), ({"to": "http://x/y"}, "not a device"), ({"to": "rtp://127.0.0.1:1?codec=g729"}, "not a device"),
    ({"start": "hôm nay"}, "start:"), ({"seconds": "-1"}, "seconds:"), ({"priority": "now"}, "priority:"), ({"audio": "../x"}, "audio:")])
def test_wrong_fields_are_refused_in_words(tmp_path, fields, words):
    material = tone(tmp_path / "a.wav", 0.5)
    fields = {"to": "rtp://127.0.0.1:5004", "ends": "", **fields}
    with rig(tmp_path / "state") as loud:
        key = loud.send(fields.pop("to"), material, **fields)
        result = loud.result(key)
    assert result["result"] == "refused" and words in result["detail"]


def test_a_recording_longer_than_planned_is_refused(tmp_path):
    with rig(tmp_path / "state") as loud:
        key = loud.send("rtp://127.0.0.1:5004", tone(tmp_path / "a.wav", 6), seconds=3)
        assert loud.result(key)["detail"] == "the recording lasts 6 s, planned are 3 s"


def test_a_crash_loses_nothing_and_plays_nothing_twice(tmp_path):
    receiver = Receiver()
    where = f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"
    material = tone(tmp_path / "a.wav", 3)
    with rig(tmp_path / "state") as loud:
        playing, waiting = loud.send(where, material), loud.send(where, material, start=at(4))
        loud.result(waiting)
        receiver.until(60)
        loud.die()
        loud.start()
        cut, played = loud.event(playing), loud.event(waiting)
        again = loud.send(where, material, key=waiting)
        assert loud.result(again)["result"] == "sent"
    assert cut["event"] == "failed" and "restarted" in cut["detail"] and played["event"] == "delivered"
    assert len(receiver.stop()) < 60 + 150 + 100


def test_an_orderly_end_goes_on_where_it_was(tmp_path):
    receiver = Receiver()
    where = f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"
    with rig(tmp_path / "state") as loud:
        key = loud.send(where, tone(tmp_path / "a.wav", 3))
        receiver.until(60)
        loud.close()
        loud.rows.clear()
        loud.start()
        event = loud.event(key)
    assert event["event"] == "delivered" and abs(len(receiver.stop()) - 150) <= 1


def test_events_come_again_until_confirmed(tmp_path):
    with rig(tmp_path / "state") as loud:
        loud.order(commit=False)
        key = loud.send("rtp://127.0.0.1:5004", tone(tmp_path / "a.wav", 0.5))
        first = loud.event(key)
        loud.die()
        loud.start()
        assert loud.event(key)["detail"] == first["detail"]
        loud.order(commit=True)
        loud.close()
        loud.rows.clear()
        loud.start()
        other = loud.send("rtp://127.0.0.1:5004", tmp_path / "a.wav", key="zzzzzzzzzzzzzzzzzzzz")
        loud.event(other)
        assert not [row for row in loud.rows if "event" in row and row["key"] == key]


def test_withdrawn_is_not_played(tmp_path):
    receiver = Receiver()
    where = f"rtp://127.0.0.1:{receiver.port}?codec=pcmu"
    with rig(tmp_path / "state") as loud:
        key = loud.send(where, tone(tmp_path / "a.wav", 1), start=at(2))
        assert loud.result(key)["result"] == "sent"
        loud.rows.clear()
        loud.send(where, None, key=key, withdrawn="yes")
        assert loud.result(key)["detail"] == "withdrawn"
        loud.die()
        loud.start()
        after = loud.send(where, tmp_path / "a.wav", start=at(2.2))
        loud.event(after)
        assert not [row for row in loud.rows if row.get("key") == key], "neither played nor told"
        loud.send(where, tmp_path / "a.wav", key=key)
        assert loud.event(key)["event"] == "delivered", "given anew"
        playing = loud.send(where, tone(tmp_path / "long.wav", 20))
        receiver.until(130)
        loud.result(playing)
        loud.rows.clear()
        loud.send(where, None, key=playing, withdrawn="yes")
        cut, result = loud.event(playing), loud.result(playing)
    assert result["result"] == "refused" and result["detail"] == "had begun: it is cut"
    assert cut["event"] == "failed" and cut["detail"].startswith("cut: withdrawn, ") and " of 20 s played, from 20" in cut["detail"]
    assert 130 <= len(receiver.stop()) < 300


def test_many_streams_at_once(tmp_path):
    """All of them whole and in time; how evenly is the bench's to say."""
    receivers = [Receiver() for _ in range(40)]
    material = tone(tmp_path / "a.wav", 2)
    start = at(2)
    with rig(tmp_path / "state") as loud:
        keys = [loud.send(f"rtp://127.0.0.1:{receiver.port}?codec=pcmu", material, start=start) for receiver in receivers]
        assert {loud.event(key)["event"] for key in keys} == {"delivered"}
    counts = [receiver.stop() for receiver in receivers]
    assert {len(packets) for packets in counts} == {100}
    lengths = [packets[-1][0] - packets[0][0] for packets in counts]
    assert abs(statistics.median(lengths) - 1.98) < 0.1
