"""How evenly the loudspeaker plugin sends: 200 RTP streams at once on one core, timed by the kernel where they arrive.

usage: rtp.py RIG [STREAMS [SECONDS [CODEC]]]     RIG: build/release/tests/loudspeaker_rig
"""
import json
import os
import pathlib
import socket
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit" / "loudspeaker"))
STAMP = getattr(socket, "SO_TIMESTAMPNS", 35)


def receive(listener, kept, ends):
    """Kernel time of arrival and the head of each packet."""
    while not ends.is_set():
        try:
            packet, extra, *_ = listener.recvmsg(64, 64)
        except TimeoutError:
            continue
        seconds, nanos = struct.unpack("qq", extra[0][2][:16])
        kept.append((seconds * 1000000 + nanos // 1000, packet[2:12]))


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0


def cpu_seconds(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def measure(rig_path, streams=200, seconds=10, codec="pcmu"):
    from loud_rig import at, rig, tone
    os.environ["LOUDSPEAKER_RIG"] = str(rig_path)
    gap = 10000 if codec == "l16" else 20000
    kept, ends = [], threading.Event()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        listener.setsockopt(socket.SOL_SOCKET, STAMP, 1)
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.2)
        ear = threading.Thread(target=receive, args=[listener, kept, ends])
        ear.start()
        material = tone(pathlib.Path(folder) / "a.wav", seconds)
        with rig(pathlib.Path(folder) / "state") as loud:
            for thread in os.listdir(f"/proc/{loud.process.pid}/task"):
                os.sched_setaffinity(int(thread), cores[:1])
            os.sched_setaffinity(0, cores[1:] or cores)
            start = at(2)
            keys = [loud.send(f"rtp://127.0.0.1:{listener.getsockname()[1]}?codec={codec}&ttl={1 + i % 250}", material, start=start,
                              outlet=f"loa-{i}", seconds=seconds) for i in range(streams)]
            while not kept:
                time.sleep(0.01)
            before, since = cpu_seconds(loud.process.pid), time.monotonic()
            time.sleep(seconds * 0.8)
            load = (cpu_seconds(loud.process.pid) - before) / (time.monotonic() - since)
            events = [loud.event(key, seconds + 30)["event"] for key in keys]
        time.sleep(0.5)
        ends.set()
        ear.join()
        os.sched_setaffinity(0, cores)
    arrivals = {}
    for moment, head in kept:
        sequence, _, ssrc = struct.unpack("!HII", head)
        arrivals.setdefault(ssrc, []).append((moment, sequence))
    late, gaps = [], []
    for packets in arrivals.values():
        first = min(moment - (sequence - packets[0][1]) % 65536 * gap for moment, sequence in packets)
        late += [moment - first - (sequence - packets[0][1]) % 65536 * gap for moment, sequence in packets]
        gaps += [abs(after_one[0] - one[0] - gap) for one, after_one in zip(packets, packets[1:])]
    return {"streams": len(arrivals), "delivered": events.count("delivered"), "packets": len(kept),
            "expected": streams * seconds * 1000000 // gap, "late_p50_ms": percentile(late, 0.5) / 1000, "late_p95_ms": percentile(late, 0.95) / 1000,
            "late_p99_ms": percentile(late, 0.99) / 1000, "late_most_ms": max(late, default=0) / 1000, "gap_jitter_p95_ms": percentile(gaps, 0.95) / 1000,
            "cpu_percent": round(100 * load, 1)}


if __name__ == "__main__":
    print(json.dumps(measure(pathlib.Path(sys.argv[1]).resolve(), *(kind(text) for kind, text in zip((int, int, str), sys.argv[2:]))), indent=2))
