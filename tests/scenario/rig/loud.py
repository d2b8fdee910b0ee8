"""A data folder with loudspeakers: outlets, an approved material, the way from a campaign file to what devices say."""
import contextlib
import os
import socket
import sys
import time

from rig.build import campaign, step, table
from rig.program import eventually

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "unit", "loudspeaker"))
from loud_rig import at, free_port, millis, tone  # noqa: E402

PLACES = [{"code": "24", "name": "Tỉnh Bắc Ninh", "level": "province", "valid_from": "2025-07-01"},
          {"code": "24001", "name": "Xã Đồng Tiến", "level": "commune", "parent": "24", "valid_from": "2025-07-01"},
          {"code": "24002", "name": "Phường Mão Điền", "level": "commune", "parent": "24", "valid_from": "2025-07-01"}]
PLANNED = "2026-11-30T20:00:00+07:00,x1"
DAWN = "2026-12-01T04:59:5{}+07:00,x1"


def outlet(code, device, place="24001", **more):
    return {"code": code, "name": f"Loa {code}", "kind": "cluster", "owner": "village", "place_code": place, "coverage": f"{place}:120",
            "windows": "mo-su 05:00-05:30; mo-su 17:00-17:30", "device": device, "channel": "loa", "languages": "vi", "minutes_per_day": 60, **more}


def airings(name="loa-1", when="2026-12-01T05:00", **asked):
    made = step(name=name, channel="loa", when={"at": when}, outlets="all",
                airings={"per_day": 1, "days": 1, "gap": "PT2H", "materials": ["gia-dinh"], **asked})
    del made["content"]
    return made


def emergency(name="bao", material="bao"):
    made = airings(name=f"{name}-1", when="now")
    made["when"] = {"at": "now"}
    made["airings"] = {"materials": [material], "priority": "emergency", "reason": "bão"}
    return campaign(name, steps=[made], **{"class": "emergency"})


class Loud:
    """A data folder with the loudspeaker channel, its outlets and an approved material of 2 s, 1 kHz."""

    def __init__(self, data, made, **options):
        self.data, self.made, self.port = data, made, free_port()
        keys = options.pop("keys", "") + "\nloa-7 khoa-cua-loa-7\nloa-8 khoa-cua-loa-8\n"
        self.paper = data.path("paper")
        os.mkdir(self.paper)
        made.init({"name": "loa", "plugin": "loudspeaker", "window": 100, "retry": {"tries": 3, "first": "PT1M", "longest": "PT5M"},
                   "options": {"keys": {"file": data.write("keys", keys)}, "listen": f"127.0.0.1:{self.port}", "paper_dir": self.paper, **options}})
        data.ok("place", "import", data.write("places.csv", table(PLACES)))
        self.material("gia-dinh")

    def material(self, name, seconds=2, hertz=1000, lang="vi"):
        for verb in (["add", name, "--for", lang, "--file", tone(self.data.path(f"{name}-{lang}.wav"), seconds, hertz)], ["listen", name], ["approve", name]):
            self.data.ok("material", *map(str, verb))

    def outlets(self, *rows):
        self.data.ok("--clock", PLANNED, "outlet", "import", self.data.write("outlets.csv", table(rows)))

    def start(self, spec, approve=True):
        name = self.made.apply(spec)
        self.data.ok("--clock", PLANNED, "campaign", "plan", name)
        if approve:
            self.data.ok("airing", "approve", "--campaign", name, "--by", "xa-dong-tien")
        self.data.ok("campaign", "approve", name)
        self.data.ok("campaign", "start", name)
        return name

    def ready(self, spec, clock="2026-12-01T04:25:00+07:00,x1"):
        """An emergency, planned and approved by two: a start away from the air."""
        self.data.ok("campaign", "apply", self.data.write(f"{spec['name']}.json", spec))
        self.data.ok("campaign", "plan", spec["name"])
        for who in ("one", "two"):
            self.data.ok("--clock", clock, "--by", who, "campaign", "approve", spec["name"], "--reason", "bão")

    def begins(self, name):
        """Starts what is ready; when that was asked for (time.monotonic)."""
        asked = time.monotonic()
        self.data.ok("--clock", f"{at(0, self.now())},x1", "campaign", "start", name)
        return asked

    @contextlib.contextmanager
    def serving(self, clock=DAWN.format(6), *more):
        self.began, self.real = millis(clock.split(",", maxsplit=1)[0]), time.time()
        with self.data.serving("--clock", clock, *more) as self.serve:
            eventually(self.listens, 20, 0.02, "devices can fetch")
            yield self.serve

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def now(self):
        return int(self.began + (time.time() - self.real) * 1000)

    def log(self):
        with open(self.serve.log_path, encoding="utf-8") as file:
            return file.read()[-3000:]

    def row(self, outlet_code, campaign_name=None):
        found = [row for row in self.data.rows("airing", "list", "--outlet", outlet_code) if campaign_name in (None, row["campaign"])]
        assert len(found) == 1, found
        return found[0]

    def becomes(self, outlet_code, state, seconds=60, campaign_name=None):
        def ready():
            found = self.row(outlet_code, campaign_name)
            return found if found["state"] == state else None
        try:
            return eventually(ready, seconds)
        except AssertionError as failure:
            raise AssertionError(f"{self.row(outlet_code, campaign_name)}\n{self.log()}") from failure

    def all_become(self, outlet_code, state, count, seconds=60, campaign_name="c"):
        """All airings of an outlet in a campaign, by start."""
        def rows():
            return self.data.rows("airing", "list", "--outlet", outlet_code, "--campaign", campaign_name)

        def ready():
            found = rows()
            return sorted(found, key=lambda row: row["start"]) if [row["state"] for row in found] == [state] * count else None
        try:
            return eventually(ready, seconds)
        except AssertionError as failure:
            raise AssertionError(f"{rows()}\n{self.log()}") from failure
