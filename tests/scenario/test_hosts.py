"""Channel hosts die, hang and come back; the core and the other channels go on."""
import os
import signal
import time

import pytest

from rig.build import START, campaign, email_channel, outbox_channel, people, step
from rig.program import eventually

CLOCK = f"{START},x1"


@pytest.mark.quick
def test_a_killed_host_is_started_again(data, made, witness):
    made.init(email_channel(witness.port, rate={"per_second": 200}, window=20), contacts=people(1500))
    made.start(campaign())
    serve = data.serve("--clock", CLOCK).wait_ready()
    eventually(lambda: witness.count() > 50, 20)
    old = eventually(serve.hosts, 5)
    os.kill(next(iter(old.values())), signal.SIGKILL)
    at = witness.count()
    eventually(lambda: witness.count() > at + 200, 30, words="sending goes on after the host died")
    assert serve.running() and set(serve.hosts().values()) != set(old.values())
    serve.stop()
    received = witness.recipients()
    assert len(received) == len(set(received))
    assert data.states("c").get("uncertain", 0) <= 20


@pytest.mark.quick
def test_a_stopped_host_is_ended_by_the_watchdog(data, made, witness):
    """SIGSTOP: the process is there and says nothing."""
    made.init(email_channel(witness.port, rate={"per_second": 100}, window=10, watchdog_s=2), outbox_channel(), contacts=people(800))
    made.start(campaign())
    serve = data.serve("--clock", CLOCK).wait_ready()
    eventually(lambda: witness.count() > 50, 20)
    victim = eventually(lambda: serve.hosts().get("email"), 10)
    os.kill(victim, signal.SIGSTOP)
    try:
        eventually(lambda: victim not in serve.hosts().values(), 30, words="the watchdog ended the host")
    finally:
        try:
            os.kill(victim, signal.SIGCONT)
        except ProcessLookupError:
            pass
    at = witness.count()
    eventually(lambda: witness.count() > at + 50, 30)
    serve.stop()
    received = witness.recipients()
    assert len(received) == len(set(received))


def test_hosts_end_with_the_core(data, made, witness):
    """The core is killed: its hosts let what has begun come to its end and go."""
    made.init(email_channel(witness.port, rate={"per_second": 100}), contacts=people(2000))
    made.start(campaign())
    serve = data.serve("--clock", CLOCK).wait_ready()
    eventually(lambda: witness.count() > 50, 20)
    pids = list(serve.hosts().values())
    assert pids
    serve.kill()
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 20, words="hosts are gone")


def test_settings_change_while_running(data, made, witness):
    made.init(email_channel(witness.port, rate={"per_second": 5}), contacts=people(400))
    made.start(campaign())
    serve = data.serve("--clock", CLOCK).wait_ready()
    eventually(lambda: witness.count() > 5, 20)
    made.channel(email_channel(witness.port, rate={"per_second": 1000}))
    eventually(lambda: witness.count() == 400, 20, words="the new rate holds")
    serve.stop()


def test_hosts_see_no_secrets_on_the_command_line(data, made, witness):
    made.init(email_channel(witness.port, options={"password": "bi-mat-cua-toi", "user": "u"}), contacts=people(1))
    serve = data.serve("--clock", CLOCK).wait_ready()
    pids = eventually(serve.hosts, 10)
    for pid in [serve.pid, *pids.values()]:
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                assert b"bi-mat-cua-toi" not in file.read()
    time.sleep(0.2)
    serve.stop()
    assert "bi-mat-cua-toi" not in serve.log()
    assert "bi-mat-cua-toi" not in data.ok("channel", "list", "--json").out
