"""A month of airings for every station of the country's list, through the program: booked in the database, then approved by the communes."""
import csv
import datetime
import os
import subprocess
import time

from ours import Ours

STATIONS, COMMUNES, DAYS, PER_DAY, SECONDS = 2193, 100, 30, 4, 40


def table(work, name, rows):
    path = os.path.join(work, name)
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def ready(work):
    """A data folder with the stations, a recording and a campaign that asks for airings on all of them."""
    one, first = Ours(work), datetime.date.today() + datetime.timedelta(days=1)
    places = [{"code": "24", "name": "Tỉnh", "level": "province", "parent": "", "valid_from": "2025-07-01"}]
    places += [{"code": f"24{n:03d}", "name": f"Xã {n}", "level": "commune", "parent": "24", "valid_from": "2025-07-01"} for n in range(COMMUNES)]
    one.lantoa("place", "import", table(work, "places.csv", places))
    one.apply("channel", {"name": "loa", "plugin": "loudspeaker", "options": {}})
    one.lantoa("outlet", "import", table(work, "outlets.csv", [{
        "code": f"S{n}", "name": f"Loa {n}", "kind": "cluster", "owner": "village", "place_code": f"24{n % COMMUNES:03d}", "households": 120,
        "windows": "mo-su 05:00-05:30; mo-su 17:00-17:30", "minutes_per_day": 30, "device": f"device:s{n}", "channel": "loa", "languages": "vi"}
        for n in range(STATIONS)]))
    sound = os.path.join(work, "sound.wav")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"sine=440:duration={SECONDS}", sound], check=True)
    one.lantoa("material", "add", "bench", "--for", "vi", "--file", sound)
    one.lantoa("material", "listen", "bench")
    one.lantoa("material", "approve", "bench")
    one.apply("theme", {"name": "bench", "title": {"en": "Bench"}})
    one.apply("campaign", {
        "name": "bench", "theme": "bench", "class": "state_information", "legal_basis": "a measurement", "audience": "all",
        "window": {"from": str(first), "to": str(first + datetime.timedelta(days=DAYS)), "timezone": "Asia/Ho_Chi_Minh"},
        "steps": [{"name": "loa", "channel": "loa", "outlets": "all", "when": {"at": f"{first}T04:30"},
                   "airings": {"per_day": PER_DAY, "days": DAYS, "gap": "PT5M", "materials": ["bench"]}}]})
    return one


def booked(bench):
    def once(work):
        one, took = ready(work), {}
        for what, words in (("plan", ("campaign", "plan", "bench")), ("approve", ("airing", "approve", "--campaign", "bench"))):
            start = time.monotonic()
            said = one.lantoa(*words)
            took[what] = round(time.monotonic() - start, 2)
        if f"{STATIONS * DAYS * PER_DAY} approved" not in said:
            raise RuntimeError(f"not all of the airings are approved: {said}")
        return STATIONS * DAYS * PER_DAY, sum(took.values()), took
    mine = bench.add("lantoa campaign plan, airing approve: the same, in the database", once, "airing")
    bench.demand("booking and approving 263,160 airings in the database, seconds", None,
                 lambda: STATIONS * DAYS * PER_DAY / mine.median if mine.median else None, most=10)
