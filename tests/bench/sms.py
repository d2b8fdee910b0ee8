"""The suites of SMS: messages a second over SMPP beside npm smpp and Kannel, and what a million recipients cost."""
import contextlib
import json
import mmap
import os
import shutil
import signal
import sqlite3
import struct
import time

import people
from harness import PEERS, Server, free_port, node_environment, ratio, run, with_sink
from ours import Ours

TEXT = "Dear {{first}}, your {{plan}} ({{amount}}) is due {{due}} at the {{city}} desk. Bring your card and ask for {{token}}, please."
WINDOW = 50
BEARERBOX, SMSBOX = "/usr/sbin/bearerbox", "/usr/sbin/smsbox"
SETTLE_SECONDS = 60


def phones(bench, count):
    path = os.path.join(bench.work, f"phones-{count}.csv")
    if not os.path.exists(path):
        people.write_phones_csv(path, count)
    return path


def smsc(*flags):
    def start(bench):
        port = free_port()
        return Server([bench.program("peers/smsc.c"), "-p", str(port), *flags], port), port
    return start


# --- ours ---

def prepared(bench, work, port, count, **options):
    one = Ours(work, day=True)
    one.lantoa("contact", "import", phones(bench, count))
    one.apply("channel", {"name": "sms", "plugin": "sms-smpp", "window": 8000, "options": {
        "host": "127.0.0.1", "port": port, "system_id": "bench", "password": "bench", "source_addr": "BENCH", "window": WINDOW, **options}})
    one.campaign(channel="sms", content={"text": TEXT})
    one.start()
    return one


def ours(bench, name, sink, full, **options):
    """From the first claim to the turn that recorded the last answer."""
    count = bench.count(full)

    def act(work, port):
        one = prepared(bench, work, port, count, receipts="none", **options)
        wall, memory = one.serve()
        accepted, secs = one.window()
        if accepted != count:
            raise RuntimeError(f"{accepted} of {count} messages accepted")
        return accepted, secs, {"wall": round(wall, 3), "memory_mb": round(memory, 1)}
    return bench.add(f"lantoa {name}", lambda work: with_sink(bench, sink, lambda port: act(work, port)))


def until(bench, name, sink, full, state, **options):
    """From the first claim until every message is seen in that state."""
    count = bench.count(full)

    def act(work, port):
        one = prepared(bench, work, port, count, **options)
        with one.serving():
            end = one.wait_for(count, state, SETTLE_SECONDS)
        return count, end - one.first_claim()
    return bench.add(f"lantoa {name}", lambda work: with_sink(bench, sink, lambda port: act(work, port)))


# --- peers ---

def esme(bench, full):
    count = bench.count(full)
    environment = node_environment()

    def once(work):
        path = os.path.join(work, "esme.db")
        people.write_phones_sqlite(path, count)

        def act(port):
            said = run(["node", os.path.join(PEERS, "esme.js"), str(port), path, str(WINDOW), TEXT], environment)[1]
            if people.recorded(path) != count:
                raise RuntimeError("npm smpp: not every outcome is recorded")
            return said["n"], said["secs"]
        return with_sink(bench, smsc(), act)
    return bench.add("npm smpp + handlebars + better-sqlite3, window 50 > light operator", once)


KANNEL = """group = core
admin-port = {admin}
smsbox-port = {box}
admin-password = bench
status-password = bench
log-file = {work}/bearerbox.log
log-level = 4
box-allow-ip = 127.0.0.1
sms-outgoing-queue-limit = 1000000

group = smsc
smsc = smpp
smsc-id = operator
host = 127.0.0.1
port = {operator}
smsc-username = bench
smsc-password = bench
system-type = bench
transceiver-mode = 1
max-pending-submits = 100

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {port}
log-file = {work}/smsbox.log
log-level = 4

group = sendsms-user
username = bench
password = bench
user-allow-ip = 127.0.0.1
max-messages = 1

group = sms-service
keyword = default
text = none
"""


def taken(path):
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ) as count:
        return struct.unpack("=Q", count[:8])[0]


def kannel(bench, full, clients=8):
    """From the first sendsms until the operator has the last message. Its best: no store, eight clients."""
    count = bench.count(full)
    paths = os.path.join(bench.work, f"sendsms-{count}")
    with open(paths, "w", encoding="ascii") as out:
        text = "Dear+Binh,+your+plan-1+(232.000+VND)+is+due+2026-12-02+at+the+Bac+Ha+desk.+Bring+your+card+and+ask+for+t00000009e3779b1,+please."
        for i in range(1, count + 1):
            out.write(f"/cgi-bin/sendsms?username=bench&password=bench&from=BENCH&to=84{i:09d}&text={text}\n")

    def once(work):
        os.chmod(work, 0o755)
        ports = {name: free_port() for name in ("admin", "box", "port", "operator")}
        config, counted = os.path.join(work, "kannel.conf"), os.path.join(work, "count")
        with open(config, "w", encoding="ascii") as out:
            out.write(KANNEL.format(work=work, **ports))
        servers = []
        try:
            servers.append(Server([bench.program("peers/smsc.c"), "-p", str(ports["operator"]), "-C", counted], ports["operator"]))
            servers.append(Server([BEARERBOX, "-v", "4", config], ports["admin"]))
            servers.append(Server([SMSBOX, "-v", "4", config], ports["port"]))
            time.sleep(1.5)  # its bind with the operator; it says so nowhere but in its log
            start = time.monotonic()
            run([bench.program("peers/visitor.c"), "-p", str(ports["port"]), "-n", str(count), "-c", str(clients), paths])
            while taken(counted) < count:
                if time.monotonic() - start > SETTLE_SECONDS:
                    raise RuntimeError(f"Kannel: {taken(counted)} of {count} messages arrived")
                time.sleep(0.002)
            return count, time.monotonic() - start
        finally:
            for server in reversed(servers):
                server.stop()
    return bench.add("Kannel: sendsms > SMPP, no store, 8 clients > light operator", once)


# --- receipts ---

RECEIVED = 200000
ACCEPTED, DELIVERED = 4, 5


def inbox(bench):
    count = bench.count(20000)

    def once(work):
        path = os.path.join(work, "inbox.db")
        said = run([bench.program("peers/inbox.c", libraries=["-lsqlite3"]), path, str(count)])[1]
        with contextlib.closing(sqlite3.connect(path)) as db:
            kept = db.execute("SELECT count(*) FROM receipt").fetchone()[0]
        if kept != said["kept"]:
            raise RuntimeError(f"{kept} receipts of {said['kept']} messages are in the database")
        return said["n"], said["secs"]
    return bench.add("C + SQLite, receipts with a unique key, one commit per webhook (FULL)", once, "receipt")


def burst(bench):
    """By the operator's clock, from the first receipt it sends to the answer to the last; answered is only what is committed."""
    count = bench.count(RECEIVED)

    def once(work):
        path, port = os.path.join(work, "burst.json"), free_port()
        server = Server([bench.program("peers/smsc.c"), "-p", str(port), "-b", path], port)
        try:
            one = prepared(bench, work, port, count, receipts="all")
            with one.serving():
                one.wait_for(count, ACCEPTED, SETTLE_SECONDS)
                server.process.send_signal(signal.SIGUSR1)
                give_up = time.monotonic() + SETTLE_SECONDS
                while not os.path.exists(path):
                    if time.monotonic() > give_up:
                        raise RuntimeError("not every receipt is answered")
                    time.sleep(0.02)
        finally:
            server.stop()
        with open(path, encoding="ascii") as file:
            said = json.load(file)
        with one.reader() as db:
            delivered = db.execute("SELECT count(*) FROM message WHERE state = ?", (DELIVERED,)).fetchone()[0]
        if delivered != count or said["refused"]:
            raise RuntimeError(f"{delivered} of {count} messages delivered, {said['refused']} receipts refused")
        return said["n"], said["secs"]
    return bench.add("lantoa, receipts over SMPP in one burst, every tenth twice (FULL)", once, "receipt")


def receipts(bench):
    peer, mine = inbox(bench), burst(bench)
    bench.demand("receipts taken in idempotently : one commit per webhook, FULL", 30, lambda: ratio(mine, peer))


# --- suites ---

def sms(bench):
    mine = ours(bench, "SMS, window 50 > light operator", smsc(), 200000)
    node = esme(bench, 20000)
    gateway = kannel(bench, 20000)
    far = ours(bench, "SMS, operator 20 ms away, window 50", smsc("-d", "20"), 10000)
    silent = until(bench, "SMS, no receipts asked for, until recorded", smsc(), 100000, 4, receipts="none")
    told = until(bench, "SMS, a receipt for every message, until recorded", smsc("-r"), 100000, 5, receipts="all")
    bench.demand("durable SMS over SMPP, window 50 : npm smpp + better-sqlite3", 8, lambda: ratio(mine, node))
    bench.demand("the same : Kannel from sendsms to SMPP at its best", 15, lambda: ratio(mine, gateway))
    bench.demand("operator 20 ms away : window / round trip", 0.9, lambda: far.median / (WINDOW / 0.020) if far.median else None)
    bench.demand("a receipt for every message : no receipts", 0.75, lambda: ratio(told, silent))


def cost(bench):
    count = bench.count(1000000)
    folder = os.path.join(bench.work, "cost")

    def once(work):
        if not os.path.exists(folder):
            os.mkdir(folder)
            made = Ours(folder)
            made.lantoa("contact", "import", phones(bench, count))
        one = Ours(work)
        shutil.rmtree(one.data)
        shutil.copytree(os.path.join(folder, "data"), one.data)
        one.apply("channel", {"name": "sms", "plugin": "sms-smpp", "options": {"host": "127.0.0.1", "port": 1, "system_id": "bench"},
                              "prices": [{"from": "2026-01-01", "minor": 800}, {"from": "2026-01-01", "operator": "viettel", "minor": 700}]})
        one.campaign(channel="sms", content={"text": TEXT})
        start = time.monotonic()
        told = one.json("campaign", "cost", "bench")
        secs = time.monotonic() - start
        if told["messages"] != count or not told["cost"]:
            raise RuntimeError(f"cost of {told['messages']} messages of {count}: {told['cost']}")
        return count, secs
    mine = bench.add("lantoa campaign cost (rendered person by person)", once, "recipient")
    bench.demand("exact cost of 1,000,000 recipients, seconds", None, lambda: 1e6 / mine.median if mine.median else None, most=10)
