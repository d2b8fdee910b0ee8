"""What was answered is in the database: kill -9 under load, a full group, a database that takes no writes."""
import contextlib
import http.client
import os
import signal
import socket
import sqlite3
import struct
import threading
import time

from rig.build import outbox_channel
from test_http_door import HUMAN, Door, sent_campaign


def ask_until_dead(port, asks, log, lock):
    """One connection, asks in order; what was answered goes into log."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.suppress(OSError, http.client.HTTPException):
        for method, path, body in asks:
            connection.request(method, path, body=body, headers=HUMAN)
            answer = connection.getresponse()
            answer.read()
            with lock:
                log.append((path, body, answer.status))
    connection.close()


def load(port, lists):
    log, lock = [], threading.Lock()
    threads = [threading.Thread(target=ask_until_dead, args=(port, asks, log, lock)) for asks in lists]
    for thread in threads:
        thread.start()
    return log, threads


def test_every_answered_click_survives_kill(data, made):
    codes, _ = sent_campaign(data, made, count=50)
    door = Door(data, "--http-threads", "2")
    asks = [[("GET", f"/t/{codes[(n + k) % 100]}", None) for n in range(1250)] for k in range(8)]
    log, threads = load(door.port, asks)
    while len(log) < 4000 and any(thread.is_alive() for thread in threads):
        time.sleep(0.002)
    os.kill(door.serve.pid, signal.SIGKILL)
    door.serve.process.wait()
    for thread in threads:
        thread.join()
    assert 4000 <= len(log) < 10000 and {status for _, _, status in log} == {302}
    kept = data.sql("SELECT count(*) FROM click")[0][0]
    assert len(log) <= kept <= len(log) + 8, "at most one click a connection was kept without its answer"
    assert data.sql("PRAGMA integrity_check") == [("ok",)]
    # And it goes on from there.
    again = Door(data)
    assert again.get(f"/t/{codes[0]}").status == 302
    assert data.sql("SELECT count(*) FROM click")[0][0] == kept + 1
    again.serve.stop()


def test_every_answered_call_back_survives_kill(data, made):
    made.init(outbox_channel())
    door = Door(data)
    asks = [[("POST", "/hook/outbox", f"receipt {k}-{n}") for n in range(1000)] for k in range(8)]
    log, threads = load(door.port, asks)
    while len(log) < 2000 and any(thread.is_alive() for thread in threads):
        time.sleep(0.002)
    os.kill(door.serve.pid, signal.SIGKILL)
    door.serve.process.wait()
    for thread in threads:
        thread.join()
    kept = {body.decode() for body, in data.sql("SELECT body FROM hook")}
    answered = {body for _, body, status in log if status == 200}
    assert len(answered) >= 2000 and answered <= kept


def test_a_polite_end_answers_all(data, made):
    codes, _ = sent_campaign(data, made, count=5)
    door = Door(data)
    log, threads = load(door.port, [[("GET", f"/t/{codes[0]}", None)] * 2000 for _ in range(4)])
    while len(log) < 500:
        time.sleep(0.002)
    assert door.serve.stop() == 0
    for thread in threads:
        thread.join()
    redirected = sum(status == 302 for _, _, status in log)
    assert {status for _, _, status in log} <= {302, 503}
    assert redirected <= data.sql("SELECT count(*) FROM click")[0][0] <= redirected + 4


def test_a_database_that_is_locked(data, made):
    """While somebody else writes, nothing is answered too early; when it takes too long, it is refused and not lost silently."""
    codes, _ = sent_campaign(data, made, count=2)
    door = Door(data)
    with contextlib.closing(sqlite3.connect(data.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        log, threads = load(door.port, [[("GET", f"/t/{codes[0]}", None)]])
        time.sleep(1.5)
        assert log == []
        assert door.get("/healthz").status == 200
        other.execute("ROLLBACK")
        threads[0].join()
        assert [status for _, _, status in log] == [302]
        other.execute("BEGIN IMMEDIATE")
        log, threads = load(door.port, [[("GET", f"/t/{codes[0]}", None)]])
        threads[0].join()
        assert [status for _, _, status in log] == [503]
        assert door.get("/healthz").status == 503
        other.execute("ROLLBACK")
    assert door.get(f"/t/{codes[0]}").status == 302
    assert door.get("/healthz").status == 200
    assert data.sql("SELECT count(*) FROM click")[0][0] == 2
    door.serve.stop()


def test_who_hangs_up_while_it_waits_is_counted_and_harms_nobody(data, made):
    codes, _ = sent_campaign(data, made, count=5)
    door = Door(data)
    with contextlib.closing(sqlite3.connect(data.database, isolation_level=None)) as other:
        for _ in range(20):
            other.execute("BEGIN IMMEDIATE")
            socks = [socket.create_connection(("127.0.0.1", door.port), timeout=20) for _ in range(10)]
            for number, sock in enumerate(socks):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
                sock.sendall(f"GET /t/{codes[number]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                if number % 2:
                    sock.close()
            assert door.get("/healthz").status == 200
            for sock in socks:
                sock.close()
            other.execute("ROLLBACK")
    assert door.get(f"/t/{codes[0]}").status == 302
    # A request that was reset before it was read leaves none.
    assert 1 <= data.sql("SELECT count(*) FROM click")[0][0] <= 201
    assert door.get("/healthz").status == 200
    assert door.serve.stop() == 0
