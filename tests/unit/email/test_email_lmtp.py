"""The LMTP listener, driven by Python's smtplib and by raw sockets."""
import contextlib
import json
import os
import pathlib
import queue
import smtplib
import socket
import subprocess
import threading
import time

import pytest

from mail_rig import free_port, rig_words, wait_port

DATA = pathlib.Path(__file__).parent / "data"
KEY = "aaaaaaaaaaaaaaaaaaab"


class Listener:
    def __init__(self, process, port):
        self.process, self.port, self.lines = process, port, queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def event(self):
        return self.lines.get(timeout=5)

    def none(self):
        with pytest.raises(queue.Empty):
            print(self.lines.get(timeout=0.3))

    def deliver(self, mail, *to, sender=""):
        with smtplib.LMTP("127.0.0.1", self.port, timeout=10) as client:
            return client.sendmail(sender, list(to), mail)


@contextlib.contextmanager
def listener(*words):
    port = free_port()
    command = rig_words("--serve", 60000, "--quiet", *words, port=1, bounce="bounce@example.test", list_unsubscribe_mailto="stop@example.test",
                        lmtp_listen=f"127.0.0.1:{port}")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            wait_port(port, process)
            yield Listener(process, port)
        finally:
            process.terminate()


def mail(name):
    return (DATA / name).read_bytes()


def test_what_becomes_an_event():
    with listener() as lmtp:
        lmtp.deliver(mail("postfix-unknown-user.eml"), f"bounce+{KEY}@example.test")
        event = lmtp.event()
        assert (event["event"], event["key"], event["reason"], event["address"]) == ("failed", KEY, "invalid_address", "")
        lmtp.deliver(mail("exim-unrouteable.eml"), f"BOUNCE+{KEY.upper()}@EXAMPLE.test")
        assert lmtp.event()["key"] == KEY
        lmtp.deliver(mail("postfix-unknown-user.eml"), "bounce@example.test")  # VERP lost: the Message-ID in the report says whose it is
        assert lmtp.event()["key"] == KEY
        lmtp.deliver(mail("postfix-unknown-user.eml"), "bounce+cccccccccccccccccccc@example.test")
        assert lmtp.event()["key"] == KEY
        lmtp.deliver(mail("person.eml"), f"stop+{KEY}@example.test", sender="a.nguyen@example.net")
        event = lmtp.event()
        assert (event["event"], event["key"], event["address"]) == ("opt_out", KEY, "a.nguyen@example.net")
        lmtp.deliver(mail("vacation.eml"), f"stop+{KEY}@example.test")
        assert lmtp.event()["event"] == "inbound"
        lmtp.deliver(mail("vacation.eml"), f"bounce+{KEY}@example.test")
        assert (lmtp.event()["event"]) == "inbound"
        lmtp.deliver(mail("person.eml"), "so@example.test", sender="a.nguyen@example.net")
        event = lmtp.event()
        assert (event["event"], event["address"], event["detail"]) == ("inbound", "a.nguyen@example.net", "Tôi muốn đăng ký.")
        lmtp.deliver(mail("complaint.eml"), "bounce@example.test")
        assert (lmtp.event()["event"]) == "complaint"


def test_several_recipients_each_get_their_answer():
    with listener() as lmtp:
        connection, file = raw(lmtp.port)
        to = [f"stop+{KEY}@example.test", "nobody@example.test", "so@example.test"]
        connection.sendall(b"LHLO x\r\nMAIL FROM:<a@b.vn>\r\n" + "".join(f"RCPT TO:<{one}>\r\n" for one in to).encode() + b"DATA\r\n")
        connection.sendall(mail("person.eml").replace(b"\n", b"\r\n") + b".\r\nQUIT\r\n")
        answers = [line.split()[0] for line in file.read().decode().splitlines() if line[3] == " "]
        assert answers == ["220", "250", "250", "250", "550", "250", "354", "250", "250", "221"]
        assert {lmtp.event()["event"], lmtp.event()["event"]} == {"opt_out", "inbound"}


def test_answer_waits_for_the_commit():
    with listener("--commit", 700) as lmtp:
        begin = time.monotonic()
        lmtp.deliver(mail("person.eml"), "so@example.test", sender="a@b.vn")
        assert time.monotonic() - begin > 0.6


def raw(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    return connection, connection.makefile("rb")


def test_no_answer_without_commit():
    with listener("--commit", "never") as lmtp:
        connection, file = raw(lmtp.port)
        connection.sendall(b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<so@example.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nNOOP\r\n")
        seen = [file.readline()[:3] for _ in range(9)]
        assert seen[-1] == b"354"
        lmtp.event()
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(100)


def test_commands_and_limits():
    with listener() as lmtp:
        connection, file = raw(lmtp.port)

        def say(text):
            connection.sendall(text)
            while True:
                line = file.readline()
                if line[3:4] != b"-":
                    return line[:3].decode()

        assert file.readline().startswith(b"220")
        assert say(b"MAIL FROM:<a@b.vn>\r\n") == "503"
        assert say(b"EHLO x\r\n") == "500"
        assert say(b"LHLO x\r\n") == "250"
        assert say(b"RCPT TO:<so@example.test>\r\n") == "503"
        assert say(b"MAIL FROM:a@b.vn\r\n") == "501"
        assert say(b"MAIL FROM:<" + b"a" * 300 + b"@b.vn>\r\n") == "501"
        assert say(b"MAIL FROM:<> BODY=8BITMIME\r\n") == "250"
        assert say(b"DATA\r\n") == "503"
        for _ in range(50):
            assert say(b"RCPT TO:<so@example.test>\r\n") == "250"
        assert say(b"RCPT TO:<so@example.test>\r\n") == "452"
        assert say(b"RSET\r\n") == "250"
        assert say(b"MAIL FROM:<>\r\nRCPT TO:<so@example.test>\r\nDATA\r\n") == "250"
        assert file.readline()[:3] + file.readline()[:3] == b"250354"
        assert say(b"..one dot\r\n.\r\n") == "250"
        lmtp.event()
        assert say(b"MAIL FROM:<>\r\nRCPT TO:<so@example.test>\r\nDATA\r\n") == "250"
        assert file.readline()[:3] + file.readline()[:3] == b"250354"
        assert say(b"Subject: big\r\n\r\n" + b"x" * 70 * 1024 + (b"x" * 998 + b"\r\n") * 11000 + b".\r\n") == "552"
        lmtp.none()
        assert say(b"NOOP\r\n") == "250"
        assert say(b"QUIT\r\n") == "221"
        assert file.readline() == b""


def test_mail_byte_by_byte():
    with listener() as lmtp:
        connection, file = raw(lmtp.port)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        text = b"LHLO x\r\nMAIL FROM:<a@b.vn>\r\nRCPT TO:<so@example.test>\r\nDATA\r\nFrom: a@b.vn\r\n\r\n.. a\r\n.\r\nMAIL FROM:<>\r\nQUIT\r\n"
        for index in range(len(text)):
            connection.sendall(text[index:index + 1])
        answers = file.read().decode()
        assert answers.rstrip().endswith("221 2.0.0 bye") and "250 2.0.0 recorded" in answers
        assert lmtp.event()["detail"] == ". a"


def test_too_many_connections():
    with listener() as lmtp:
        connections = [raw(lmtp.port) for _ in range(21)]
        greetings = [file.readline()[:3] for _, file in connections]
        assert greetings == [b"220"] * 20 + [b"421"]
        connections[0][0].shutdown(socket.SHUT_RDWR)
        time.sleep(0.2)
        assert raw(lmtp.port)[1].readline()[:3] == b"220"


def test_endless_line():
    with listener() as lmtp:
        connection, file = raw(lmtp.port)
        connection.sendall(b"x" * 5000)
        assert file.read().endswith(b"500 5.5.2 line too long\r\n")
