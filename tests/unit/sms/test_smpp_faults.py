"""The SMPP plugin against npm smpp: receipts, answers of people, throttling, silence, cut lines, TLS, several binds."""
import collections
import contextlib
import socket
import struct
import subprocess
import threading
import time

from sms_rig import RunningRig, eventually, free_port, rig, smsc

OK = "+84900000%d0"


def events(run, kind):
    return [row for row in run.events if row["event"] == kind]


def test_outcome_by_number(tmp_path):
    """Taken, refused, throttled twice, silent, failing: each number gets the result its digit stands for."""
    numbers = [f"+8490000000{digit}" for digit in range(9)]
    with smsc(tmp_path) as peer:
        run = rig(tmp_path, *[word for number in numbers for word in ("--to", number)], "--count", 9, "--serve", 3000, port=peer.port, timeout="2500ms")
        found = {address[-1]: (row["outcome"], row["reason"]) for address, row in run.by_address.items()}
        assert {found[digit] for digit in "012568"} == {("sent", "none")}
        assert found["3"] == ("refused", "invalid_address")
        assert found["4"] == ("unknown", "timeout")
        assert found["7"] == ("retry", "temporary")
        assert "ESME_RINVDSTADR" in run.by_address["+84900000003"]["detail"]
        kinds = {row["address"][-1]: row["event"] for row in run.events}
        assert kinds == {"0": "delivered", "1": "failed", "2": "delivered", "5": "failed", "6": "delivered", "8": "delivered"}
        keys = {row["to"]: row["key"] for row in run.results}
        assert all(row["key"] == keys[row["address"]] for row in run.events)
        refs = {row["to"]: row["ref"] for row in run.results}
        assert all(row["ref"] == refs[row["address"]] for row in run.events)
        counts = collections.Counter(row["to"] for row in peer.rows())
        assert max(counts.values()) == 1 and len(counts) == 7
        assert all(row["status"] == 0 for row in peer.rows("ack")) and len(peer.rows("ack")) == 6
        assert peer.rows("unbind"), "the rig leaves with an unbind"


def test_throughput_and_kinds_of_senders(tmp_path):
    with smsc(tmp_path) as peer:
        run = rig(tmp_path, "--count", 60, port=peer.port, receipts="none", throughput=40)
        assert run.totals["sent"] == 60 and 1.2 < run.totals["seconds"] < 6
        for sender, tons in (("BHXH", [5, 0, 1, 1]), ("8900", [3, 0, 1, 1]), ("+84912345678", [1, 1, 1, 1])):
            peer.log.write_text("", encoding="utf-8")
            assert rig(tmp_path, "--count", 1, port=peer.port, source_addr=sender).totals["sent"] == 1
            assert [row["tons"] for row in peer.rows()] == [tons]
        assert rig(tmp_path, "--count", 1, port=peer.port, source_addr="8900", source_ton=0).totals["sent"] == 1
        assert peer.rows()[-1]["tons"] == [0, 0, 1, 1]


def test_a_window_full_of_messages(tmp_path):
    with smsc(tmp_path, delay=5) as peer:
        run = rig(tmp_path, "--count", 3000, "--totals", "--window", 200, port=peer.port, receipts="none")
        assert run.totals["sent"] == 3000 and run.totals["seconds"] < 3000 * 0.005 / 50 * 4
        assert len({row["to"] for row in peer.rows()}) == 3000


def test_throttled_operator_gets_what_it_bears(tmp_path):
    """100 a second at most: nothing is lost, nothing fails, and the throttled ones become few."""
    with smsc(tmp_path, tps=100) as peer:
        run = rig(tmp_path, "--count", 500, port=peer.port, receipts="none", patience=40)
        assert run.totals["sent"] == 500 and run.totals["seconds"] < 20, run.totals
        assert len(peer.rows()) == 500


def test_ids_in_hex_and_decimal(tmp_path):
    for form in ("either", "hex_then_decimal"):
        with smsc(tmp_path, ids="mixed") as peer:
            run = rig(tmp_path, "--count", 30, "--to", OK, "--serve", 1000, port=peer.port, msg_id_type=form)
            keys = {row["to"]: (row["key"], row["ref"]) for row in run.results}
            told = {row["address"]: (row["key"], row["ref"]) for row in events(run, "delivered")}
            assert told == keys


def test_receipts_before_their_answer_and_as_text(tmp_path):
    for shape in ("first", "text"):
        with smsc(tmp_path, receipts=shape, delay=300 if shape == "first" else 0) as peer:
            run = rig(tmp_path, "--count", 20, "--to", OK, "--serve", 1500, port=peer.port)
            keys = {row["to"]: row["key"] for row in run.results}
            assert {row["address"]: row["key"] for row in events(run, "delivered")} == keys
            first_event = min(index for index, row in enumerate(run.rows) if "event" in row)
            assert run.rows[first_event]["key"] in {row["key"] for row in run.rows[:first_event] if "outcome" in row}, "told before its result"


def test_receipts_are_answered_after_the_commit_only(tmp_path):
    with smsc(tmp_path) as peer:
        rig(tmp_path, "--count", 3, "--to", OK, "--serve", 1200, "--commit", "never", "--no-drain", port=peer.port)
        assert peer.rows("ack") == []


def test_long_texts(tmp_path):
    """Three parts by header, 16-bit header, SAR and payload: SENT when all are accepted, delivered when all are."""
    text = "Nhà nước hỗ trợ người dân đóng bảo hiểm xã hội tự nguyện. " * 3
    whole = text.strip()
    for concat, coding in (("udh", "auto"), ("udh16", "auto"), ("sar", "auto"), ("payload", "auto")):
        with smsc(tmp_path) as peer:
            run = rig(tmp_path, "--count", 1, "--to", "+84900000000", "--text", whole, "--serve", 800, port=peer.port, concat=concat, data_coding=coding)
            rows = peer.rows()
            (tmp_path / "smsc.log").unlink()
            assert run.totals["sent"] == 1 and len(events(run, "delivered")) == 1, (concat, run.events)
            if concat == "payload":
                assert len(rows) == 1
                continue
            assert len(rows) == 3 and "".join(row["text"] for row in rows) == whole
            if concat == "sar":
                assert [(row["total"], row["part"]) for row in rows] == [(3, 1), (3, 2), (3, 3)]
            else:
                assert {row["esm"] & 0x40 for row in rows} == {0x40}
                assert [row["udh"][-4:] for row in rows] == ["0301", "0302", "0303"] and len({row["udh"][:-2] for row in rows}) == 1
            assert run.results[0]["ref"].lower() == " ".join(row["id"] for row in rows)


def test_accents_are_stripped_where_that_saves(tmp_path):
    with smsc(tmp_path) as peer:
        run = rig(tmp_path, "--count", 1, "--to", "+84900000000", "--text", "Bảo hiểm xã hội tự nguyện “hôm nay” " * 3, port=peer.port,
                  accents="strip_if_cheaper")
        assert run.totals["sent"] == 1
        assert [(row["coding"], row["text"].strip()) for row in peer.rows()] == [(0, ('Bao hiem xa hoi tu nguyen "hom nay" ' * 3).strip())]
        refused = rig(tmp_path, "--count", 1, "--text", "đ", port=peer.port, data_coding="gsm7").results[0]
        assert (refused["outcome"], refused["reason"]) == ("refused", "content")
        refused = rig(tmp_path, "--count", 1, "--text", "a" * 400, port=peer.port, parts=2).results[0]
        assert (refused["outcome"], refused["reason"]) == ("refused", "too_large")
        refused = rig(tmp_path, "--count", 1, "--to", "hoa@example.com", port=peer.port).results[0]
        assert (refused["outcome"], refused["reason"], refused["began"]) == ("refused", "invalid_address", False)


def test_answers_of_people(tmp_path):
    long_text = "Tôi muốn đăng ký bảo hiểm xã hội tự nguyện cho cả nhà, xin cho biết thủ tục và mức đóng của từng người trong gia đình."
    with smsc(tmp_path) as peer:
        running = RunningRig(tmp_path, port=peer.port, inbound_join="2s")
        eventually(lambda: peer.process.poll() is None and socket_bound(peer), 5, words="bound")
        peer.say("mo 84912345678 TC BHXH")
        peer.say("mo 0912345679 Từ chối nhận tin")
        peer.say(f"molong 84912345680 {long_text}")
        peer.say(f"mosar 84912345681 {long_text}")
        rows = running.wait_for("event", 4)
        run = running.end()
        assert {(row["event"], row["address"], row["detail"]) for row in rows} == {
            ("inbound", "+84912345678", "TC BHXH"), ("inbound", "+84912345679", "Từ chối nhận tin"),
            ("inbound", "+84912345680", long_text), ("inbound", "+84912345681", long_text)}
        assert run.code == 0 and len(peer.rows("ack")) == 6


def test_an_incomplete_answer_is_told_with_its_gap(tmp_path):
    """The part that came is answered soon, for some operators wait with the next; the text is told when the time is over."""
    text = b"\x05\x00\x03\x07\x02\x01" + b"Toi muon"
    body = b"\0\1\1" + b"84912345678\0" + b"\0\0" + b"8900\0" + b"\x40\0\0\0\0\0\0\0\0" + bytes([len(text)]) + text
    pdu = struct.pack(">IIII", 16 + len(body), 5, 0, 900) + body
    with smsc(tmp_path) as peer:
        running = RunningRig(tmp_path, port=peer.port, inbound_join="2500ms", enquire_link="200ms")
        eventually(lambda: peer.rows("enquire"), 10, words="bound")
        peer.say(f"raw {pdu.hex()}")
        time.sleep(2)
        assert running.rows("event") == []
        row, = running.wait_for("event", 1)
        assert (row["event"], row["address"], row["detail"]) == ("inbound", "+84912345678", "Toi muon [...]")
        assert running.end().code == 0


def socket_bound(peer):
    """The peer takes what we say only once somebody is bound: an enquire_link of ours shows it, or a little patience."""
    time.sleep(0.5)
    return peer.process.poll() is None


def test_cut_line(tmp_path):
    """What was on the way is UNKNOWN, the rest is sent on a new connection, nobody gets it twice."""
    with smsc(tmp_path, cut=120, receipts="none", delay=20) as peer:
        run = rig(tmp_path, "--count", 400, "--window", 400, port=peer.port, patience=30)
        assert run.totals["sent"] + run.totals["unknown"] == 400, run.totals
        assert 1 <= run.totals["unknown"] <= 50
        counts = collections.Counter(row["to"] for row in peer.rows())
        assert max(counts.values()) == 1
        unknown = {row["to"][1:] for row in run.results if row["outcome"] == "unknown"}
        assert {row["to"][1:] for row in run.results if row["outcome"] == "sent"} <= set(counts)
        assert len(counts) + len(unknown - set(counts)) == 400


def test_a_reference_settles_after_a_crash(tmp_path):
    """The process dies with a message unanswered; its receipt, to the next process, finds its key."""
    with smsc(tmp_path, receipts="late", echo=1) as peer:
        running = RunningRig(tmp_path, "--count", 1, "--to", "+84900000004", port=peer.port)
        eventually(lambda: peer.rows(), 10, words="submitted")
        running.kill()
        again = RunningRig(tmp_path, port=peer.port)
        time.sleep(1)
        peer.say("late")
        row, = again.wait_for("event", 1)
        again.end()
        assert (row["event"], row["address"], row["key"]) == ("delivered", "+84900000004", "aaaaaaaaaaaaaaaaaaab")


def test_several_binds_and_a_pair(tmp_path):
    with smsc(tmp_path, roles=1) as peer:
        run = rig(tmp_path, "--count", 200, "--to", OK, "--serve", 1500, port=peer.port, bind="pair", binds=2)
        assert run.totals["sent"] == 200 and len(events(run, "delivered")) == 200
        assert len(peer.rows("unbind")) == 4
    with smsc(tmp_path) as peer:
        refused = rig(tmp_path, "--count", 1, port=peer.port, bind="receiver").results[0]
        assert refused["outcome"] == "refused"


def test_wrong_password_ends_with_a_reason(tmp_path):
    with smsc(tmp_path) as peer:
        run = rig(tmp_path, "--count", 1, port=peer.port, password="wrong", reconnect="100ms")
        assert run.code == 1 and "ESME_RINVPASWD" in run.totals["failed"]
        assert run.totals["begun"] == 0


def test_nobody_there(tmp_path):
    """Without an operator messages go back to the core after a while, at no cost; when it comes, they go."""
    port = free_port()
    run = rig(tmp_path, "--count", 2, port=port, reconnect="300ms", patience=30)
    assert run.totals["retry"] == 2 and run.totals["begun"] == 0
    assert {(row["reason"], row["after_ms"] >= 5000, "refused" in row["detail"]) for row in run.results} == {("throttled", True, True)}
    late = RunningRig(tmp_path, "--count", 2, "--to", OK, port=port, reconnect="300ms")
    time.sleep(1)
    with smsc(tmp_path, port=port):
        late.wait_for("outcome", 2)
        assert late.end().totals["sent"] == 2


def test_unbind_and_cut_by_the_operator(tmp_path):
    with smsc(tmp_path) as peer:
        running = RunningRig(tmp_path, port=peer.port, enquire_link="200ms", reconnect="200ms")
        for line in ("unbind", "cut"):
            eventually(lambda: peer.rows("enquire"), 10, words="bound")
            peer.log.write_text("", encoding="utf-8")
            peer.say(line)
            if line == "unbind":
                eventually(lambda: peer.rows("unbound"), 10, words="our unbind_resp")
        eventually(lambda: peer.rows("enquire"), 10, words="bound again")
        assert running.end().code == 0


def test_unknown_command_is_refused_politely(tmp_path):
    with smsc(tmp_path) as peer:
        running = RunningRig(tmp_path, port=peer.port, enquire_link="200ms")
        eventually(lambda: peer.rows("enquire"), 10, words="bound")
        peer.say("raw 00000010000102030000000000000009")
        eventually(lambda: peer.rows("nack"), 10, words="generic_nack")
        assert peer.rows("nack")[0]["nack"] == 3
        assert running.end().code == 0


def test_silent_line_is_left(tmp_path):
    """A server that binds and then says nothing: enquire_link finds out."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        binds = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    client = listener.accept()[0]
                    length = struct.unpack(">I", client.recv(4))[0]
                    body = client.recv(length - 4)
                    client.sendall(struct.pack(">IIII", 17, 0x80000009, 0, struct.unpack(">I", body[8:12])[0]) + b"\0")
                    binds.append(client)

        threading.Thread(target=serve, daemon=True).start()
        running = RunningRig(tmp_path, port=listener.getsockname()[1], enquire_link="200ms", timeout="300ms", reconnect="200ms")
        eventually(lambda: len(binds) >= 3, 15, words="a new connection after each silence")
        assert running.end().code == 0


def test_tls(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    with smsc(tmp_path, key=key, cert=cert) as peer:
        run = rig(tmp_path, "--count", 300, "--to", OK, "--serve", 1000, port=peer.port, tls="tls", tls_ca=cert)
        assert run.totals["sent"] == 300 and len(events(run, "delivered")) == 300
        failed = rig(tmp_path, "--count", 1, port=peer.port, tls="tls", reconnect="100ms")
        assert failed.code == 1 and "certificate" in failed.totals["failed"] and failed.totals["begun"] == 0
