"""Every database call that fails, and every allocation that fails: one clear message, nothing half done, and the next try succeeds."""
import contextlib
import os
import shutil
import sqlite3
import subprocess

import pytest

from rig.build import START, THEME, Campaigns, campaign, email_channel, outbox_channel, people, step, table
from rig.program import BUILD, Data, eventually

ALL = int(os.environ.get("LANTOA_TEST_CRASHES", "100")) >= 1000
IOFAULT = os.path.join(BUILD, "tests", "libiofault.so")
ALLOCFAULT = os.path.join(BUILD, "tests", "liballocfault.so")
SANITIZED = b"libasan" in subprocess.run(["ldd", os.path.join(BUILD, "bin", "lantoa")], capture_output=True, check=False).stdout
pytestmark = pytest.mark.skipif(SANITIZED, reason="a preloaded library and AddressSanitizer do not go together")


def spread(total, most):
    """All numbers from 1 to total, or `most` of them evenly spread."""
    if ALL or total <= most:
        return list(range(1, total + 1))
    return sorted({1 + number * (total - 1) // (most - 1) for number in range(most)})


class Store:
    """A prepared data folder that each try starts from, copied."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.tries = 0
        self.data = Data(scratch)
        made = Campaigns(self.data)
        made.init(outbox_channel(), contacts=people(40))
        self.campaign = made.apply(campaign(steps=[step(channel="outbox")]))
        self.files = {name: self.data.write(name, text) for name, text in {
            "more.csv": table(people(300, first=20)), "theme2.json": {**THEME, "name": "theme2"},
            "campaign2.json": campaign("c2", steps=[step(channel="outbox")]),
            "places.csv": "code,name,level,parent,valid_from,valid_to\n97,Tỉnh Lam Giang,province,,1997-01-01,\n"}.items()}

    def copy(self):
        self.tries += 1
        folder = os.path.join(self.scratch, f"try-{self.tries}")
        os.mkdir(folder)
        shutil.copytree(self.data.dir, os.path.join(folder, "data"))
        return Data(folder)

    def words(self, operation, data):
        return [word.replace("TRY", data.scratch) for word in (self.files.get(word, word) for word in operation)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(str(tmp_path_factory.mktemp("faults")))


OPERATIONS = {
    "contact-import": ["contact", "import", "more.csv", "--rejects", "TRY/rejects.csv"],
    "place-import": ["place", "import", "places.csv"],
    "theme-apply": ["theme", "apply", "theme2.json"],
    "campaign-apply": ["campaign", "apply", "campaign2.json"],
    "campaign-plan": ["campaign", "plan", "c"],
    "segment-count": ["segment", "count", "name ~ 'nguyen'"],
    "backup": ["backup", "TRY/copy.db"],
}


def counted(store, library, variable, words):
    data = store.copy()
    count_file = data.path("count")
    data.ok(*store.words(words, data), env={"LD_PRELOAD": library, variable + "_COUNT_FILE": count_file, "LANTOA_FAULT_PROGRAM": "lantoa"})
    with open(count_file, encoding="ascii") as file:
        return int(file.read())


def sound(data):
    assert data.sql("PRAGMA integrity_check")[0][0] == "ok"
    assert data.sql("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("code", ["5", "28"], ids=["EIO", "ENOSPC"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_database_call_fails_once(store, name, code):
    words = OPERATIONS[name]
    total = counted(store, IOFAULT, "LANTOA_IOFAULT", words)
    assert total > 0
    refused = 0
    for number in spread(total, 40):
        data = store.copy()
        result = data.run(*store.words(words, data), env={"LD_PRELOAD": IOFAULT, "LANTOA_IOFAULT_AT": str(number),
                                                         "LANTOA_IOFAULT_ERRNO": code, "LANTOA_FAULT_PROGRAM": "lantoa"})
        if result.code != 0:
            refused += 1
            lines = [line for line in result.err.splitlines() if line.strip()]
            assert 1 <= len(lines) <= 3, f"call {number}: {result!r}"
        sound(data)
        if name == "backup" and os.path.exists(data.path("copy.db")) and result.code != 0:
            pytest.fail(f"call {number}: a failed backup left a file that looks like one")
        if name == "contact-import" and result.code != 0:
            batches = data.sql("SELECT count(*) FROM import_batch WHERE finished_at IS NULL")[0][0]
            assert batches <= 1
        if name != "backup" or result.code != 0:  # a backup never overwrites
            data.ok(*store.words(words, data))
        if name == "contact-import":
            assert data.sql("SELECT count(*) FROM contact")[0][0] == 319
        if name == "campaign-plan":
            assert data.sql("SELECT count(*) FROM message")[0][0] == 40
        shutil.rmtree(data.scratch)
    assert refused > 0 or code == "28", "no call that failed was noticed: does the library work?"


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_allocation_fails_once(store, name):
    """Out of memory: the program says so and ends, or copes; the database is whole."""
    words = OPERATIONS[name]
    total = counted(store, ALLOCFAULT, "LANTOA_ALLOCFAULT", words)
    assert total > 50
    for number in spread(total, 60):
        data = store.copy()
        arguments = store.words(words, data)
        env = {"LD_PRELOAD": ALLOCFAULT, "LANTOA_ALLOCFAULT_AT": str(number), "LANTOA_FAULT_PROGRAM": "lantoa"}
        code, err = ended(data, arguments, env)
        # base_alloc says so and aborts: the supervisor starts the program again; so does the check that a library got what it needs.
        # Anything else that ends by a signal, or without a word, is a fault.
        said = "memory" in err.lower() or " assert: " in err
        assert code >= 0 or (code == -6 and said), f"allocation {number}: {code}: {err[-500:]}"
        sound(data)
        if name == "backup" and os.path.exists(data.path("copy.db")):
            with contextlib.closing(sqlite3.connect(data.path("copy.db"))) as copy:  # whole, or not there
                assert copy.execute("SELECT count(*) FROM contact").fetchone()[0] == 40, f"allocation {number}: half a backup"
        else:
            data.ok(*arguments)
        shutil.rmtree(data.scratch)


def ended(data, arguments, env):
    from rig.program import LANTOA, environment
    done = subprocess.run([LANTOA, "--data", data.dir, *arguments], env=environment(env), capture_output=True, timeout=120, check=False)
    return done.returncode, done.stderr.decode(errors="replace")


def test_database_calls_that_fail_while_sending(witness_with, scratch):
    """serve meets one failing call: nothing is sent twice, nothing lost, and it goes on or the next start does."""
    def prepared(folder, witness):
        os.makedirs(folder, exist_ok=True)
        data = Data(folder)
        made = Campaigns(data)
        made.init(email_channel(witness.port, window=5), contacts=people(30))
        made.start(campaign())
        return data

    count_file = os.path.join(scratch, "count")
    data = prepared(os.path.join(scratch, "count-run"), witness_with(name="count"))
    env = {"LD_PRELOAD": IOFAULT, "LANTOA_FAULT_PROGRAM": "lantoa"}
    data.until_idle("--clock", f"{START},x1", env={**env, "LANTOA_IOFAULT_COUNT_FILE": count_file})
    with open(count_file, encoding="ascii") as file:
        total = int(file.read())
    for number in spread(total, 15):
        witness = witness_with(name=f"w{number}")
        data = prepared(os.path.join(scratch, f"try-{number}"), witness)
        serve = data.serve("--until-idle", "--clock", f"{START},x1", env={**env, "LANTOA_IOFAULT_AT": str(number)})
        serve.wait(60)
        data.until_idle("--clock", f"{START},x1")
        received = witness.recipients()
        assert len(received) == len(set(received)), f"call {number}: sent twice"
        states = data.states("c")
        assert sum(states.values()) == 30 and states.get("accepted", 0) + states.get("uncertain", 0) == 30, (number, states)
        assert states.get("uncertain", 0) <= 5 and states.get("accepted", 0) <= len(received), (number, states)
        witness.end()


def test_disk_stays_full_while_sending(witness_with, scratch):
    """From some call on there is no space: sending stops within a batch, says so, and goes on when there is room again."""
    env = {"LD_PRELOAD": IOFAULT, "LANTOA_FAULT_PROGRAM": "lantoa", "LANTOA_IOFAULT_ERRNO": "28"}

    def prepared(name):
        witness = witness_with("--delay-ms", "5", name=name)
        folder = os.path.join(scratch, name)
        os.mkdir(folder)
        data = Data(folder)
        made = Campaigns(data)
        made.init(email_channel(witness.port, window=5, options={"connections": 1}), contacts=people(300))
        made.start(campaign())
        return data, witness

    count_file = os.path.join(scratch, "count")
    data, _witness = prepared("counted")
    data.until_idle("--clock", f"{START},x1", env={**env, "LANTOA_IOFAULT_COUNT_FILE": count_file})
    with open(count_file, encoding="ascii") as file:
        total = int(file.read())
    data, witness = prepared("full")
    serve = data.serve("--clock", f"{START},x1", env={**env, "LANTOA_IOFAULT_AT": str(total // 2), "LANTOA_IOFAULT_STAYS": "1"})
    eventually(lambda: "space" in serve.log().lower() or not serve.running(), 15)
    at = witness.count()
    assert at < 300
    serve.kill()
    data.until_idle("--clock", f"{START},x1")
    received = witness.recipients()
    assert len(received) == len(set(received))
    states = data.states("c")
    assert sum(states.values()) == 300 and states["accepted"] + states.get("uncertain", 0) == 300, states
    assert states.get("uncertain", 0) <= 5, states
