"""The campaign through other people's mail software: Postfix and Dovecot, npm smtp-server, smtp-sink; DKIM by python3-dkim, content by SpamAssassin."""
import base64
import datetime
import email
import email.policy
import os
import subprocess
from collections import Counter

import pytest

from rig.build import START, campaign, email_channel, people, step
from rig.program import eventually

LETTER = {"subject": "Nhà nước hỗ trợ {{name}} đóng bảo hiểm xã hội tự nguyện",
          "text": ("Kính gửi {{name}},\n\nTừ ngày 1/7/2025, Nhà nước hỗ trợ ít nhất 20 % mức đóng bảo hiểm xã hội tự nguyện theo chuẩn hộ nghèo "
                   "nông thôn.\nVới mức thu nhập 1.500.000 đ, mỗi tháng ông/bà chỉ còn đóng 231.000 đ.\nÔng/bà có thể đăng ký tại bưu điện xã.\n\n"
                   "Trung tâm Truyền thông tỉnh Lam Giang\n"),
          "html": ("<p>Kính gửi <b>{{name}}</b>,</p><p>Từ ngày 1/7/2025, Nhà nước hỗ trợ ít nhất 20 % mức đóng bảo hiểm xã hội tự nguyện theo chuẩn "
                   "hộ nghèo nông thôn.</p><p>Với mức thu nhập 1.500.000 đ, mỗi tháng ông/bà chỉ còn đóng 231.000 đ. Ông/bà có thể đăng ký tại bưu "
                   "điện xã.</p><p>Trung tâm Truyền thông tỉnh Lam Giang</p>")}


def today():
    """A campaign that goes out now, by the machine's own clock: a signature from the future is no signature."""
    day = datetime.date.today()
    window = {"from": (day - datetime.timedelta(days=1)).isoformat(), "to": (day + datetime.timedelta(days=1)).isoformat(),
              "timezone": "Asia/Ho_Chi_Minh"}
    return campaign(window=window, steps=[step(when={"at": "now"}, content={"vi": LETTER})])


@pytest.mark.root
def test_postfix_and_dovecot(data, made, mail_servers):
    """STARTTLS, AUTH, 450, 550, real bounces back in, and a mail that a mailbox holds as it was meant."""
    rows = [{"ref": "ok1", "name": "Nguyễn Thị Hoà", "email": "hoa@example.test"}, {"ref": "ok2", "name": "Trần Văn Đức", "email": "duc@example.test"},
            {"ref": "no", "name": "Lạ", "email": "reject@example.test"}, {"ref": "grey", "name": "Xám", "email": "grey@example.test"},
            {"ref": "bounced", "name": "Không Có", "email": "ai@nowhere.test"}]
    options = {"tls": "starttls", "tls_ca": os.path.join(mail_servers.folder, "cert.pem"), "host": "localhost", "user": "camp", "password": "test",
               "auth": "plain", "bounce": "bounce@example.test", "verp": True, "lmtp_listen": f"127.0.0.1:{mail_servers.bounce}"}
    made.init(email_channel(mail_servers.port, options=options, retry={"tries": 2, "first": "PT1S", "longest": "PT2S"}), contacts=rows)
    made.start(campaign(steps=[step(content={"vi": LETTER})]))
    serve = data.serve("--clock", f"{START},x1").wait_ready()

    def ends():
        return {row["address"]: row for row in data.messages("c")}

    eventually(lambda: ends()["ai@nowhere.test"]["state"] == "failed", 60, 0.3, "the bounce came back")
    eventually(lambda: ends()["grey@example.test"]["tries"] == 1, 30, 0.3, "the greylisted one was tried")
    serve.stop()
    found = ends()
    assert found["hoa@example.test"]["state"] in ("accepted", "delivered")
    assert found["reject@example.test"]["state"] == "failed" and "5.1.1" in found["reject@example.test"]["detail"]
    assert "5.1.1" in found["ai@nowhere.test"]["detail"], found["ai@nowhere.test"]
    grey = found["grey@example.test"]
    assert grey["state"] in ("planned", "held") and grey["due_at"] and "450" in (grey["detail"] or ""), grey
    path, = eventually(lambda: mail_servers.mails("hoa"), 10)
    with open(path, "rb") as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    assert mail["Subject"] == "Nhà nước hỗ trợ Nguyễn Thị Hoà đóng bảo hiểm xã hội tự nguyện"
    assert "Từ ngày 1/7/2025" in mail.get_body(("plain",)).get_content()
    assert "ESMTPSA" in mail["Received"] or "ESMTPSA" in str(mail.get_all("Received"))


def test_node_smtp_server_with_faults(data, made, node_server):
    names = ["unknown", "full", "grey1", "slow", "spam", "busy", "good1", "good2"]
    rows = [{"ref": name, "name": name, "email": f"{name}@example.com"} for name in names]
    made.init(email_channel(node_server.port, retry={"tries": 3, "first": "PT1S", "longest": "PT2S"}), contacts=rows + people(100))
    # "busy" is told to come later each time: that is no failed try, so it goes on until the message expires.
    # The faults stand at the front: a first wave would stop them all.
    made.start(campaign(canary=False, steps=[step(expires="PT3H")]))
    data.until_idle("--clock", f"{START},x1000", seconds=90)
    by_address = {row["address"].split("@")[0]: row["state"] for row in data.messages("c")}
    assert {by_address[name] for name in ("grey1", "slow", "good1", "good2")} == {"accepted"}
    assert {by_address[name] for name in ("unknown", "full", "spam")} == {"failed"}
    assert by_address["busy"] in ("suppressed", "failed"), by_address["busy"]
    received = Counter(record["to"] for record in node_server.kept())
    assert max(received.values()) == 1 and len(received) == 104


@pytest.mark.needs("python:dkim")
def test_dkim_verified_by_another_library(data, made, witness_with, scratch):
    import dkim  # noqa: PLC0415
    mails = os.path.join(scratch, "mails")
    os.mkdir(mails)
    witness = witness_with("--keep", mails)
    key = os.path.join(scratch, "dkim.pem")
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    options = {"dkim_key": key, "dkim_selector": "s1", "dkim_domain": "example.com", "list_unsubscribe_url": "https://example.com/u/{key}"}
    made.init(email_channel(witness.port, options=options), contacts=people(5))
    made.start(today())
    data.until_idle()
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    names = sorted(os.listdir(mails))
    assert len(names) == 5
    for name in names:
        with open(os.path.join(mails, name), "rb") as file:
            raw = file.read()
        assert dkim.verify(raw, dnsfunc=lambda *_args, **_more: record), name
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and "https://example.com/u/" in mail["List-Unsubscribe"]
        signed = mail["DKIM-Signature"].lower()
        assert "list-unsubscribe" in signed and "list-unsubscribe-post" in signed
        # One bit changed, and it must fail.
        assert not dkim.verify(raw.replace(b"Message-ID: <", b"Message-ID: <x", 1), dnsfunc=lambda *_args, **_more: record)


def test_spamassassin_finds_nothing_to_object_to(data, made, witness_with, scratch):
    mails = os.path.join(scratch, "mails")
    os.mkdir(mails)
    witness = witness_with("--keep", mails)
    made.init(email_channel(witness.port, options={"from": "Truyen thong Lam Giang <tt@example.com>"}), contacts=people(1))
    made.start(today())
    data.until_idle()
    with open(os.path.join(mails, "000001.eml"), "rb") as file:
        judged = subprocess.run(["/usr/bin/spamassassin", "-L", "-t"], stdin=file, capture_output=True, timeout=120, check=True).stdout
    status = email.message_from_bytes(judged, policy=email.policy.default)["X-Spam-Status"]
    score = float(status.split("score=")[1].split()[0])
    assert score < 2.5, status
