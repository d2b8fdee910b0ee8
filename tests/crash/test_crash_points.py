"""kill -9 at each step of the send path: before and after each write, send and fsync of the core, and of the channel host."""
import os
import subprocess

import pytest

from judge import everything_accounted_for
from rig.build import START, Campaigns, campaign, email_channel, people
from rig.program import BUILD, Data

HERE = os.path.dirname(os.path.abspath(__file__))
WINDOW = 4
PEOPLE = 12
# How many of the points are tried; all of them in the long run.
MOST = 1000000 if int(os.environ.get("LANTOA_TEST_CRASHES", "100")) >= 1000 else 24
SANITIZED = b"libasan" in subprocess.run(["ldd", os.path.join(BUILD, "bin", "lantoa")], capture_output=True, check=False).stdout


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    if SANITIZED:
        pytest.skip("a preloaded library and AddressSanitizer do not go together")
    path = str(tmp_path_factory.mktemp("crashat") / "libcrashat.so")
    subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", path, os.path.join(HERE, "crashat.c"), "-ldl"], check=True)
    return path


def prepared(folder, witness):
    data = Data(folder)
    made = Campaigns(data)
    made.init(email_channel(witness.port, window=WINDOW), contacts=people(PEOPLE))
    made.start(campaign())
    return data


def environment(folder, library, program, at, count_file=None):
    """The core hands its hosts a tidy environment, so the host gets the library from a program that stands in front of it."""
    extra = {"LANTOA_CRASH_PROGRAM": program}
    if at:
        extra["LANTOA_CRASH_AT"] = str(at)
    if count_file:
        extra["LANTOA_CRASH_COUNT_FILE"] = count_file
    if program == "lantoa":
        return {**extra, "LD_PRELOAD": library}
    wrapper = os.path.join(folder, "channel-program")
    with open(wrapper, "w", encoding="ascii") as file:
        file.write(f'#!/bin/sh\nLD_PRELOAD={library} exec {BUILD}/bin/lantoa-channel "$@"\n')
    os.chmod(wrapper, 0o755)
    return {**extra, "LANTOA_CHANNEL_PROGRAM": wrapper}


@pytest.mark.parametrize("program", ["lantoa", "lantoa-channel"])
def test_every_step_of_the_send_path(program, library, witness_with, scratch):
    everybody = [row["email"] for row in people(PEOPLE)]
    count_file = os.path.join(scratch, "count")
    folder = os.path.join(scratch, "count-run")
    os.mkdir(folder)
    witness = witness_with(name="count")
    data = prepared(folder, witness)
    data.until_idle("--clock", f"{START},x1", env=environment(folder, library, program, 0, count_file))
    with open(count_file, encoding="ascii") as file:
        total = int(file.read())
    assert total > 20, total
    points = range(1, total + 1) if total <= MOST else sorted({1 + number * (total - 1) // (MOST - 1) for number in range(MOST)})
    worst = 0
    for at in points:
        folder = os.path.join(scratch, f"{program}-{at}")
        os.mkdir(folder)
        witness = witness_with(name=f"{program}-{at}")
        data = prepared(folder, witness)
        serve = data.serve("--until-idle", "--clock", f"{START},x1", env=environment(folder, library, program, at))
        if program == "lantoa":
            serve.process.wait(60)
            data.until_idle("--clock", f"{START},x1")
        else:
            # The wrapper kills every host at the same point, so the core is ended and goes on with a healthy one.
            try:
                serve.process.wait(3)
            except subprocess.TimeoutExpired:
                serve.kill()
            data.until_idle("--clock", f"{START},x1")
        crashes = 1 if program == "lantoa" else 4
        left = everything_accounted_for(data, witness, "c", everybody, crashes, WINDOW)
        worst = max(worst, len(left))
        data.end()
        witness.end()
    print(f"{program}: {len(list(points))} of {total} points, at most {worst} uncertain")
