"""The line is cut after every number of bytes, in both directions. The server's own record is the witness: a mail that was kept is SENT or UNKNOWN, one
that was not is never SENT, and none is kept twice."""
import collections

import pytest

from cut_server import CutServer
from mail_rig import rig

MESSAGES = 3


def run_once(chunking, pipelining=True, **cut):
    server = CutServer(chunking, pipelining=pipelining, **cut)
    try:
        run = rig("--count", MESSAGES, "--text", "Tin.", "--quiet", port=server.port, connections=1, seconds=60)
    finally:
        server.stop()
    return server, run


def check(server, run, where):
    kept = collections.Counter(server.kept)
    assert len(run.results) == MESSAGES, (where, run.totals, run.stderr)
    for row in run.results:
        times = kept[row["key"]]
        assert times <= 1, (where, "kept twice", row)
        if row["outcome"] == "sent":
            assert times == 1, (where, "sent and not kept", row)
        elif row["outcome"] != "unknown":
            assert times == 0, (where, "kept and called not accepted", row)
        if row["outcome"] == "not_sent":
            assert not row["began"], (where, row)


WAYS = {"chunks": (True, True), "runs": (False, True), "lock step": (False, False)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reset", [False, True], ids=["close", "reset"])
def test_cut_after_received(way, reset):
    chunking, pipelining = WAYS[way]
    whole, run = run_once(chunking, pipelining)
    assert run.totals["sent"] == MESSAGES
    outcomes = collections.Counter()
    for after in sorted({*range(0, 40, 3), *range(40, whole.received + 1, 17)}):
        server, run = run_once(chunking, pipelining, after_received=after, reset=reset)
        check(server, run, f"{way} cut after {after} bytes received")
        outcomes.update(row["outcome"] for row in run.results)
    assert outcomes["unknown"] > 0 and outcomes["sent"] > 0


@pytest.mark.parametrize("way", WAYS)
def test_cut_after_sent(way):
    chunking, pipelining = WAYS[way]
    whole, run = run_once(chunking, pipelining)
    outcomes = collections.Counter()
    for after in range(1, whole.sent + 1, 4):
        server, run = run_once(chunking, pipelining, after_sent=after)
        check(server, run, f"{way} cut after {after} bytes sent")
        outcomes.update(row["outcome"] for row in run.results)
    assert outcomes["unknown"] > 0 and outcomes["sent"] > 0


@pytest.mark.parametrize("way", WAYS)
def test_cut_while_the_body_is_still_here(tmp_path, way):
    """More than the socket takes, so that the end of the body has provably not left: not accepted, and safe to send again."""
    chunking, pipelining = WAYS[way]
    (tmp_path / "part").write_bytes(b"x" * (2 << 20))
    files = ["--attach", f"{tmp_path}/part:application/octet-stream"] * 8
    server = CutServer(chunking, pipelining=pipelining, after_received=5000, reset=True)
    try:
        run = rig("--count", 1, *files, "--quiet", port=server.port, connections=1, seconds=20)
    finally:
        server.stop()
    row = run.results[0]
    assert server.kept == []
    assert (row["outcome"], row["began"]) == ("retry", True) and row["detail"].startswith("not accepted"), row
