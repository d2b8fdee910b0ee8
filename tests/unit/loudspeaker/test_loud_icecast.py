"""Icecast: what a listener records is the material, over several mounts, restarts of the server and emergencies."""
import contextlib
import json
import os
import pathlib
import pwd
import socket
import subprocess
import threading
import time
import urllib.request

import pytest

from loud_rig import at, certificate, decoded, free_port, level, millis, peer, power, rig, runs, tone

CONFIG = """<icecast><limits><clients>100</clients><sources>50</sources><burst-size>0</burst-size><source-timeout>5</source-timeout></limits>
<authentication><source-password>hackme00</source-password><admin-user>admin</admin-user><admin-password>adm</admin-password></authentication>
<hostname>localhost</hostname><listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>{tls}
<paths><basedir>{folder}</basedir><logdir>{folder}/log</logdir><webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>{pem}</paths>
<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>
<security><chroot>0</chroot>{owner}</security></icecast>"""


@contextlib.contextmanager
def icecast(folder, port, tls_port=0):
    """A private server; as root it has to become somebody else. With TLS it has FOLDER/cert.pem and FOLDER/server.pem."""
    folder = pathlib.Path(folder)
    (folder / "log").mkdir(parents=True, exist_ok=True)
    owner = ""
    if os.geteuid() == 0:
        owner = "<changeowner><user>icecast2</user><group>icecast</group></changeowner>"
        for part in [folder, *(part for part in folder.parents if "pytest-of" in str(part))]:
            part.chmod(0o755)
        os.chown(folder / "log", pwd.getpwnam("icecast2").pw_uid, -1)
    more = {"tls": "", "pem": ""}
    if tls_port:
        more = {"tls": f"<listen-socket><port>{tls_port}</port><bind-address>127.0.0.1</bind-address><ssl>1</ssl></listen-socket>",
                "pem": f"<ssl-certificate>{folder}/server.pem</ssl-certificate>"}
        cert, key = certificate(folder)
        (folder / "server.pem").write_text(cert.read_text() + key.read_text())
    (folder / "ice.xml").write_text(CONFIG.format(port=port, folder=folder, owner=owner, **more))
    for _ in range(3):
        with peer(["icecast2", "-c", folder / "ice.xml"], port) as server:
            if answers(port):
                yield server
                return
    raise AssertionError(f"icecast2 hangs: {(folder / 'log' / 'error.log').read_text()[-1000:]}")


def answers(port):
    """Icecast may stand still for ever while it starts, with its port open, on a machine that is busy."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.settimeout(5)
        link.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
        return link.recv(12).startswith(b"HTTP/1.0")


@contextlib.contextmanager
def server(tmp_path):
    port = free_port()
    with icecast("/tmp/" + tmp_path.parent.name + tmp_path.name + "-ice", port):
        (tmp_path / "keys").write_text(f"127.0.0.1:{port} hackmehackme\n")
        yield port


def keys(port, password="hackme00"):
    return f"127.0.0.1:{port} {password}"


@pytest.fixture(name="ice")
def ice_fixture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ice")
    port = free_port()
    with icecast(folder, port) as process:
        yield port, process, folder


class Listener(threading.Thread):
    """Listens to a mount from before its source is there; keeps what came, with times."""

    def __init__(self, port, mount):
        super().__init__(daemon=True)
        self.port, self.mount, self.heard, self.pieces, self.ends = port, mount, b"", [], False
        self.start()

    def run(self):
        while not self.ends:
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.mount}", timeout=5) as stream:
                    while not self.ends and (piece := stream.read1(4096)):
                        self.heard += piece
                        self.pieces.append((time.monotonic(), len(self.heard)))
            time.sleep(0.1)

    def until(self, count, seconds=20):
        end = time.monotonic() + seconds
        while len(self.heard) < count:
            assert time.monotonic() < end, f"heard {len(self.heard)} bytes"
            time.sleep(0.02)

    def write(self, out):
        out.write_bytes(self.heard)
        return out

    def stop(self, out):
        stop_all([self])
        return self.write(out)


def codec(path):
    words = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", path]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[0]


def stop_all(listeners):
    """Once the sources have gone: nothing comes any more."""
    sizes = None
    while sizes != [len(ear.heard) for ear in listeners]:
        sizes = [len(ear.heard) for ear in listeners]
        time.sleep(0.5)
    for ear in listeners:
        ear.ends = True


def test_listeners_hear_the_material(tmp_path, ice):
    """Every kind of recording and ten mounts at once, three of them MP3 whatever the recording is. A first recording brings the listeners in; the second is heard whole."""
    port, _, _ = ice
    call = {suffix: tone(tmp_path / f"call{suffix}", 2.5, 300, level=0.4) for suffix in (".ogg", ".mp3")}
    materials = [(tone(tmp_path / f"a{suffix}", 2.5, 1000, level=0.4), 1000) for suffix in (".ogg", ".wav", ".mp3")]
    low, high = tone(tmp_path / "low.ogg", 2.5, 500, level=0.4), tone(tmp_path / "high.ogg", 2.5, 2000, level=0.4)
    materials += [(low, 500) if i % 2 else (high, 2000) for i in range(7)]
    with rig(tmp_path / "state", keys=keys(port)) as loud:
        mounts = [f"/loa-{i}" if i < 7 else f"/loa-{i}.mp3" for i in range(10)]
        ears = [Listener(port, mount) for mount in mounts]
        start, sent = at(0.5), []
        for i, (material, _) in enumerate(materials):
            where = f"icecast://source@127.0.0.1:{port}{mounts[i]}"
            sent += [loud.send(where, call[".mp3" if material.suffix == ".mp3" else ".ogg"], start=start), loud.send(where, material, start=start)]
        assert {loud.result(key)["result"] for key in sent} == {"sent"}
        events = [loud.event(key) for key in sent]
        stop_all(ears)
    assert all(event["event"] == "delivered" and abs(json.loads(event["detail"])["played_ms"] - 2500) < 120 for event in events)
    for i, (ear, (_, hertz)) in enumerate(zip(ears, materials)):
        samples = decoded(ear.write(tmp_path / f"heard-{i}"))
        (since, until), = runs(samples, hertz)
        assert 2.3 < until - since < 2.6
        heard = samples[round((since + 0.1) * 16000):round((until - 0.1) * 16000)]
        assert power(heard, hertz) > 0.95 and abs(level(heard) - 0.4 / 2 ** 0.5) < 0.04
        assert codec(tmp_path / f"heard-{i}") == ("mp3" if i in (2, 7, 8, 9) else "opus")


def test_an_emergency_interrupts_and_the_earlier_goes_on(tmp_path, ice):
    port, _, _ = ice
    where = f"icecast://source@127.0.0.1:{port}/loa.ogg"
    with rig(tmp_path / "state", keys=keys(port)) as loud:
        ear = Listener(port, "/loa.ogg")
        first = loud.send(where, tone(tmp_path / "low.ogg", 5, 500))
        ear.until(12000)
        asked = time.time()
        emergency = loud.event(loud.send(where, tone(tmp_path / "high.ogg", 1.5, 2000), priority="emergency"))
        event = loud.event(first)
        samples = decoded(ear.stop(tmp_path / "heard"))
    start = json.loads(emergency["detail"])["start"]
    assert millis(start) / 1000 - asked < 2, "an emergency starts within 2 s"
    assert event["event"] == "delivered" and json.loads(event["detail"])["played_ms"] > 4900
    high, low = runs(samples, 2000), runs(samples, 500)
    assert 1.2 < sum(end - since for since, end in high) < 1.8
    assert sum(end - since for since, end in low) > 4
    assert low[0][0] < high[0][0] < low[-1][0], "before, during, after"


def test_what_follows_at_once_needs_no_new_connection(tmp_path, ice):
    port, _, folder = ice
    where = f"icecast://source@127.0.0.1:{port}/loa.ogg"
    start = at(0.5)
    with rig(tmp_path / "state", keys=keys(port)) as loud:
        sent = [loud.send(where, tone(tmp_path / f"{i}.ogg", 1, 500 + 500 * i), start=start) for i in range(3)]
        events = [loud.event(key) for key in sent]
    assert {event["event"] for event in events} == {"delivered"}, events
    end, connections = time.monotonic() + 20, []
    while not connections:  # written when the connection ends
        assert time.monotonic() < end
        time.sleep(0.05)
        log = (folder / "log" / "access.log").read_text().splitlines()
        connections = [line for line in log if '"SOURCE /loa.ogg' in line and '" 200 ' in line]
    assert len(connections) == 1


def test_a_server_that_is_away_until_the_end_is_a_miss(tmp_path):
    port = free_port()
    with rig(tmp_path / "state", keys=keys(port)) as loud:
        key = loud.send(f"icecast://source@127.0.0.1:{port}/loa.ogg", tone(tmp_path / "a.ogg", 1), ends=at(3))
        event = loud.event(key)
    assert event["event"] == "failed" and event["reason"] == "unreachable" and event["detail"].startswith("missed: device offline (")


def test_a_server_that_comes_in_time_is_none(tmp_path, tmp_path_factory):
    port, folder = free_port(), tmp_path_factory.mktemp("ice")
    with rig(tmp_path / "state", keys=keys(port)) as loud:
        key = loud.send(f"icecast://source@127.0.0.1:{port}/loa.ogg", tone(tmp_path / "a.ogg", 1), ends=at(20))
        loud.result(key)
        with icecast(folder, port):
            assert loud.event(key)["event"] == "delivered"


def test_a_server_that_dies_and_returns_mends(tmp_path, ice):
    port, process, folder = ice
    where = f"icecast://source@127.0.0.1:{port}/loa.ogg"
    with rig(tmp_path / "state", keys=keys(port), resume_within="20s") as loud:
        ear = Listener(port, "/loa.ogg")
        key = loud.send(where, tone(tmp_path / "a.ogg", 4))
        ear.until(12000)
        process.kill()
        process.wait()
        with icecast(folder, port):
            mended = loud.event(key)
        ear.ends = True
    assert mended["event"] == "delivered"


def test_a_server_that_dies_and_stays_away_cuts(tmp_path, ice):
    port, process, _ = ice
    with rig(tmp_path / "state", keys=keys(port), resume_within="1s") as loud:
        ear = Listener(port, "/loa.ogg")
        key = loud.send(f"icecast://source@127.0.0.1:{port}/loa.ogg", tone(tmp_path / "a.ogg", 20))
        ear.until(12000)
        process.kill()
        process.wait()
        cut = loud.event(key)
        ear.ends = True
    assert cut["event"] == "failed" and cut["detail"].startswith("cut: device lost at ") and "of 20 s played, from 20" in cut["detail"]


@pytest.mark.parametrize("words", ["", "127.0.0.1:1 wrongwrong"])
def test_a_wrong_password_is_a_miss_in_words(tmp_path, ice, words):
    port, _, _ = ice
    with rig(tmp_path / "state", keys=words or keys(port, "wrongwrong")) as loud:
        key = loud.send(f"icecast://source@127.0.0.1:{port}/loa.ogg", tone(tmp_path / "a.ogg", 1), ends=at(2))
        detail = loud.event(key)["detail"]
    assert ("no password" if words else "ogin failed") in detail and "wrongwrong" not in detail


def test_over_tls_to_who_proves_itself(tmp_path, tmp_path_factory, monkeypatch):
    """With the certificate to trust the listener hears it; without it nothing is sent, and the password least of all."""
    monkeypatch.setenv("LSAN_OPTIONS", os.environ.get("LSAN_OPTIONS", "").replace("leaks.supp", "leaks-icecasts.supp"))
    port, tls_port, folder = free_port(), free_port(), tmp_path_factory.mktemp("ice")
    where = f"icecasts://source@127.0.0.1:{tls_port}/loa.ogg"
    with icecast(folder, port, tls_port):
        ear = Listener(port, "/loa.ogg")
        material = tone(tmp_path / "a.ogg", 2.5, 1000)
        with rig(tmp_path / "state", keys=keys(tls_port), ca_file=folder / "cert.pem") as loud:
            both = [loud.send(where, material), loud.send(where, material)]
            events = [loud.event(key) for key in both]
        assert {event["event"] for event in events} == {"delivered"}, events
        (since, until), *_ = runs(decoded(ear.stop(tmp_path / "heard")), 1000)
        assert until - since > 2
        with rig(tmp_path / "other", keys=keys(tls_port)) as loud:
            event = loud.event(loud.send(where, material, ends=at(2)))
        assert event["event"] == "failed" and event["detail"].startswith("missed: device offline ("), event


def test_keys_that_are_none_fail_in_words(tmp_path):
    with rig(tmp_path / "state", keys="a b c") as loud:
        assert loud.first["failed"] == "keys: line 1: must be a name and a key of at least 8 characters"
        loud.wait(lambda row: "gone" in row)
        loud.process.returncode = loud.process.wait() and 0
