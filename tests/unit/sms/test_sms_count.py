"""Our counting and cutting of texts against npm split-sms, over 10,000 generated Vietnamese texts."""
import os
import random
import subprocess
import unicodedata

from sms_rig import PEERS

WORDS = ("bảo hiểm xã hội tự nguyện người dân đóng mức hỗ trợ tháng Nhà nước xã phường đăng ký hưởng lương hưu chế độ quyền lợi gia đình "
         "ông bà kính gửi từ ngày 1/7/2025 30 % 231.000 đồng thôn bản Lục Ngạn Hiệp Hoà bưu điện cán bộ liên hệ").split()
BARE = "bao hiem xa hoi tu nguyen muc ho tro 20% thang nha nuoc dang ky luong huu [QC] {ten} ^ | ~ \\ € @ £ à è é ù ì ò".split()
EMOJI = ["😀", "🎉", "👍", "✓"]


def texts(count):
    rng = random.Random(20261123)
    made = []
    for number in range(count):
        kind = number % 4
        words = WORDS if kind < 2 else BARE if kind == 2 else BARE + EMOJI
        length = rng.choice([1, 5, 12, 20, 30, 31, 45, 60, 61, 90, 150])
        text = " ".join(rng.choice(words) for _ in range(rng.randint(1, length)))
        if kind == 1:  # to the very boundary
            text = text[:rng.choice([69, 70, 71, 133, 134, 135, 200, 201, 202])]
        if kind == 2 and number % 3 == 0:
            text = text[:rng.choice([159, 160, 161, 305, 306, 307, 459, 460])]
        made.append(unicodedata.normalize("NFC", text).strip() or "a")
    return made


def rows(program, lines):
    done = subprocess.run(program, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300, check=True)
    return done.stdout.splitlines()


def test_ten_thousand_texts():
    lines = texts(10000)
    ours, theirs = rows([os.environ["SMS_COUNT"]], lines), rows(["node", PEERS / "split-count.js"], lines)
    assert len(ours) == len(theirs) == len(lines)
    several = 0
    for text, our, their in zip(lines, ours, theirs):
        status, coding, units, parts, *sizes = our.split()
        their_coding, their_bytes, their_parts, *their_sizes = their.split()
        assert status == "0", text
        assert (coding, parts, sizes) == (their_coding, their_parts, their_sizes), text
        assert int(units) * (2 if coding == "Unicode" else 1) == int(their_bytes), text
        several += int(parts) > 1
    assert several > 3000, "the texts do not test what they should"


def test_taken_apart_texts_count_as_whole_ones():
    whole = texts(2000)
    apart = [unicodedata.normalize("NFD", text) for text in whole]
    assert rows([os.environ["SMS_COUNT"]], whole) == rows([os.environ["SMS_COUNT"]], apart)
