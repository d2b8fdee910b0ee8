"""Reports over a year of campaigns beside DuckDB: the standard reach report, which answers from kept figures, and the same with nothing kept."""
import csv
import io
import os
import sqlite3
import subprocess
import time

from harness import PEERS, ratio, run
from ours import Ours

MESSAGES, ENROLMENTS = 5000000, 100000
DUCKDB = os.path.join(PEERS, "duckdb")
REACH = ("report", "place", "--by", "channel", "--csv")


def duckdb(*words):
    """What history.js says; the package is installed at the first call."""
    if not os.path.exists(os.path.join(DUCKDB, "node_modules")):
        subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"], cwd=DUCKDB, check=True,
                       stdout=subprocess.DEVNULL)
    return run(["node", os.path.join(DUCKDB, "history.js"), *words])[1]


def history_of(bench):
    """The data folder and the DuckDB file with the same rows; made once."""
    folder = os.path.join(bench.work, "history")
    duck = os.path.join(folder, "history.duckdb")
    if not os.path.exists(folder):
        os.mkdir(folder)
        one = Ours(folder)
        program = bench.program("history.c", libraries=("-lsqlite3",))
        subprocess.run([program, os.path.join(one.data, "lantoa.db"), str(bench.count(MESSAGES)), str(bench.count(ENROLMENTS)), folder], check=True)
        duckdb("load", folder, duck)
    return os.path.join(folder, "data"), duck


def compare(text, peer):
    """Both answers, row by row: channel, place, accepted messages, people."""
    mine = [f"{row['channel'][1:]},{row['place_code']},{row['accepted']},{row['people']}" for row in csv.DictReader(io.StringIO(text))]
    if sorted(mine) != sorted(peer):
        raise RuntimeError(f"the answers differ: {sorted(mine)[:2]} {sorted(peer)[:2]}")


def report(bench):
    folder, duck = history_of(bench)
    count = bench.count(MESSAGES)
    answer = {}

    def by_duckdb(_work):
        said = duckdb("reach", duck)
        answer["duckdb"] = said["rows"]
        return count, said["secs"]

    def by_us(keep):
        def once(_work):
            one = Ours.__new__(Ours)
            one.data, one.at = folder, lambda hour: ()
            if keep:
                one.lantoa(*REACH)  # a daemon has done so
            else:
                database = sqlite3.connect(os.path.join(folder, "lantoa.db"))
                database.execute("DELETE FROM report_kept")
                database.commit()
                database.close()
            start = time.monotonic()
            text = one.lantoa(*REACH)
            secs = time.monotonic() - start
            compare(text, answer["duckdb"])
            return count, secs
        return once
    peer = bench.add("DuckDB, two threads, inside a running node", by_duckdb, "message")
    kept = bench.add("lantoa report place --by channel, figures kept, with start-up", by_us(True), "message")
    walk = bench.add("the same, nothing kept: all rows counted, and kept", by_us(False), "message")
    bench.demand("standard reach report, time : DuckDB, two threads", None, lambda: ratio(peer, kept), most=0.1)
    bench.demand("a cut of which nothing is kept, time : DuckDB, two threads", None, lambda: ratio(peer, walk), most=2)
