"""A whole campaign: a CSV file of people in, everybody mailed and recorded, a report out; all programs with their start-up."""
import csv
import io
import os
import time

from harness import HERE, PEERS, node_environment, ratio, run
from ours import Ours

# The peer is measured on fewer people: it takes the same time for each (its tables are the smaller for it).
OURS, PEER = 1000000, 50000


def by_us(bench, with_light_sink):
    count = bench.count(OURS)

    def once(work):
        def act(port):
            one = Ours(work)
            took = {}
            start = before = time.monotonic()

            def done(what):
                nonlocal before
                now = time.monotonic()
                took[what] = round(now - before, 2)
                before = now
            one.lantoa("contact", "import", bench.csv(count))
            done("import")
            one.channel(port)
            one.campaign()
            one.start()
            done("plan")
            one.serve()
            done("send")
            text = one.lantoa("report", "campaign", "bench", "--by", "state", "--csv")
            done("report")
            secs = time.monotonic() - start
            found = {row["state"]: int(row["messages"]) for row in csv.DictReader(io.StringIO(text))}
            if found != {"accepted": count}:
                raise RuntimeError(f"the report says {found}")
            return count, secs, took
        return with_light_sink(act)
    return bench.add("lantoa: contact import, campaign, serve, report", once, "recipient")


def by_node(bench, with_light_sink):
    count = bench.count(PEER)
    environment = node_environment()

    def once(work):
        def act(port):
            said = os.path.join(work, "report.csv")
            secs = run(["node", os.path.join(PEERS, "campaign.js"), str(port), os.path.join(work, "peer.db"), os.path.join(HERE, "content.json"),
                        bench.csv(count), said], environment)[0]
            with open(said, encoding="utf-8") as file:
                if file.read() != f"state,messages\n2,{count}\n":
                    raise RuntimeError("not everybody was mailed")
            return count, secs
        return with_light_sink(act)
    return bench.add("nodemailer + handlebars + better-sqlite3: the same", once, "recipient")


def whole(bench, with_light_sink):
    bench.csv(bench.count(OURS))
    bench.csv(bench.count(PEER))
    peer = by_node(bench, with_light_sink)
    mine = by_us(bench, with_light_sink)
    bench.demand("a whole campaign, CSV in to report out : nodemailer, handlebars, better-sqlite3", 15, lambda: ratio(mine, peer))
    bench.tell("seconds for 1,000,000 recipients, lantoa", lambda: OURS / mine.median)
    bench.tell("seconds for 1,000,000 recipients, the peer, reckoned from fewer", lambda: OURS / peer.median)
