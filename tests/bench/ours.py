"""Our program on a data folder of its own: from contacts to the last recorded outcome, and what it took."""
import contextlib
import datetime
import json
import os
import sqlite3
import subprocess
import threading
import time

from harness import BUILD, HERE, RUN_SECONDS_MOST

LANTOA = os.path.join(BUILD, "bin", "lantoa")
CONTENT = os.path.join(HERE, "content.json")
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("LANTOA_")} | {"LANTOA_LANG": "en"}
ACCEPTED = 4
TODAY = datetime.date.today()


class Ours:
    def __init__(self, work, day=False):
        """day: it is nine o'clock, ten for the daemon, whenever the measurement runs; SMS have hours in which none may leave."""
        self.data = os.path.join(work, "data")
        self.work = work
        self.at = (lambda hour: ("--clock", f"{TODAY}T{hour:02d}:00:00+07:00,x1")) if day else (lambda hour: ())
        self.serves_from = datetime.datetime.fromisoformat(f"{TODAY}T10:00:00+07:00").timestamp() if day else time.time()
        self.lantoa("init")

    def lantoa(self, *words):
        done = subprocess.run([LANTOA, "--data", self.data, *words, *self.at(9)], env=ENVIRONMENT, text=True, timeout=RUN_SECONDS_MOST,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise RuntimeError(f"lantoa {' '.join(words)}: exit {done.returncode}\n{done.stdout[-500:]}\n{done.stderr[-1500:]}")
        return done.stdout

    def apply(self, noun, what):
        path = os.path.join(self.work, f"{noun}.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(what, out, ensure_ascii=False)
        self.lantoa(noun, "apply", path)

    def channel(self, port, window=2000, connections=10, options=None):
        self.apply("channel", {"name": "email", "plugin": "email", "window": window, "options": {
            "host": "127.0.0.1", "port": port, "tls": "none", "from": "Lantoa <news@sender.example>", "connections": connections,
            "list_unsubscribe_mailto": "stop@sender.example", **(options or {})}})

    def campaign(self, audience="all", channel="email", content=None, **more):
        if not content:
            with open(CONTENT, encoding="utf-8") as file:
                content = json.load(file)
        today = datetime.date.today()
        self.apply("theme", {"name": "bench", "title": {"en": "Bench"}})
        self.apply("campaign", {
            "name": "bench", "theme": "bench", "class": "state_information", "legal_basis": "a measurement", "default_lang": "en",
            "window": {"from": str(today - datetime.timedelta(days=1)), "to": str(today + datetime.timedelta(days=30)),
                       "timezone": "Asia/Ho_Chi_Minh"},
            "audience": audience, "canary": False, **more,
            "steps": [{"name": "mail", "channel": channel, "when": {"at": "now"}, "content": {"en": content}}]})

    def start(self):
        self.lantoa("campaign", "plan", "bench")
        self.lantoa("campaign", "approve", "bench")
        self.lantoa("campaign", "start", "bench")

    def serve(self):
        """Sends everything; returns the wall time and the most memory that core and host had together (MB)."""
        start = time.monotonic()
        process = subprocess.Popen([LANTOA, "--data", self.data, "serve", "--until-idle", *self.at(10)], env=ENVIRONMENT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        watch = Memory(process.pid)
        try:
            err = process.communicate(timeout=RUN_SECONDS_MOST)[1]
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(20)
            raise
        finally:
            most = watch.stop()
        if process.returncode != 0:
            raise RuntimeError(f"serve: exit {process.returncode}: {err[-1500:]}")
        return time.monotonic() - start, most

    @contextlib.contextmanager
    def serving(self, *words):
        """The daemon, until the block ends; knows when it is up."""
        self.served_from = time.time()
        process = subprocess.Popen([LANTOA, "--data", self.data, "serve", *words, *self.at(10)], env=ENVIRONMENT, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        try:
            if not process.stdout.readline().startswith("ready"):
                raise RuntimeError("serve does not start")
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)

    def reader(self):
        return contextlib.closing(sqlite3.connect(f"file:{self.data}/lantoa.db?mode=ro", uri=True))

    def wait_for(self, count, state, seconds):
        """Seconds since the daemon began until all of count messages were in that state; looks twenty times a second."""
        give_up = time.monotonic() + seconds
        with self.reader() as db:
            while db.execute("SELECT 1 FROM message WHERE state <> ? LIMIT 1", (state,)).fetchone():
                if time.monotonic() > give_up:
                    raise RuntimeError(f"states: {db.execute('SELECT state, count(*) FROM message GROUP BY state').fetchall()}")
                time.sleep(0.05)
            took = time.time() - self.served_from
            if db.execute("SELECT count(*) FROM message").fetchone()[0] != count:
                raise RuntimeError(f"not {count} messages")
        return took

    def first_claim(self):
        """Seconds since the daemon began; by a clock of its own day."""
        with self.reader() as db:
            return db.execute("SELECT min(first_sent_at) FROM step").fetchone()[0] / 1000 - self.serves_from

    def json(self, *words):
        return json.loads(self.lantoa(*words, "--json"))

    def window(self):
        """Messages accepted, and the seconds from the first claim to the turn that recorded the last outcome."""
        db = sqlite3.connect(os.path.join(self.data, "lantoa.db"))
        count = db.execute("SELECT count(*) FROM message WHERE state = ?", (ACCEPTED,)).fetchone()[0]
        first, last = db.execute("SELECT min(s.first_sent_at), max(g.ended_at) FROM step s JOIN campaign g ON g.id = s.campaign_id").fetchone()
        db.close()
        return count, (last - first) / 1000

    def deliver(self, csv, count, port, **channel):
        """The whole way; raises unless each person's message was accepted and recorded."""
        self.lantoa("contact", "import", csv)
        self.channel(port, **channel)
        self.campaign()
        self.start()
        wall, memory = self.serve()
        accepted, secs = self.window()
        if accepted != count:
            raise RuntimeError(f"{accepted} of {count} messages accepted")
        return accepted, secs, {"wall": round(wall, 3), "memory_mb": round(memory, 1)}


class Memory:
    """Looks at a process and its children fifty times a second."""

    def __init__(self, pid):
        self.pid, self.most, self.ended = pid, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.ended.wait(0.02):
            total = 0
            for pid in [self.pid, *children(self.pid)]:
                total += resident_kb(pid)
            self.most = max(self.most, total / 1024)

    def stop(self):
        self.ended.set()
        self.thread.join()
        return self.most


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def resident_kb(pid):
    """Proportional, so that the libraries core and host share count once."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except OSError:
        return 0
