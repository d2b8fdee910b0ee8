"""Recordings for loudspeakers: sound files good and broken, text to speech, listening, approval."""
import json
import math
import os
import struct
import subprocess
import wave

import pytest

pytestmark = [pytest.mark.quick, pytest.mark.needs("ffmpeg", "espeak-ng")]


def tone(path, seconds=3.0, level=0.3, rate=22050, frequency=440):
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", int(max(-1, min(1, level * math.sin(2 * math.pi * frequency * n / rate))) * 32767))
                                 for n in range(int(seconds * rate))))
    return path


def probe(path):
    told = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_entries", "stream=codec_name,channels,sample_rate:format=duration", path],
                          capture_output=True, text=True, check=True)
    return json.loads(told.stdout)


def test_a_recording_is_checked_normalised_and_kept(data):
    data.ok("init")
    made = data.json("material", "add", "gia-dinh", "--for", "vi", "--file", tone(data.path("a.wav"), level=0.02))
    assert abs(made["lufs"] + 23) <= 1 and made["lufs_before"] < -30 and abs(made["seconds"] - 3) < 0.1
    again = data.json("material", "add", "gia-dinh", "--for", "vi", "--file", data.path("a.wav"))
    assert again["unchanged"] and again["id"] == made["id"]
    heard = data.json("material", "listen", "gia-dinh", "--out", data.path("o.ogg"), "--by", "Hoà")
    assert heard["marked"] == 1 and heard["by"] == "Hoà"
    seen = probe(data.path("o.ogg"))
    assert seen["streams"][0] == {"codec_name": "opus", "sample_rate": "48000", "channels": 1}
    assert abs(float(seen["format"]["duration"]) - 3) < 0.1
    data.ok("material", "approve", "gia-dinh", "--by", "Bình")
    row = data.json("material", "list")["rows"][0]
    assert (row["state"], row["listened_by"], row["approved_by"]) == ("approved", "Hoà", "Bình")
    other = data.json("material", "add", "gia-dinh", "--for", "vi", "--file", tone(data.path("b.wav"), frequency=880))
    assert other["replaced"] == made["id"]
    assert [row["state"] for row in data.json("material", "list", "--all")["rows"]] == ["replaced", "draft"]


def test_a_loud_recording_is_told(data):
    data.ok("init")
    made = data.json("material", "add", "to", "--for", "vi", "--file", tone(data.path("a.wav"), level=4))
    assert any("clipped" in finding for finding in made["findings"])
    assert made["peak_dbtp"] <= -1 + 0.5


def test_broken_sound_is_refused_and_nothing_kept(data):
    data.ok("init")
    tone(data.path("whole.wav"), seconds=5)
    with open(data.path("whole.wav"), "rb") as file:
        whole = file.read()
    cases = {"cut.wav": (whole[:70000], "damaged one (corrupt input"), "noise.mp3": (os.urandom(4000), "not a sound file"), "empty.wav": (b"", "not a sound file"),
             "list.m3u8": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "not a sound file")}
    for name, (content, words) in cases.items():
        with open(data.path(name), "wb") as file:
            file.write(content)
        told = data.run("material", "add", "x", "--for", "vi", "--file", data.path(name))
        assert told.code == 1 and name in told.err and words in told.err, (name, told.err)
    told = data.run("material", "add", "x", "--for", "vi", "--file", tone(data.path("s.wav"), level=0))
    assert told.code == 1 and "nothing to hear" in told.err
    told = data.run("material", "add", "x", "--for", "vi", "--file", tone(data.path("t.wav"), seconds=0.2))
    assert told.code == 1 and "half a second" in told.err
    assert data.json("material", "list")["rows"] == []


def test_text_is_spoken_in_words_and_waits_for_a_listener(data):
    data.ok("init")
    made = data.json("material", "speak", "moi", "--for", "vi", "--text", "UBND xã mời bà con lúc 7h30 ngày 15/4/2026 nộp 33.000đ BHXH")
    assert made["words"] == ("ủy ban nhân dân xã mời bà con lúc bảy giờ ba mươi phút ngày mười lăm tháng tư năm hai nghìn không trăm hai mươi sáu "
                             "nộp ba mươi ba nghìn đồng bảo hiểm xã hội")
    assert made["findings"] == [] and abs(made["lufs"] + 23) <= 1.5 and 5 < made["seconds"] < 20
    told = data.run("material", "approve", "moi")
    assert told.code == 1 and "nobody has listened" in told.err
    data.ok("material", "listen", "moi")
    assert data.json("material", "approve", "moi")["approved"] == 1
    foreign = data.json("material", "speak", "moi", "--for", "vi", "--text", "Bà con tham gia workshop")
    assert any("workshop" in finding for finding in foreign["findings"])
    told = data.run("material", "speak", "moi", "--for", "nut", "--text", "mot")
    assert told.code == 1 and "no voice" in told.err


def test_the_table_of_speech_is_spoken_as_vietnamese():
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "config", "rules", "speech.json"), encoding="utf-8") as file:
        table = json.load(file)
    said = [text for field in ("abbreviations", "words", "units", "signs", "letters") for text in table[field].values()] + table["per"]
    words = sorted({word for text in said for word in text.replace(",", "").split()})
    told = subprocess.run(["espeak-ng", "-v", "vi", "-q", "--ipa"], input="\n".join(words), capture_output=True, text=True, check=True)
    lines = told.stdout.splitlines()
    assert len(lines) == len(words) > 250
    assert [word for word, line in zip(words, lines) if "(en)" in line] == []
