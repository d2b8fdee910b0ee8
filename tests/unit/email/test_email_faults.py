"""The plugin against third-party servers that misbehave per recipient: npm smtp-server and Postfix's smtp-sink."""
import collections
import subprocess
import time

import pytest

from mail_rig import fault_server, free_port, rig, smtp_sink

WAYS = {"runs": {}, "no chunks": {"chunking": False}, "lock step": {"pipelining": False}}


@pytest.mark.parametrize("way", WAYS)
def test_fault_per_recipient(tmp_path, way):
    people = ["unknown", "full", "grey1", "spam", "busy", "cut1", "drop1", "good%d", "good%d", "good%d"]
    words = [word for local in people for word in ("--to", f"{local}@example.test")]
    with fault_server(tmp_path) as (port, kept):
        run = rig("--count", 10, *words, port=port, connections=3, seconds=30, **WAYS[way])
        witness = collections.Counter(row["to"] for row in kept())
    got = {address.split("@")[0]: row for address, row in run.by_address.items()}
    assert (got["unknown"]["outcome"], got["unknown"]["reason"]) == ("refused", "invalid_address")
    assert got["unknown"]["detail"].startswith("550 5.1.1 ")
    assert (got["full"]["outcome"], got["full"]["reason"]) == ("retry", "mailbox_full")
    assert (got["grey1"]["outcome"], got["grey1"]["reason"], got["grey1"]["after_ms"]) == ("retry", "temporary", 300000)
    assert (got["spam"]["outcome"], got["spam"]["reason"]) == ("refused", "content")
    assert (got["busy"]["outcome"], got["busy"]["reason"]) == ("retry", "temporary")
    assert got["cut1"]["outcome"] == "unknown" and got["drop1"]["outcome"] == "unknown"
    check_witness(run, witness)
    assert any(row["outcome"] == "sent" and row["ref"].startswith("PEER") for row in run.results)


def check_witness(run, witness):
    """The peer's log against what the plugin says."""
    assert all(count == 1 for count in witness.values()), witness
    for row in run.results:
        kept = witness[row["to"]]
        if row["outcome"] == "sent":
            assert kept == 1, row
        elif row["outcome"] != "unknown":
            assert kept == 0, row


def test_many_good_and_bad(tmp_path):
    words = ["--to", "good%d@example.test", "--to", "cut%d@example.test", "--to", "drop%d@example.test", "--to", "unknown@example.test"]
    with fault_server(tmp_path) as (port, kept):
        run = rig("--count", 200, *words, port=port, connections=5, seconds=60)
        witness = collections.Counter(row["to"] for row in kept())
    check_witness(run, witness)
    assert run.totals["sent"] > 0 and run.totals["unknown"] > 20 and run.totals["open"] == 0


@pytest.mark.parametrize("chunking", [True, False])
def test_slow_answer_stalls_nobody(chunking):
    with smtp_sink("-W", ".:1") as port:
        run = rig("--count", 20, port=port, connections=20, chunking=chunking)
    assert run.totals["sent"] == 20
    assert run.totals["seconds"] < 3


@pytest.mark.parametrize(
    "words, outcome, reason",
    [
        (["-r", "rcpt"], "retry", "temporary"),
        (["-f", "rcpt"], "refused", "protocol"),
        (["-f", "."], "refused", "protocol"),
        (["-r", "."], "retry", "temporary"),
        (["-r", "data"], "retry", "temporary"),
        (["-Q", "rcpt"], "retry", "temporary"),
        (["-Q", "mail"], "retry", "throttled"),
        (["-q", "data"], "retry", "temporary"),
        (["-q", "."], "unknown", "unreachable"),
    ],
)
def test_sink_faults(words, outcome, reason):
    with smtp_sink(*words) as port:
        run = rig("--count", 3, port=port, connections=1)
    assert {row["outcome"] for row in run.results} <= {outcome, "retry"}, run.results
    assert (run.results[0]["outcome"], run.results[0]["reason"]) == (outcome, reason)


def test_no_pipelining_offered():
    with smtp_sink("-p") as port:
        run = rig("--count", 30, port=port, connections=2)
    assert run.totals["sent"] == 30


def test_nobody_listens():
    begin = time.monotonic()
    run = rig("--count", 5, port=free_port())
    assert [row["outcome"] for row in run.results] == ["retry"] * 5
    assert {row["reason"] for row in run.results} == {"unreachable"}
    assert all(0 < row["after_ms"] <= 1000 for row in run.results)
    assert run.totals["begun"] == 0 and time.monotonic() - begin < 5


def test_silent_server(tmp_path):
    """Accepts connections and says nothing."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        run = rig("--count", 3, port=listener.getsockname()[1], connect_timeout="500ms")
    assert {(row["outcome"], row["reason"]) for row in run.results} == {("retry", "unreachable")}
    assert "did not answer" in run.results[0]["detail"]


def test_cancel_gives_back_what_has_not_begun():
    with smtp_sink("-W", ".:2") as port:
        run = rig("--count", 50, "--window", 50, "--cancel-after", 500, port=port, connections=4)
    outcomes = collections.Counter(row["outcome"] for row in run.results)
    assert outcomes["sent"] == 4 and outcomes["not_sent"] == 46
    assert not any(row["began"] for row in run.results if row["outcome"] == "not_sent")


def test_drain_lets_what_has_begun_end():
    with smtp_sink("-W", ".:2") as port:
        run = rig("--count", 50, "--window", 50, "--drain-after", 500, port=port, connections=4)
    outcomes = collections.Counter(row["outcome"] for row in run.results)
    assert outcomes["sent"] == 4 and outcomes["not_sent"] == 46


def test_connections_change_while_it_runs():
    """Two connections with an answer a second, then ten: the rest goes at once."""
    with smtp_sink("-W", ".:1") as port:
        run = rig("--count", 20, "--live-after", 500, "connections=20", port=port, connections=2)
        assert run.totals["sent"] == 20 and run.totals["seconds"] < 4
        run = rig("--count", 12, "--live-after", 500, "per_domain=0", port=port, connections=12, per_domain=1)
        assert run.totals["sent"] == 12 and run.totals["seconds"] < 4
        run = rig("--count", 12, "--live-after", 100, "connections=1", port=port, connections=4)
        assert run.totals["sent"] == 12 and run.totals["seconds"] > 6


def test_login(tmp_path):
    with fault_server(tmp_path) as (port, kept):
        assert rig("--count", 2, port=port, user="camp", password="test").totals["sent"] == 2
        assert [row["user"] for row in kept()] == ["camp", "camp"]
        assert rig("--count", 1, port=port, user="camp", password="test", auth="login").totals["sent"] == 1
        run = rig("--count", 2, port=port, user="camp", password="wrong", seconds=30)
        assert run.totals["sent"] == 0 and len(kept()) == 3
        assert "535" in (run.totals["failed"] or run.results[0]["detail"])


def test_no_login_offered_sends_nothing():
    with smtp_sink("-a") as port:
        run = rig("--count", 2, port=port, user="camp", password="test")
    assert "offers no login" in run.totals["failed"] and run.totals["begun"] == 0
    assert {row["outcome"] for row in run.results} == {"not_sent"}


def certificate(folder, name):
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return key, cert


def test_starttls(tmp_path):
    key, cert = certificate(tmp_path, "localhost")
    with fault_server(tmp_path, PEER_TLS="1", PEER_KEY=str(key), PEER_CERT=str(cert)) as (port, kept):
        run = rig("--count", 20, host="localhost", port=port, tls="starttls", tls_ca=cert, connections=2)
        assert run.totals["sent"] == 20 and all(row["secure"] for row in kept())
        assert rig("--count", 1, port=port, tls="starttls", tls_verify=False).totals["sent"] == 1
        before = len(kept())
        for wrong in ({"host": "127.0.0.1", "tls_ca": cert}, {"host": "localhost"}):
            run = rig("--count", 1, port=port, tls="starttls", **wrong)
            assert run.totals["sent"] == 0 and "certificate" in run.results[0]["detail"], run.results
        assert len(kept()) == before


def test_starttls_missing_is_no_excuse():
    with smtp_sink() as port:
        run = rig("--count", 1, port=port, tls="starttls")
    assert run.totals["begun"] == 0 and "STARTTLS" in run.results[0]["detail"]


def test_per_domain():
    """Two at once to one domain, although ten connections are there."""
    with smtp_sink("-W", ".:1") as port:
        begin = time.monotonic()
        run = rig("--count", 6, "--to", "a%d@one.test", port=port, connections=10, per_domain=2)
        took = time.monotonic() - begin
    assert run.totals["sent"] == 6 and took >= 3


def test_too_large_is_found_here(tmp_path):
    with fault_server(tmp_path) as (port, _kept):
        run = rig("--count", 1, "--subject", "a\nBcc: x@example.test", port=port)
        assert (run.results[0]["outcome"], run.results[0]["reason"]) == ("refused", "content")
