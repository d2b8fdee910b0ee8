"""What a person plays from a stick: the month of a commune as playlists, recordings, calendar and print, read by programs of others; and the
person's word that counts."""
import os
import shutil
import subprocess
import urllib.error
import urllib.request
import xml.etree.ElementTree as tree

import icalendar
import pytest

from rig.build import campaign
from rig.loud import Loud, airings, outlet
from rig.program import eventually

from loud_rig import VIETNAM, decoded, free_port, power

pytestmark = pytest.mark.needs("ffmpeg", "ffprobe", "sox", "pdftotext", "python:icalendar")
NOON = "2026-11-15T12:00:00+07:00,x1"
LATER = "2026-12-01T09:00:00+07:00,x1"


def probed(path):
    """(seconds, codec, hertz, channels), as ffprobe tells."""
    words = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,sample_rate,channels:format=duration", "-of", "csv=p=0", path]
    stream, seconds = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    codec, hertz, channels = stream.split(",")
    return float(seconds), codec, int(hertz), int(channels)


def printed(path):
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout


def events(text):
    return [event for event in icalendar.Calendar.from_ical(text).walk("VEVENT")]


def test_a_month_on_a_stick(data, made):
    loud = Loud(data, made)
    loud.material("bao-hiem", 3, 500)
    long = "Cụm loa nhà văn hoá thôn Đồng Tiến; cạnh trường, sau đình làng, tên dài đến nỗi phải gấp dòng trong tệp lịch"
    loud.outlets(outlet("A1", "paper:dong-tien", name=long), outlet("B1", "paper:mao-dien", "24002"))
    data.ok("settings", "set", "public_url", "https://tin.example.vn")
    loud.start(campaign("c", steps=[airings(per_day=2, days=3, materials=["gia-dinh", "bao-hiem"])]))
    with loud.serving(NOON):
        booked = {row["start"]: row for row in loud.all_become("A1", "accepted", 6)}
    month = os.path.join(loud.paper, "dong-tien", "2026-12")
    # The stick: every line of a playlist leads to sound that others play.
    playlist = open(os.path.join(month, "month.m3u8"), encoding="utf-8").read().splitlines()
    files = [line for line in playlist if not line.startswith("#")]
    assert len(files) == 6 and len(set(files)) == 2
    for name, seconds, hertz in (("gia-dinh", 2, 1000), ("bao-hiem", 3, 500)):
        (path,) = {os.path.join(month, file) for file in files if name in file}
        found = probed(path)
        assert abs(found[0] - seconds) < 0.05 and found[1:] == ("pcm_s16le", 44100, 1)
        assert power(decoded(path)[1600:-1600], hertz) > 0.95
    shutil.copy(os.path.join(month, "month.m3u8"), os.path.join(month, "month.m3u"))  # the only ending that sox knows
    listed = subprocess.run(["sox", os.path.join(month, "month.m3u"), "-n", "stat"], capture_output=True, text=True, check=True).stderr
    assert abs(float(listed.split("Length (seconds):")[1].split()[0]) - 3 * (2 + 3)) < 0.1, listed
    tracks = tree.parse(os.path.join(month, "month.xspf")).findall(".//{http://xspf.org/ns/0/}track")
    assert len(tracks) == 6 and all(os.path.exists(os.path.join(month, track[0].text)) for track in tracks)
    assert sorted(os.listdir(os.path.join(month, "days"))) == [f"2026-12-0{day}.m3u8" for day in (1, 2, 3)]
    # Its calendar, and the commune's, name the same events and the same codes.
    own = {str(event["UID"]): event for event in events(open(os.path.join(month, "calendar.ics"), encoding="utf-8").read())}
    text = data.ok("--clock", NOON, "airing", "calendar", "--place", "Đồng Tiến").out
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n")), "RFC 5545, 3.1"
    feed = {str(event["UID"]): event for event in events(text)}
    assert len(own) == 6 and own.keys() == feed.keys()
    for uid, event in feed.items():
        start = event.decoded("DTSTART")
        assert start == own[uid].decoded("DTSTART")
        row = booked[start.astimezone(VIETNAM).isoformat()]
        assert row["code"] in event["DESCRIPTION"] and row["code"] in own[uid]["DESCRIPTION"]
        assert (event.decoded("DTEND") - start).seconds == row["seconds"] and event["SUMMARY"] == row["material"] and event["STATUS"] == "CONFIRMED"
        assert event["LOCATION"] == "Xã Đồng Tiến" and long in event["DESCRIPTION"]
    # In print: days, times and codes, in Vietnamese as they are.
    data.ok("--lang", "vi", "report", "airtime", "--place", "Đồng Tiến", "--month", "2026-12", "--pdf", data.path("month.pdf"))
    text = printed(data.path("month.pdf"))
    assert "LỊCH PHÁT THANH" in text and "Đồng Tiến" in text and "Tháng 12 năm 2026" in text
    for row in booked.values():
        assert row["code"] in text.replace("\n", " "), (row, text)
    # A person says what became of one, by its code; nobody else's word or code does.
    first = booked["2026-12-01T05:00:00+07:00"]
    data.refused("--clock", LATER, "airing", "confirm", "AAAA-2222", "--played", "2026-12-01T05:03", "--by", "cô Hoa")
    data.ok("--clock", LATER, "airing", "confirm", first["code"].lower(), "--played", "2026-12-01T05:03", "--by", "cô Hoa", "--note", "loa 2 rè")
    told = data.json("report", "asrun", "c")
    by = {row["outlet"]: row for row in told["rows"]}
    assert (by["A1"]["played"], by["A1"]["confirmed"], by["A1"]["open"], by["A1"]["owner"]) == (1, 1, 5, "village")
    (said,) = told["tables"]["confirmed"]["rows"]
    assert (said["outlet"], said["confirmed_by"], said["played_at"][:16], said["confirmed_at"][:16]) == ("A1", "cô Hoa", "2026-12-01T05:03", "2026-12-01T09:00"), said


def test_a_telephone_subscribes_to_a_commune(data, made):
    """The address that staff hand out; what the commune has not decided is tentative, what it declined goes."""
    loud = Loud(data, made)
    loud.outlets(outlet("A1", "paper:dong-tien"), outlet("A2", "device:loa-7"), outlet("B1", "paper:mao-dien", "24002"))
    assert "public_url" in data.refused("airing", "calendar", "--place", "Đồng Tiến", "--url")
    port = free_port()
    data.ok("settings", "set", "public_url", "https://tin.example.vn")
    url = data.json("airing", "calendar", "--place", "Đồng Tiến", "--url")["url"]
    assert url.startswith("https://tin.example.vn/lich/") and url.endswith(".ics")
    loud.start(campaign("c", steps=[airings()]), approve=False)
    here = url.replace("https://tin.example.vn", f"http://127.0.0.1:{port}")

    def look():
        with urllib.request.urlopen(here, timeout=20) as answer:
            assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
            return {str(event["DESCRIPTION"]).split()[1]: str(event["STATUS"]) for event in events(answer.read())}

    with data.serving("--clock", NOON, "--http", f"127.0.0.1:{port}"):
        eventually(lambda: look() == {"A1": "TENTATIVE", "A2": "TENTATIVE"}, 20)
        data.ok("--clock", NOON, "airing", "approve", "--outlet", "A1", "--by", "xa")
        data.ok("--clock", NOON, "airing", "decline", "--outlet", "A2", "--reason", "lễ hội", "--by", "xa")
        eventually(lambda: look() == {"A1": "CONFIRMED"}, 20)
        for wrong in (here.replace(".ics", ""), here.replace("/lich/", "/lich/1"), here[:-5] + ("0" if here[-5] != "0" else "1") + ".ics"):
            with pytest.raises(urllib.error.HTTPError) as fault:
                urllib.request.urlopen(wrong, timeout=20)
            assert fault.value.code == 404
