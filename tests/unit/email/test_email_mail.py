"""Composed mail, read back by other people's libraries: Python's email, npm mailparser, python3-dkim."""
import base64
import email
import email.policy
import json
import pathlib
import random
import subprocess

import pytest

from mail_rig import PEERS, rig, smtp_sink

TEXT = "Kính gửi ông bà,\n\nTừ 01/01/2026 Nhà nước hỗ trợ 20 % … \n.dấu chấm đầu dòng\n..hai chấm\n" + "dài " * 300 + "\nHết.\n"
HTML = '<html><body><p>Kính gửi <b>ông bà</b></p><img src="cid:logo@x"><a href="https://x.example/?a=1&amp;b=2">đây</a></body></html>'
SUBJECT = "Thông báo: hỗ trợ đóng bảo hiểm xã hội tự nguyện cho nông dân và thợ thủ công trên địa bàn tỉnh năm 2026"


def send(folder, *words, **options):
    """One mail through smtp-sink; the bytes that the sink wrote, without the lines it put in front."""
    with smtp_sink("-D", "mail.%M", cwd=folder) as port:
        run = rig("--count", 1, *words, port=port, **options)
    assert run.totals["sent"] == 1, run.results
    mail = next(pathlib.Path(folder).glob("mail.*")).read_bytes()
    start = mail.index(b"From: ") if b"DKIM-Signature" not in mail else mail.index(b"DKIM-Signature")
    return mail[start:].rstrip(b"\n").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"


def parsed(mail):
    return email.message_from_bytes(mail, policy=email.policy.default)


def body(message, kind):
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_everything_in_one_mail(tmp_path):
    files = {"logo.png": b"\x89PNG" + bytes(range(256)) * 20, "Thông báo mời.pdf": b"%PDF-1.4 " + random.Random(1).randbytes(5000)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    mail = send(
        tmp_path, "--subject", SUBJECT, "--text", TEXT, "--html", HTML, "--name", 'Nguyễn Thị Hoà "Na"',
        "--attach", f"{tmp_path}/logo.png:image/png:logo@x", "--attach", f"{tmp_path}/Thông báo mời.pdf:application/pdf",
        "--now", 1795443448000, reply_to='"Phòng, Tuyên truyền" <tt@example.test>', bounce="bounce@example.test",
        list_unsubscribe_mailto="stop@example.test", list_unsubscribe_url="https://x.example/u?k={key}&l=vi")
    assert all(len(line) <= 78 for line in mail.split(b"\r\n"))
    assert not any(line.startswith(b".") for line in mail.split(b"\r\n"))
    message = parsed(mail)
    assert message["subject"] == SUBJECT
    assert [(a.display_name, a.addr_spec) for a in message["from"].addresses] == [("Sở Y tế", "so@example.test")]
    assert [(a.display_name, a.addr_spec) for a in message["to"].addresses] == [('Nguyễn Thị Hoà "Na"', "user1@example.test")]
    assert message["reply-to"].addresses[0].display_name == "Phòng, Tuyên truyền"
    assert message["message-id"] == "<aaaaaaaaaaaaaaaaaaab@example.test>"
    assert message["date"].datetime.timestamp() == 1795443448
    assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert message["list-unsubscribe"].split() == [
        "<https://x.example/u?k=aaaaaaaaaaaaaaaaaaab&l=vi>,", "<mailto:stop+aaaaaaaaaaaaaaaaaaab@example.test?subject=unsubscribe>"]
    assert message["content-language"] == "vi" and message["precedence"] == "bulk"
    assert body(message, "plain").rstrip("\n") == TEXT.rstrip("\n") and body(message, "html").rstrip("\n") == HTML
    assert {part.get_filename(): part.get_content() for part in message.iter_attachments() if part.get_filename()} == {
        "Thông báo mời.pdf": files["Thông báo mời.pdf"]}
    picture = next(part for part in message.walk() if part.get_content_type() == "image/png")
    assert picture["content-id"] == "<logo@x>" and picture.get_content() == files["logo.png"]
    assert not [part for part in message.walk() if part.defects]

    (tmp_path / "whole.eml").write_bytes(mail)
    done = subprocess.run(["node", PEERS / "mailparser.js", tmp_path / "whole.eml"], check=True, capture_output=True, text=True)
    other = json.loads(done.stdout)
    assert other["subject"] == SUBJECT and other["from"] == [{"address": "so@example.test", "name": "Sở Y tế"}]
    assert other["to"] == [{"address": "user1@example.test", "name": 'Nguyễn Thị Hoà "Na"'}]
    assert other["text"].strip() == TEXT.strip() and other["html"].strip() == HTML
    assert {file["name"]: base64.b64decode(file["content"]) for file in other["files"]} == files
    assert other["files"][0]["cid"] == "logo@x" and other["files"][0]["related"] is True
    assert other["list"]["unsubscribe"]["url"] == "https://x.example/u?k=aaaaaaaaaaaaaaaaaaab&l=vi"


@pytest.mark.parametrize("text", ["a", ".", "..\n.\n", "--=_a_aaaaaaaaaaaaaaaaaaab--\nx", "x\r\ny\rz\n", "ắ" * 5000, "a" * 5000, " \n\t\n x \n",
                                  "From here\n", "=3D =\n", "\n\n\n", "é", "a\x0cb"])
def test_texts_survive(tmp_path, text):
    mail = send(tmp_path, "--text", text, "--html", text)
    wanted = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    message = parsed(mail)
    assert body(message, "plain").rstrip("\n") == wanted and body(message, "html").rstrip("\n") == wanted


def test_plain_ascii_stays_readable(tmp_path):
    mail = send(tmp_path, "--text", "Hello\n\nBye.\n", "--subject", "Hello there", "--lang", "en", "--class", "personal_service")
    assert b"Subject: Hello there\r\n" in mail and b"Content-Transfer-Encoding: 7bit\r\n\r\nHello\r\n\r\nBye.\r\n" in mail
    assert b"Precedence" not in mail


def keys(folder):
    for name, words in {"rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "ed25519": ["-algorithm", "ED25519"]}.items():
        subprocess.run(["openssl", "genpkey", *words, "-out", folder / f"{name}.pem"], check=True, capture_output=True)


def test_dkim(tmp_path):
    keys(tmp_path)
    for kind in ("rsa", "ed25519"):
        folder = tmp_path / kind
        folder.mkdir()
        key = tmp_path / f"{kind}.pem"
        mail = send(folder, "--subject", SUBJECT, "--text", TEXT, "--html", HTML, dkim_key=key, dkim_selector="s1", reply_to="a@example.test",
                    list_unsubscribe_url="https://x.example/{key}")

        def verify(content):
            (folder / "check.eml").write_bytes(content)
            words = ["/usr/bin/python3", PEERS / "dkim-verify.py", folder / "check.eml", key]
            return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()

        assert verify(mail) == "pass"
        assert f"a={kind}-sha256".encode() in mail and b"d=example.test; s=s1" in mail
        head, tail = mail.split(b"\r\n\r\n", 1)
        assert verify(head + b"\r\n\r\n" + tail + b"x\r\n") == "fail"
        assert verify(b"From: other@example.test\r\n" + mail) == "fail"
        for field in (b"Subject:", b"Date:", b"To:", b"Reply-To:", b"List-Unsubscribe:", b"List-Unsubscribe-Post:", b"Content-Type:"):
            assert verify(mail.replace(b"\r\n" + field + b" ", b"\r\n" + field + b" x", 1)) == "fail", field


def test_options_that_cannot_be(tmp_path):
    (tmp_path / "junk.pem").write_text("junk")
    for options, word in [
        ({"from": "nobody"}, "from"), ({"from": "a@b.vn\nBcc: c@d.vn"}, "from"), ({"from": ""}, "from"), ({"bounce": "x"}, "bounce"),
        ({"reply_to": "a@b, c@d"}, "reply_to"), ({"list_unsubscribe_url": "http://x/{key}"}, "list_unsubscribe_url"),
        ({"list_unsubscribe_url": "https://x/"}, "list_unsubscribe_url"), ({"dkim_key": tmp_path / "junk.pem", "dkim_selector": "s"}, "dkim_key"),
        ({"dkim_key": tmp_path / "none.pem", "dkim_selector": "s"}, "none.pem"), ({"dkim_key": tmp_path / "junk.pem"}, "dkim_selector"),
        ({"helo": "a b"}, "helo"), ({"tls": "tls", "tls_ca": tmp_path / "none.pem"}, "tls_ca"), ({"lmtp_listen": "nowhere"}, "lmtp_listen"),
        ({"message_id_domain": "a b"}, "message_id_domain"), ({"from_name": "a\nb"}, "from_name"),
    ]:
        run = rig(port=1, **options)
        assert run.code == 1 and word in run.totals["failed"], (options, run.totals)


def test_files_that_cannot_be(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with smtp_sink() as port:
        for attach in ("a.txt:no-type", "a.txt:text/plain\r\nX-Evil: 1", "a.txt:text/plain:a b", "a.txt:text/plain; x=y"):
            run = rig("--count", 1, "--attach", f"{tmp_path}/{attach}", port=port)
            assert (run.results[0]["outcome"], run.results[0]["reason"], run.results[0]["began"]) == ("refused", "content", False), attach
