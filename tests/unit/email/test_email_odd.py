"""Servers that do what the standards allow and hardly anybody does, and servers that lie."""
import pytest

from mail_rig import rig
from odd_server import OddServer

CHUNKS = ("PIPELINING", "CHUNKING", "SIZE 1000000")
RUNS = ("PIPELINING",)
STEPS = ("8BITMIME",)


def bad_recipient(_server, command, argument, _number):
    return "550 5.1.1 nobody" if command == "RCPT" and "<bad" in argument else None


MIXED = [word for to in ("good%d@x.test", "bad%d@x.test") for word in ("--to", to)]


@pytest.mark.parametrize("offers", [CHUNKS, RUNS, STEPS])
@pytest.mark.parametrize("reset_needed", [False, True])
def test_refused_between_good(offers, reset_needed):
    """The transaction of a refused mail must not leak into the next one: sender, recipient and mail belong together."""
    with OddServer(bad_recipient, offers, reset_needed=reset_needed) as server:
        run = rig("--count", 20, *MIXED, port=server.port, connections=1, bounce="b@y.test")
    assert run.totals["sent"] == 10 and run.totals["refused"] == 10 and server.connections == 1
    wanted = [(f"FROM:<b+{row['key']}@y.test>", f"TO:<{row['to']}>", row["key"]) for row in run.results if row["outcome"] == "sent"]
    assert [(sender.split(" ")[0], to, key) for sender, to, key in server.kept] == wanted


@pytest.mark.parametrize("offers", [CHUNKS, RUNS, STEPS])
def test_replies_byte_by_byte(offers):
    def answer(server, command, _argument, number):
        return f"250-2.0.0 line one\n250-2.0.0 two\n250 2.0.0 Ok: queued as Q{number}" if command in (".", "BDAT") else None

    with OddServer(answer, offers, dribble=True, greeting="220-odd\n220 hello") as server:
        run = rig("--count", 6, port=server.port, connections=1)
    assert [row["ref"] for row in run.results] == [f"Q{number}" for number in range(1, 7)]


def test_354_after_a_refused_recipient():
    """RFC 2920 3.1: the lone dot ends it, nothing is kept, and the connection goes on."""

    def answer(server, command, argument, number):
        if command == "DATA" and server.commands[-2] == "RCPT" and number % 2 == 0:
            return "354 although nobody is there"
        if command == ".":
            return "554 5.5.1 no valid recipients" if number % 2 == 0 else None
        return bad_recipient(server, command, argument, number)

    with OddServer(answer, RUNS) as server:
        run = rig("--count", 6, *MIXED, port=server.port, connections=1)
    assert run.totals["sent"] == 3 and run.totals["refused"] == 3 and server.connections == 1 and len(server.kept) == 3


def test_354_after_a_refused_sender():
    """A server out of step must not get a dot: it would deliver an empty mail to somebody."""
    dots = []

    def answer(_server, command, _argument, number):
        if command == ".":
            dots.append(number)
        return {"MAIL": "503 5.5.1 nested", "RCPT": "250 ok", "DATA": "354 go"}.get(command)

    with OddServer(answer, RUNS) as server:
        run = rig("--count", 1, port=server.port, connections=1)
    assert not dots and server.kept == [] and run.results[0]["outcome"] in ("not_sent", "retry") and not run.results[0]["began"]


@pytest.mark.parametrize("offers", [CHUNKS, RUNS])
def test_421_in_the_middle(offers):
    """What the server has not answered before its 421 it has not taken."""

    def answer(server, command, _argument, number):
        return "421 4.3.2 shutting down" if command == "MAIL" and number == 5 else None

    with OddServer(answer, offers) as server:
        run = rig("--count", 12, port=server.port, connections=1)
    kept = {key for _, _, key in server.kept}
    assert {row["key"] for row in run.results if row["outcome"] == "sent"} == kept and run.totals["unknown"] == 0
    assert run.totals["retry"] >= 1 and run.totals["open"] == 0


def test_starttls_with_words_behind_it():
    """Plain text behind the go-ahead would be read as the server's words under TLS (CVE-2011-0411 and its kin)."""
    with OddServer(lambda _s, command, *_: "220 go\n250 injected" if command == "STARTTLS" else None, ("STARTTLS",)) as server:
        run = rig("--count", 1, port=server.port, tls="starttls", tls_verify=False)
    assert run.totals["begun"] == 0 and "plain text" in run.results[0]["detail"] and "MAIL" not in server.commands


def test_helo_when_ehlo_is_unknown():
    with OddServer(lambda _s, command, *_: "502 what" if command == "EHLO" else None) as server:
        run = rig("--count", 3, port=server.port, connections=1)
        assert run.totals["sent"] == 3
        run = rig("--count", 1, port=server.port, tls="starttls")
        assert run.totals["begun"] == 0


@pytest.mark.parametrize("greeting", ["554 no", "421 busy", "hello", "HTTP/1.1 400 Bad Request", "220-" + "x" * 20000])
def test_greetings(greeting):
    with OddServer(greeting=greeting) as server:
        run = rig("--count", 2, port=server.port)
    assert {row["outcome"] for row in run.results} == {"retry"} and run.totals["begun"] == 0


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("reply", ["354 go", "999 x", "250-", "nonsense", "250 2.1.0 sender ok"])
def test_nonsense_is_never_success(command, reply):
    with OddServer(lambda _s, name, *_: reply if name == command else None, RUNS) as server:
        run = rig("--count", 2, port=server.port, connections=1, timeout="1s")
    kept = {key for _, _, key in server.kept}
    for row in run.results:
        assert row["outcome"] != "sent" or row["key"] in kept, row
        assert row["outcome"] in ("sent", "unknown") or row["key"] not in kept, row


def test_sender_refused_ends_the_channel():
    """The whole audience must not be spent on a sender's address that the server does not take."""
    with OddServer(lambda _s, command, *_: "553 5.7.1 not your address" if command == "MAIL" else None) as server:
        run = rig("--count", 500, "--window", 500, port=server.port, connections=2)
    assert "takes no mail from this sender" in run.totals["failed"] and "553 5.7.1" in run.totals["failed"]
    assert run.totals["refused"] <= 30 and run.totals["not_sent"] >= 470


def test_login_demanded():
    with OddServer(lambda _s, command, *_: "530 5.7.0 authentication required" if command == "MAIL" else None) as server:
        run = rig("--count", 50, port=server.port, connections=2)
    assert run.totals["refused"] == 0 and "530" in run.totals["failed"]


def test_silence_after_the_body():
    with OddServer(lambda _s, command, *_: "" if command == "BDAT" else None, CHUNKS) as server:
        run = rig("--count", 1, port=server.port, timeout="500ms")
    assert (run.results[0]["outcome"], run.results[0]["reason"]) == ("unknown", "timeout")


def test_size():
    with OddServer(offers=("SIZE 300", "PIPELINING")) as server:
        run = rig("--count", 1, port=server.port)
    assert (run.results[0]["outcome"], run.results[0]["reason"]) == ("refused", "too_large") and "MAIL" not in server.commands
    with OddServer(offers=("SIZE", "PIPELINING")) as server:
        assert rig("--count", 1, port=server.port).totals["sent"] == 1


def test_messages_per_connection():
    with OddServer(offers=CHUNKS) as server:
        run = rig("--count", 10, port=server.port, connections=1, messages_per_connection=3)
    assert run.totals["sent"] == 10 and server.connections == 4 and server.commands.count("QUIT") == 4
