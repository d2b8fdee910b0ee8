"""What the tests of the loudspeaker plugin share: the rig, recordings made by sox and ffmpeg, and peers on 127.0.0.1."""
import contextlib
import datetime
import json
import math
import os
import pathlib
import queue
import struct
import subprocess
import threading
import time
import wave

from rig.ports import free_port, wait_port

VIETNAM = datetime.timezone(datetime.timedelta(hours=7))


@contextlib.contextmanager
def peer(words, port=None, **settings):
    """A peer that ends with the test."""
    settings = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL, **settings}
    with subprocess.Popen(list(map(str, words)), **settings) as process:
        try:
            if port:
                wait_port(port, process)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()


@contextlib.contextmanager
def ear(port, device, heard, *more):
    """mosquitto_sub, until the block ends; `heard` gets (time, last part of the topic, retained, payload)."""
    words = ["mosquitto_sub", "-p", port, "-h", "127.0.0.1", *more, "-q", "1", "-t", f"lantoa/{device}/#", "-F", "%t %r %p"]

    def listen(lines):
        for line in lines:
            topic, retained, payload = line.rstrip("\n").split(" ", 2)
            heard.append((time.monotonic(), topic.split("/")[-1], retained, payload))

    with peer(words, stdout=subprocess.PIPE, text=True) as process:
        thread = threading.Thread(target=listen, args=[process.stdout])
        thread.start()
        try:
            yield
        finally:
            process.terminate()
            thread.join()


def certificate(folder):
    """A certificate of its own for 127.0.0.1: (certificate, key)."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def at(seconds=0, base=None):
    """A time as the core writes it, so many seconds from now (or from base, ms since 1970)."""
    moment = (base / 1000 if base is not None else time.time()) + seconds
    return datetime.datetime.fromtimestamp(moment, VIETNAM).isoformat(timespec="milliseconds")


def millis(text):
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


class Rig:
    """The running plugin. Everything it says is kept in rows, with the time of its coming."""

    def __init__(self, folder, **options):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.options = options
        self.rows, self.news, self.number = [], queue.Queue(), 0
        self.start()

    def start(self):
        words = [f"{name}={value}" for name, value in self.options.items()]
        self.process = subprocess.Popen([os.environ["LOUDSPEAKER_RIG"], str(self.folder), *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
        self.errors = []
        threading.Thread(target=self._errors, args=[self.process], daemon=True).start()
        self.listener = threading.Thread(target=self._listen, args=[self.process], daemon=True)
        self.listener.start()
        self.first = self.wait(lambda row: "ready" in row or "failed" in row)

    def _errors(self, process):
        for line in process.stderr:
            self.errors.append(line)

    def _listen(self, process):
        for line in process.stdout:
            self.news.put(json.loads(line))
        if process is self.process:
            self.news.put({"gone": True})

    def order(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def send(self, to, path, start=None, seconds=None, **fields):
        self.number += 1
        key = fields.pop("key", None) or "".join("abcdefghijklmnopqrstuvwxyz234567"[self.number // 32 ** i % 32] for i in range(19, -1, -1))
        order = {"to": to, "key": key, "start": start or at(), **fields}
        if path:
            order |= {"file": str(path), "audio": fields.get("audio", pathlib.Path(path).name)}
            if seconds is None:
                seconds = length(path)
        if "ends" not in order:
            order["ends"] = at(20, millis(order["start"]))
        self.order(send={**order, "seconds": str(seconds or 5)})
        return key

    def wait(self, wanted, seconds=20):
        """The next row that is wanted; those before it are kept in rows."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            assert left > 0, f"did not come; so far: {self.rows[-6:]}\n{''.join(self.errors[-10:])}"
            with contextlib.suppress(queue.Empty):
                row = self.news.get(timeout=left)
                self.rows.append(row)
                assert "gone" not in row or wanted(row), f"the rig ended: {''.join(self.errors[-20:])}"
                if wanted(row):
                    return row

    def find(self, wanted, seconds=20):
        return next((row for row in self.rows if wanted(row)), None) or self.wait(wanted, seconds)

    def result(self, key, seconds=20):
        return self.find(lambda row: "result" in row and row["key"] == key, seconds)

    def event(self, key, seconds=30):
        return self.find(lambda row: "event" in row and row["key"] == key, seconds)

    def die(self):
        """As a crash would end it."""
        process, self.process = self.process, None
        process.kill()
        process.wait()
        self.rows.clear()
        while not self.news.empty():
            self.news.get()

    def close(self):
        if self.process.poll() is None:
            self.order(quit=True)
            self.wait(lambda row: "closed" in row)
        self.process.wait(10)
        self.listener.join(10)
        while not self.news.empty():
            self.news.get()
        assert self.process.returncode in (0, -9), f"ended with {self.process.returncode}: {''.join(self.errors[-20:])}"


@contextlib.contextmanager
def rig(folder, **options):
    running = Rig(folder, **options)
    try:
        yield running
        running.close()
    finally:
        if running.process and running.process.poll() is None:
            running.process.kill()
            running.process.wait()


# --- recordings ---

def tone(path, seconds=2.0, hertz=1000, rate=44100, level=0.5):
    """A sine as WAV, OGG (Opus) or MP3, by the ending of the name."""
    path = pathlib.Path(path)
    plain = path if path.suffix == ".wav" else path.with_suffix(".tmp.wav")
    with wave.open(str(plain), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", round(32767 * level * math.sin(2 * math.pi * hertz * i / rate))) for i in range(round(seconds * rate))))
    if plain != path:
        codec = ["-c:a", "libopus", "-b:a", "64k", "-f", "ogg"] if path.suffix in (".ogg", ".opus") else ["-c:a", "libmp3lame", "-b:a", "64k"]
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", plain, *codec, path], check=True)
        plain.unlink()
    return path


def decoded(path, rate=16000, *options):
    """The samples of any recording as floats, by ffmpeg."""
    done = subprocess.run(["ffmpeg", "-v", "error", *options, "-i", str(path), "-ac", "1", "-ar", str(rate), "-f", "s16le", "-"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return [sample / 32768 for sample in struct.unpack(f"<{len(done.stdout) // 2}h", done.stdout[:len(done.stdout) // 2 * 2])]


def length(path):
    done = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)],
                          capture_output=True, text=True, check=False)
    with contextlib.suppress(ValueError):
        return float(done.stdout)
    return 5


def power(samples, hertz, rate=16000):
    """The part of the energy that is at this frequency (Goertzel), 0..1."""
    total = sum(sample * sample for sample in samples)
    if not samples or total == 0:
        return 0
    turn = 2 * math.cos(2 * math.pi * hertz / rate)
    one = two = 0.0
    for sample in samples:
        one, two = sample + turn * one - two, one
    return 2 * (one * one + two * two - turn * one * two) / (len(samples) * total)


def runs(samples, hertz, rate=16000, window=0.05, loud=0.05):
    """Seconds at which a tone is heard, at least so loud: [(from, to)]."""
    step, found = round(rate * window), []
    for i in range(0, len(samples) - step, step):
        piece = samples[i:i + step]
        if sum(abs(sample) for sample in piece) / step > loud and power(piece, hertz, rate) > 0.6:
            if found and found[-1][1] >= i / rate - window / 2:
                found[-1][1] = (i + step) / rate
            else:
                found.append([i / rate, (i + step) / rate])
    return [tuple(pair) for pair in found]


def level(samples):
    """Root mean square of the loud part."""
    loud = [sample for sample in samples if abs(sample) > 1e-4]
    return math.sqrt(sum(sample * sample for sample in loud) / len(loud)) if loud else 0
