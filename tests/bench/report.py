"""Reports over a year of campaigns beside DuckDB: credit for the last touch, the standard reach report from kept figures, and other cuts."""
import csv
import io
import os
import shutil
import sqlite3
import subprocess
import time

from harness import PEERS, ratio, run
from ours import Ours

MESSAGES, ENROLMENTS = 5000000, 100000
DUCKDB = os.path.join(PEERS, "duckdb")
YEAR = ("--from", "2025-12-01", "--to", "2026-11-30")
REACH = ("report", "place", "--by", "channel", "--csv")
LAST = ("report", "attribution", "--all", "--by", "channel,place", "--csv", *YEAR)
LINEAR = ("report", "attribution", "--all", "--by", "campaign,place", "--model", "linear", "--csv", *YEAR)
DAYS = ("report", "campaign", "k07", "--by", "day", "--csv")
WINDOW_DAYS = 30  # of history.js too


def duckdb(*words):
    """What history.js says; the package is installed at the first call."""
    if not os.path.exists(os.path.join(DUCKDB, "node_modules")):
        subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"], cwd=DUCKDB, check=True,
                       stdout=subprocess.DEVNULL)
    return run(["node", os.path.join(DUCKDB, "history.js"), *words])[1]


def history_of(bench):
    """The data folder and the DuckDB file with the same rows; made once, and kept where LANTOA_BENCH_KEEP names a folder."""
    folder = os.path.join(os.environ.get("LANTOA_BENCH_KEEP", bench.work), f"history-{bench.count(MESSAGES)}")
    duck = os.path.join(folder, "history.duckdb")
    if not os.path.exists(duck):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        one = Ours(folder)
        one.apply("rules", {"attribution": {"windows": [{"channel": "*", "days": WINDOW_DAYS, "source": "the comparison"}]}})
        program = bench.program("history.c", libraries=("-lsqlite3",))
        subprocess.run([program, os.path.join(one.data, "lantoa.db"), str(bench.count(MESSAGES)), str(bench.count(ENROLMENTS)), folder], check=True)
        duckdb("load", folder, duck)
    return os.path.join(folder, "data"), duck


def reach_rows(text):
    """Channel, place, accepted messages, people; as history.js says it."""
    return [f"{row['channel'][1:]},{row['place_code']},{row['accepted']},{row['people']}" for row in csv.DictReader(io.StringIO(text))]


def credit_rows(text):
    """Channel or campaign, place, credit."""
    rows = (row for row in csv.DictReader(io.StringIO(text)) if row["kind"] == "credit")
    return [f"{int(row['name'][1:])},{row['place_code']},{row['credit']}" for row in rows]


def day_rows(text):
    """Day, state, messages."""
    return [f"{row['day']},{row['state']},{row['messages']}" for row in csv.DictReader(io.StringIO(text))]


def compare(mine, peer):
    """Row by row; the last figure of a row may have been rounded."""
    pairs = list(zip(sorted(mine), sorted(peer), strict=False))
    parts = [(a.rpartition(","), b.rpartition(",")) for a, b in pairs]
    wrong = [pair for pair, (a, b) in zip(pairs, parts, strict=True) if a[0] != b[0] or abs(float(a[2]) - float(b[2])) > 0.011]
    if len(mine) != len(peer) or wrong:
        raise RuntimeError(f"the answers differ: {len(mine)} and {len(peer)} rows, {wrong[:2]}")


def drop_kept(folder):
    database = sqlite3.connect(os.path.join(folder, "lantoa.db"))
    database.execute("DELETE FROM report_kept")
    database.commit()
    database.close()


def report(bench):
    folder, duck = history_of(bench)
    count = bench.count(MESSAGES)
    one = Ours.__new__(Ours)
    one.data, one.at = folder, lambda hour: ()
    answer = {}

    def pair(what, title, ours, words, rows_of, kept=True):
        """DuckDB and us on one question; the answers must be equal."""
        def by_duckdb(_work):
            said = duckdb(what, duck)
            answer[what] = said["rows"]
            return count, said["secs"]

        def by_us(_work):
            if kept:
                one.lantoa(*REACH)  # what a daemon keeps
            else:
                drop_kept(folder)
            start = time.monotonic()
            text = one.lantoa(*words)
            secs = time.monotonic() - start
            compare(rows_of(text), answer[what])
            return count, secs
        return bench.add(f"DuckDB, two threads: {title}", by_duckdb, "message"), bench.add(f"lantoa {ours}", by_us, "message")

    last, our_last = pair("last", "last touch within 30 days, by channel and place", "report attribution --by channel,place", LAST, credit_rows)
    reach, our_reach = pair("reach", "messages and people by channel and place", "report place --by channel, from kept figures", REACH, reach_rows)
    walk = pair("reach", "messages and people by channel and place", "report place --by channel, nothing kept: all rows counted, and kept", REACH, reach_rows,
                kept=False)[1]
    days, our_days = pair("days", "one campaign by day and state", "report campaign --by day", DAYS, day_rows)
    linear, our_linear = pair("linear", "all touches within 30 days, shared, by campaign and place",
                              "report attribution --model linear --by campaign,place", LINEAR, credit_rows)
    bench.demand("last-touch attribution by channel and place, time : DuckDB", None, lambda: ratio(last, our_last), most=1)
    bench.demand("standard reach report, time : DuckDB", None, lambda: ratio(reach, our_reach), most=0.1)
    bench.demand("a cut of which nothing is kept, time : DuckDB", None, lambda: ratio(reach, walk), most=2)
    bench.demand("one campaign by day, time : DuckDB", None, lambda: ratio(days, our_days), most=2)
    bench.demand("credit shared over all touches, by campaign and place, time : DuckDB", None, lambda: ratio(linear, our_linear), most=2)
