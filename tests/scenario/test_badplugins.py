"""Plugins that misbehave in each known way, in the whole product: the core and the other channel go on, the ledger says exactly what is known."""
import os
import shutil
import time

import pytest

from rig.build import START, campaign, outbox_channel, people, step
from rig.program import BUILD, SLOW, eventually

BAD = os.path.join(BUILD, "tests", "plugins")
GOOD = os.path.join(BUILD, "plugins")
PEOPLE, WINDOW = 40, 8

# (plugin, options); all of them accept some messages first where that is possible.
RUNNING = [("crash-send", {"after": 5}), ("crash-start", {}), ("double-result", {"after": 5}), ("garbage-frame", {"after": 5}), ("gives-up", {}),
           ("hang", {"after": 5}), ("leak", {"after": 5}), ("lies", {"after": 5, "how": "unsent"}), ("lies", {"after": 5, "how": "unknown"}),
           ("lies", {"after": 5, "how": "twice"}), ("lies", {"after": 5, "how": "foreign"}), ("lies", {"after": 5, "how": "outcome"}),
           ("no-result", {"after": 5}), ("partial-frame", {"after": 5, "how": "exit"}), ("partial-frame", {"after": 5, "how": "stay"})]
REFUSED = ["wrong-abi", "wrong-symbol", "bad-tables"]


@pytest.fixture
def plugins(scratch):
    folder = os.path.join(scratch, "plugins")
    os.mkdir(folder)
    for source in (GOOD, BAD):
        for name in os.listdir(source):
            if name.endswith(".so"):
                shutil.copy(os.path.join(source, name), folder)
    return folder


@pytest.mark.parametrize("plugin,options", RUNNING, ids=["-".join([name, *map(str, options.values())]) for name, options in RUNNING])
@pytest.mark.quick
def test_the_other_channel_goes_on(data, made, plugins, plugin, options):
    data.env["LANTOA_PLUGINS"] = plugins
    bad = {"name": "bad", "plugin": plugin, "options": options, "window": WINDOW, "watchdog_s": 2, "memory_mb": 96}
    made.init(bad, outbox_channel(options={"delay_ms": 10}, window=4), contacts=people(PEOPLE))
    made.start(campaign("a", steps=[step(channel="bad", content={"vi": {"text": "x"}})]))
    made.start(campaign("b", steps=[step(channel="outbox")]))
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    eventually(lambda: data.states("b") == {"accepted": PEOPLE}, 30, 0.2)
    channels = {row["name"]: row for row in data.rows("channel", "list")}
    assert channels["outbox"]["state"] == "ready", channels
    assert serve.running()
    serve.stop(40)
    states = data.states("a")
    assert sum(states.values()) == PEOPLE and states.get("sending", 0) == 0, states
    assert states.get("accepted", 0) <= PEOPLE
    # Each host that died may leave a window of messages nobody can tell the end of, and not one more.
    hosts = 1 + serve.log().count("ended by signal") + serve.log().count("ended with exit")
    assert states.get("uncertain", 0) <= WINDOW * max(hosts, 12)
    for row in data.messages("a", "uncertain"):
        assert row["address"]


@pytest.mark.parametrize("plugin", REFUSED)
@pytest.mark.quick
def test_what_is_no_plugin_of_ours_is_refused(data, made, plugins, plugin):
    data.env["LANTOA_PLUGINS"] = plugins
    made.init()
    message = data.refused("channel", "apply", data.write("bad.json", {"name": "bad", "plugin": plugin, "options": {}}))
    assert plugin in message and len(message.splitlines()) == 1, message
    assert data.rows("channel", "list") == []


@pytest.mark.parametrize("how", ["slow", "stuck"])
@pytest.mark.quick
def test_a_price_that_does_not_come_holds_nobody_else(data, made, plugins, scratch, how):
    """1.5 s for each price, or for ever: the other channel sends, a pause takes effect, and the slow one gets its right prices."""
    data.env["LANTOA_PLUGINS"] = plugins
    file = os.path.join(scratch, "slow-now")
    made.init({"name": "dear", "plugin": "priced", "options": {}}, outbox_channel(options={"delay_ms": 5}, window=1), contacts=people(30))
    content = {"vi": {"text": f"{how} {file}"}}
    made.start(campaign("a", steps=[step(channel="dear", content=content)], budget={"amount": 1000000}, canary=False))
    made.start(campaign("b", steps=[step(channel="outbox")], canary=False))
    open(file, "w", encoding="ascii").close()
    serve = data.serve("--clock", f"{START},x1").wait_ready()
    begun = time.monotonic()
    eventually(lambda: data.states("b") == {"accepted": 30}, 20, 0.02, "b goes on")
    assert time.monotonic() - begun < 1.5 * SLOW, "and does not wait for a"
    if how == "slow":
        eventually(lambda: data.states("a").get("accepted", 0) == 1, 20, 0.02, "a goes on, slowly")
        begun = time.monotonic()
        data.ok("campaign", "pause", "a")
        assert time.monotonic() - begun < 1, "nobody holds the database"
        eventually(lambda: data.rows("campaign", "list")[0]["state"] == "paused", 2, 0.02)
    else:
        eventually(lambda: data.rows("campaign", "list")[0]["state"] == "paused", 5, 0.05, "a waits for a person")
        assert "no price in 2 s" in data.rows("campaign", "list")[0]["waits_for"]
    os.unlink(file)
    data.ok("campaign", "resume", "a")
    eventually(lambda: data.states("a") == {"accepted": 30}, 20, 0.05, "a to its end: " + str(data.states("a")))
    serve.stop()
    units = (len(content["vi"]["text"]) + 9) // 10
    assert data.sql("SELECT DISTINCT units, minor FROM message WHERE minor IS NOT NULL") == [(units, 5 * units)]
