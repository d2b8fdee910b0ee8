"""What strangers and gateways send wrong to the HTTP door: too large, too slow, too many, unknown. The door stays open, and nothing else changes."""
import json
import pathlib
import resource
import socket
import time

from rig.build import START, campaign, outbox_channel, step
from rig.program import eventually
from rig.sms import phones, sms_text
from test_http_door import Door
from test_sms_http import DECLARED, Gateway

CALLBACKS = {"kinds": [{"kind": "receipt", "has": "{{form.status}}", "ref": "{{form.id}}", "status": "{{form.status}}",
                        "map": {"DELIVRD": "delivered", "UNDELIV": "failed"}}]}


def test_a_call_back_of_five_megabytes(data, made):
    made.init(outbox_channel())
    door = Door(data)
    body = b"x" * (5 << 20)
    assert door.ask("POST", "/hook/outbox", body=body).status == 413
    # The same without a length that is stated.
    assert door.ask("POST", "/hook/outbox", body=iter([body[:1 << 16]] * 80)).status == 413
    assert data.sql("SELECT count(*) FROM hook") == [(0,)]
    assert door.get("/healthz").status == 200
    assert door.ask("POST", "/hook/outbox", body=b"small").status == 200
    door.serve.stop()


def drip(port, count, until, head):
    """So many connections that send one byte of a head a time until the door hangs up; when the last was gone."""
    socks = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(count)]
    start = time.monotonic()
    number = 0
    for sock in socks:
        sock.setblocking(False)
    while socks and time.monotonic() - start < until:
        for sock in list(socks):
            try:
                sock.send(head[number:number + 1])
                if sock.recv(4096) == b"":
                    raise ConnectionError
            except BlockingIOError:
                pass
            except OSError:
                sock.close()
                socks.remove(sock)
        number += 1
        time.sleep(0.25)
    left = len(socks)
    for sock in socks:
        sock.close()
    return left, time.monotonic() - start


def test_heads_that_drip_are_cut_off(data, made):
    made.init(outbox_channel())
    door = Door(data)
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as kept:
        left, took = drip(door.port, 20, 45, b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 1000)
        assert left == 0 and 10 < took < 40, (left, took)
        assert door.get("/healthz").status == 200
        kept.close()
    door.serve.stop()


def test_more_connections_than_there_is_room_for(data, made):
    made.init(outbox_channel())
    # 640 descriptors: room for 440 connections.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (640, hard))
    try:
        door = Door(data)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    socks = []
    try:
        for _ in range(600):
            socks.append(socket.create_connection(("127.0.0.1", door.port), timeout=20))
        for sock in socks[:200]:
            sock.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        for sock in socks[:200]:
            assert sock.recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        for sock in socks:
            sock.close()
    eventually(lambda: door.get("/healthz").status == 200, 20, 0.1, "the door takes new connections")
    assert door.ask("POST", "/hook/outbox", body=b"x").status == 200
    door.serve.stop()


def test_a_receipt_for_an_unknown_id(data, made, scratch):
    gateway = Gateway()
    path = pathlib.Path(scratch) / "gateway.json"
    path.write_text(json.dumps({**DECLARED, "callbacks": CALLBACKS}), encoding="utf-8")
    made.init({"name": "sms", "plugin": "sms-http", "window": 20, "options": {"declaration": str(path), "base_url": gateway.url}},
              contacts=phones(4, "0124"))
    made.start(campaign(steps=[step(channel="sms", content=sms_text())]))
    data.until_idle("--clock", f"{START},x1")
    assert data.states("c") == {"accepted": 4}
    refs = [f"G{row['id']}" for row in gateway.seen]
    gateway.end()
    door = Door(data, "--clock", f"{START[:11]}09:00:00+07:00,x1")
    for body in ("id=NOBODY&status=DELIVRD", f"id={refs[0]}&status=WHO-KNOWS", "rubbish", f"id={refs[1]}&status=DELIVRD", ""):
        assert door.ask("POST", "/hook/sms", body=body).status == 200
    eventually(lambda: data.sql("SELECT count(*) FROM hook WHERE done_at IS NULL") == [(0,)], 20, 0.1, "all call-backs are worked off")
    assert data.states("c") == {"accepted": 3, "delivered": 1}
    assert data.sql("SELECT count(*) FROM hook") == [(5,)], "what came in stays as evidence"
    door.serve.stop()
