"""kill -9 of the core, of the channel host, and of both, at random moments, over and over in one campaign."""
import contextlib
import os
import random
import signal
import time

from judge import everything_accounted_for
from rig.build import START, campaign, email_channel, people
from rig.program import SLOW

CRASHES = int(os.environ.get("LANTOA_TEST_CRASHES", "100"))
WINDOW = 30
RATE = 400  # messages a second: so that work is left for every crash


def uncertain_so_far(data):
    return data.sql("SELECT count(*) FROM message WHERE state = 7")[0][0]


def round_of(data, lot, mode):
    """One start and one violent end. Returns how many processes were killed."""
    serve = data.serve("--clock", f"{START},x1")
    time.sleep(lot.uniform(0.02, 0.55) * SLOW)
    killed = 0
    if mode == "host":
        for pid in serve.hosts().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        # The core goes on, starts the host again after a second; then the core dies too.
        time.sleep(lot.uniform(0, 1.4) * SLOW)
    assert serve.running(), f"serve ended by itself: {serve.log()[-2000:]}"
    serve.kill(also_hosts=mode == "both")
    return killed + 1


def test_random_moments(data, made, witness_with):
    lot = random.Random(int(os.environ.get("LANTOA_TEST_SEED", "1")))
    witness = witness_with("--delay-ms", "3")
    everybody = [row["email"] for row in people(CRASHES * 220)]
    made.init(email_channel(witness.port, window=WINDOW, rate={"per_second": RATE, "burst": WINDOW}), contacts=people(CRASHES * 220))
    made.start(campaign())
    crashes = 0
    uncertain = 0
    for number in range(CRASHES):
        mode = ("core", "both", "host")[number % 3] if number % 6 else "both"
        killed = round_of(data, lot, mode)
        crashes += killed
        now = uncertain_so_far(data)
        # Rows become uncertain when the next start reads the journal, so a round may show those of the one before.
        assert now - uncertain <= 2 * killed * WINDOW, f"round {number} ({mode}): {now - uncertain} rows more became uncertain"
        uncertain = now
    made.channel(email_channel(witness.port, window=WINDOW))
    data.until_idle("--clock", f"{START},x1", seconds=300)
    left = everything_accounted_for(data, witness, "c", everybody, crashes, WINDOW)
    received = set(witness.recipients())
    print(f"{crashes} processes killed, {len(everybody)} messages, {len(left)} uncertain, of them {len(left & received)} arrived")
