"""What is measured: the contenders of each suite and what is demanded of us."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time

import door
import people
import report
import rtp
import sms
import stations
import whole
from harness import BUILD, HERE, PEERS, Contender, Server, compile_c, free_port, node_environment, ratio, run, say, with_sink
from ours import ENVIRONMENT, LANTOA, Ours

SMTP_SINK, SMTP_SOURCE = "/usr/sbin/smtp-sink", "/usr/sbin/smtp-source"


class Demand:
    """A ratio (or a time, or a size) and its limit."""

    def __init__(self, suite, what, least, value, most=None):
        self.suite, self.what, self.least, self.most, self.ask = suite, what, least, most, value

    @property
    def value(self):
        return self.ask()

    @property
    def met(self):
        value = self.value
        if value is None:
            return False
        return value >= self.least if self.least is not None else value <= self.most


class Bench:
    def __init__(self, scale):
        self.scale = scale
        self.contenders, self.demands, self.later, self.told = [], [], [], []
        self.suite = None  # the one that is being prepared
        self.of_suite = {}  # its contenders; some belong to several
        self.figures = {}  # by suite, then by name
        self.work = tempfile.mkdtemp(prefix="lantoa-bench-shared.")
        self.programs = {}

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def count(self, full):
        return max(100, int(full * self.scale))

    def program(self, name, product=False, libraries=()):
        if name not in self.programs:
            self.programs[name] = compile_c(name, product, libraries)
        return self.programs[name]

    def csv(self, count):
        path = os.path.join(self.work, f"people-{count}.csv")
        if not os.path.exists(path):
            people.write_csv(path, count)
        return path

    def add(self, name, once, unit="msg"):
        found = next((one for one in self.contenders if one.name == name), None)
        if not found:
            found = Contender(name, once, unit)
            self.contenders.append(found)
        mine = self.of_suite.setdefault(self.suite, [])
        if found not in mine:
            mine.append(found)
        return found

    def prepare(self, suite):
        self.suite = suite
        self.figures[suite] = {}
        ALL[suite](self)

    def demand(self, what, least, value, most=None):
        self.demands.append(Demand(self.suite, what, least, value, most))

    def tell(self, what, value):
        """A figure nobody demands, worked out when all rounds are over."""
        self.told.append((self.suite, what, value))

    def once(self):
        for measure in self.later:
            measure()
        for suite, what, value in self.told:
            self.figures[suite][what] = round(value() or 0, 2)


# --- sinks ---

def postfix_sink(bench):
    port = free_port()
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    return Server([SMTP_SINK, *user, f"127.0.0.1:{port}", "1000"], port), port


def light_sink(*flags):
    def start(bench):
        port = free_port()
        return Server([bench.program("peers/sink.c"), "-p", str(port), *flags], port), port
    return start


# --- contenders ---

def ours(bench, name, sink, full, **channel):
    count = bench.count(full)

    def once(work):
        return with_sink(bench, sink, lambda port: Ours(work).deliver(bench.csv(count), count, port, **channel))
    return bench.add(f"lantoa {name}", once)


def pump(bench, name, sink, full, *flags):
    count = bench.count(full)

    def once(_work):
        def act(port):
            said = run([bench.program("peers/pump.c"), "-p", str(port), "-n", str(count), *flags])[1]
            return said["n"], said["secs"]
        return with_sink(bench, sink, act)
    return bench.add(name, once)


def smtp_source(bench, full):
    count = bench.count(full)

    def once(_work):
        command = [SMTP_SOURCE, "-s", "10", "-d", "-l", "1864", "-m", str(count), "-f", "a@sender.example", "-t", "b@dest.example"]
        return with_sink(bench, postfix_sink, lambda port: (count, run([*command, f"127.0.0.1:{port}"])[0]))
    return bench.add("smtp-source -d -s 10 > smtp-sink", once)


def nodemailer(bench, full):
    count = bench.count(full)
    environment = node_environment()

    def once(work):
        path = os.path.join(work, "mailer.db")
        people.write_sqlite(path, count)

        def act(port):
            command = ["node", os.path.join(PEERS, "mailer.js"), str(port), path, os.path.join(HERE, "content.json")]
            said = run(command, environment)[1]
            if people.recorded(path) != count:
                raise RuntimeError("nodemailer: not every outcome is recorded")
            return said["n"], said["secs"]
        return with_sink(bench, light_sink(), act)
    return bench.add("nodemailer + handlebars + better-sqlite3 > light sink", once)


# --- suites ---

def email(bench):
    source = smtp_source(bench, 30000)
    to_postfix = ours(bench, "> smtp-sink", postfix_sink, 60000)
    raw = pump(bench, "raw pipelined C pump > light sink", light_sink("-n"), 200000)
    plain = ours(bench, "> light sink, no CHUNKING", light_sink("-n"), 150000)
    chunked = ours(bench, "> light sink, CHUNKING", light_sink(), 200000)
    node = nodemailer(bench, 10000)
    lock_step = pump(bench, "lock-step client, 10 connections, 20 ms away", light_sink("-d", "20"), 500, "-l")
    far = ours(bench, "20 ms away, no CHUNKING", light_sink("-d", "20", "-n"), 3000)
    far_chunked = ours(bench, "20 ms away, CHUNKING", light_sink("-d", "20"), 20000)
    bench.demand("durable email to smtp-sink : smtp-source", 1.5, lambda: ratio(to_postfix, source))
    bench.demand("the same to the light sink : raw pipelined C pump", 0.5, lambda: ratio(chunked, raw))
    bench.tell("without CHUNKING, to the light sink : raw pipelined C pump", lambda: ratio(plain, raw))
    bench.demand("the same : nodemailer", 20, lambda: ratio(plain, node))
    bench.demand("the same with CHUNKING : nodemailer", 40, lambda: ratio(chunked, node))
    bench.demand("20 ms away : lock-step client", 3.5, lambda: ratio(far, lock_step))
    bench.demand("20 ms away with CHUNKING : lock-step client", 20, lambda: ratio(far_chunked, lock_step))


def wall(bench):
    """The same code without the process: frames, journal and socket are what the difference shows."""
    count = bench.count(150000)
    hosted = ours(bench, "> light sink, no CHUNKING", light_sink("-n"), 150000)

    def once(work):
        def act(port):
            one = Ours(work)
            one.lantoa("contact", "import", bench.csv(count))
            one.channel(port)
            one.campaign()
            one.start()
            program = bench.program("inprocess.c", product=True)
            run([program, one.data, "email", os.path.join(BUILD, "plugins", "email.so")], ENVIRONMENT)
            accepted, secs = one.window()
            if accepted != count:
                raise RuntimeError(f"{accepted} of {count} messages accepted")
            return accepted, secs
        return with_sink(bench, light_sink("-n"), act)
    inside = bench.add("the plugin in the core > light sink, no CHUNKING", once)
    bench.demand("channel in its own process : the same code in the core", 0.85, lambda: ratio(hosted, inside))


def contact_import(bench):
    count = bench.count(1000000)
    path = os.path.join(bench.work, "registry.csv")
    people.write_plain_csv(path, count)

    def by_sqlite(work):
        database = os.path.join(work, "peer.db")
        run(["sqlite3", database, "PRAGMA journal_mode=WAL", "CREATE TABLE contact(id INTEGER PRIMARY KEY, email TEXT, phone TEXT, first TEXT, "
             "last TEXT, city TEXT, lang TEXT, token TEXT)", "CREATE UNIQUE INDEX contact_phone ON contact (phone)"])
        secs = run(["sqlite3", database, ".mode csv", f".import --skip 1 {path} contact"])[0]
        return rows_of(database, count), secs

    def by_us(work):
        one = Ours(work)
        secs = run([LANTOA, "--data", one.data, "contact", "import", path, "--map", "id=ref", "--map", "last=name"], ENVIRONMENT)[0]
        return rows_of(os.path.join(one.data, "lantoa.db"), count), secs
    peer = bench.add("sqlite3 .import, typed table with a unique index", by_sqlite, "row")
    mine = bench.add("lantoa contact import", by_us, "row")
    bench.demand("contact import : sqlite3 .import", 0.6, lambda: ratio(mine, peer))


def rows_of(database, expected):
    db = sqlite3.connect(database)
    count = db.execute("SELECT count(*) FROM contact").fetchone()[0]
    db.close()
    if count != expected:
        raise RuntimeError(f"{count} of {expected} rows arrived")
    return count


def render(bench):
    template = os.path.join(HERE, "render.html")
    environment = node_environment()

    def by_node(_work):
        said = run(["node", os.path.join(PEERS, "render.js"), template, str(bench.count(300000))], environment)[1]
        bench.figures["render"]["bytes of a render, handlebars"] = said["bytes"] / said["n"]
        return said["n"], said["secs"]

    def by_us(_work):
        said = run([bench.program("render.c", product=True), template, str(bench.count(3000000))])[1]
        bench.figures["render"]["bytes of a render, lantoa"] = said["bytes"] / said["n"]
        return said["n"], said["secs"]
    peer = bench.add("handlebars, compiled", by_node, "render")
    mine = bench.add("lantoa template, HTML-escaped", by_us, "render")
    bench.demand("rendering, HTML-escaped : handlebars compiled", 10, lambda: ratio(mine, peer))


def folder_of(bench, count):
    """A data folder with that many contacts, made once; measurements work on copies."""
    path = os.path.join(bench.work, f"folder-{count}")
    if not os.path.exists(path):
        os.mkdir(path)
        one = Ours(path)
        one.lantoa("contact", "import", bench.csv(count))
        one.channel(1)
    return os.path.join(path, "data")


def copy_of(bench, work, count):
    one = Ours(work)
    shutil.rmtree(one.data)
    shutil.copytree(folder_of(bench, count), one.data)
    return one


PLAN_EXPRESSION = "(city in ('Bac Ha', 'Hoa An', 'Lam Giang') or has email) and not enrolled"


def plan(bench):
    count = bench.count(1000000)
    folder_of(bench, count)

    def once(work):
        one = copy_of(bench, work, count)
        one.campaign(audience=PLAN_EXPRESSION, holdout={"percent": 10, "unit": "contact"})
        start = time.monotonic()
        one.lantoa("campaign", "plan", "bench")
        secs = time.monotonic() - start
        db = sqlite3.connect(os.path.join(one.data, "lantoa.db"))
        rows = db.execute("SELECT count(*) FROM message").fetchone()[0]
        db.close()
        if rows != count:
            raise RuntimeError(f"{rows} of {count} people planned")
        return rows, secs
    mine = bench.add("lantoa campaign plan (segment, holdout)", once, "recipient")
    bench.demand("planning 1,000,000 recipients, seconds", None, lambda: 1e6 / mine.median if mine.median else None, most=10)


def dkim(bench):
    """RSA-2048. The channel host signs on one thread, so one core of OpenSSL's own measurement is the yardstick."""
    key = os.path.join(bench.work, "dkim.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key], check=True,
                   stderr=subprocess.DEVNULL)

    def by_openssl(_work):
        done = subprocess.run(["openssl", "speed", "-mr", "-seconds", "3", "rsa2048"], check=True, capture_output=True, text=True)
        found = re.search(r"^\+F2:\d+:2048:([\d.]+)", done.stdout, re.M)
        if not found:
            raise RuntimeError(f"openssl speed said: {done.stdout[-300:]}")
        return float(found.group(1)), 1.0
    bare = bench.add("openssl speed rsa2048, one core", by_openssl, "signature")
    mine = ours(bench, "> light sink, DKIM RSA-2048", light_sink(), 8000,
                options={"dkim_key": key, "dkim_selector": "bench", "dkim_domain": "sender.example"})
    bench.demand("DKIM RSA-2048 on : bare OpenSSL", 0.8, lambda: ratio(mine, bare))


def memory(bench):
    """Once, after the rounds: the larger campaign takes a minute."""
    sizes = (bench.count(10000), bench.count(1000000))

    def measure():
        for size in sizes:
            work = tempfile.mkdtemp(prefix="lantoa-bench.")
            try:
                one = copy_of(bench, work, size)
                server, port = light_sink()(bench)
                try:
                    one.channel(port)
                    one.campaign()
                    one.start()
                    secs, most = one.serve()
                finally:
                    server.stop()
                if one.window()[0] != size:
                    raise RuntimeError(f"not all of {size} messages accepted")
                bench.figures["memory"][f"memory of core + host at {size:,} recipients, MB"] = round(most, 1)
                say(f"  memory at {size:,} recipients: {most:.1f} MB ({secs:.1f} s)")
            finally:
                shutil.rmtree(work, ignore_errors=True)

    def more():
        low, high = (bench.figures["memory"].get(f"memory of core + host at {size:,} recipients, MB") for size in sizes)
        return high - low if low is not None and high is not None else None
    bench.later.append(measure)
    bench.demand("memory at 1,000,000 recipients above that at 10,000, MB", None, more, most=20)


def airtime(bench):
    """The planner alone: every station of the country's list, four airings a day for thirty days."""
    def once(_work):
        done = subprocess.run([bench.program("airtime.c", product=True), "2193"], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        return found["n"], found["secs"]
    mine = bench.add("lantoa airtime planner, 2,193 stations x 30 days x 4", once, "airing")
    bench.demand("planning 263,160 airings, seconds", None, lambda: 263160 / mine.median if mine.median else None, most=5)
    stations.booked(bench)


def receipts(bench):
    sms.receipts(bench)
    door.callbacks(bench)


def whole_campaign(bench):
    whole.whole(bench, lambda act: with_sink(bench, light_sink(), act))


def rtp_streams(bench):
    """No peer: how evenly 200 streams leave on one core, against the 5 ms that are demanded."""
    got = {}

    def once():
        got.update(rtp.measure(os.path.join(BUILD, "tests", "loudspeaker_rig"), bench.count(200), 10, "pcmu"))
    bench.later.append(once)
    bench.demand("RTP streams delivered whole of 200, at once on one core", bench.count(200), lambda: got.get("delivered") * (got["packets"] == got["expected"]))
    bench.demand("RTP packets, 95th percentile of lateness, ms", None, lambda: got.get("late_p95_ms"), 5)
    bench.tell("RTP packets, 99th percentile of lateness, ms", lambda: got.get("late_p99_ms"))
    bench.tell("RTP packets, 95th percentile of the change between gaps, ms", lambda: got.get("gap_jitter_p95_ms"))
    bench.tell("per cent of one core for them", lambda: got.get("cpu_percent"))


ALL = {"email": email, "wall": wall, "import": contact_import, "render": render, "plan": plan, "dkim": dkim, "memory": memory,
       "sms": sms.sms, "cost": sms.cost, "clicks": door.clicks, "receipts": receipts, "airtime": airtime, "rtp": rtp_streams, "report": report.report,
       "whole": whole_campaign}
