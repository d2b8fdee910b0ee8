"""The plugin with a real Postfix and Dovecot: STARTTLS, login, CHUNKING, refusals, and bounces that come back through LMTP (root)."""
import os
import pathlib
import re
import subprocess
import time

import pytest

from mail_rig import free_port, postfix, rig, rig_words, wait_port

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """SMTP port, folder, and the port where Postfix delivers bounces."""
    if os.geteuid() != 0:
        pytest.skip("Postfix is started by root")
    folder = pathlib.Path("/tmp") / f"lantoa-postfix-{os.getpid()}"
    bounce = free_port()
    try:
        with postfix(folder, bounce) as port:
            yield port, folder, bounce
    finally:
        subprocess.run(["rm", "-rf", folder], check=False)


def stored(folder, user, count, seconds=15):
    """Mails in a Dovecot mailbox, once there are that many."""
    end = time.monotonic() + seconds
    while True:
        mails = list((folder / "mail" / user / "new").glob("*")) if (folder / "mail" / user / "new").exists() else []
        if len(mails) >= count or time.monotonic() > end:
            return [mail.read_text() for mail in mails]
        time.sleep(0.1)


WAYS = {"chunks": {}, "runs": {"chunking": False}, "lock step": {"pipelining": False}}


@pytest.mark.parametrize("way", WAYS)
def test_tls_login_and_refusals(server, way):
    port, folder, _bounce = server
    user = f"u{way[0]}"
    words = [word for to in (f"{user}@example.test", "reject@example.test", "grey@example.test", f"{user}@example.test") for word in ("--to", to)]
    log = (folder / "maillog").stat().st_size
    run = rig("--count", 40, *words, host="localhost", port=port, tls="starttls", tls_ca=folder / "cert.pem", user="camp", password="test",
              connections=2, bounce="bounce@example.test", **WAYS[way])
    for row in run.results:
        wanted = {"reject": ("refused", "invalid_address"), "grey": ("retry", "temporary")}.get(row["to"].split("@")[0], ("sent", "none"))
        assert (row["outcome"], row["reason"]) == wanted, row
        assert wanted[0] != "sent" or re.fullmatch(r"[0-9A-Za-z]+", row["ref"]), row
    mails = stored(folder, user, 20)
    keys = re.findall(r"^Message-ID: <(\w+)@", "\n".join(mails), re.M)
    assert sorted(keys) == sorted(row["key"] for row in run.results if row["outcome"] == "sent")
    assert all(f"Return-Path: <bounce+{key}@example.test>" in mail for key, mail in zip(keys, mails))
    seen = ""
    for _ in range(50):  # Postfix writes its summary when the connection has ended
        with open(folder / "maillog", encoding="utf-8") as file:
            file.seek(log)
            seen = file.read()
        if len(re.findall("disconnect from", seen)) >= 2:
            break
        time.sleep(0.1)
    assert ("bdat=" in seen) == (way == "chunks"), seen
    assert "starttls=1" in seen and "auth=1" in seen and "improper command pipelining" not in seen


def test_wrong_password(server):
    port, folder, _bounce = server
    run = rig("--count", 1, host="localhost", port=port, tls="starttls", tls_ca=folder / "cert.pem", user="camp", password="wrong")
    assert (run.results[0]["outcome"], run.results[0]["reason"]) == ("retry", "unreachable") and "535" in run.results[0]["detail"]


def test_larger_than_announced(server):
    port, folder, _bounce = server
    (folder / "big.bin").write_bytes(os.urandom(1 << 20) * 2)
    files = ["--attach", f"{folder}/big.bin:application/octet-stream"]
    run = rig("--count", 1, *files, port=port)
    assert run.totals["sent"] == 1
    run = rig("--count", 1, *files, *files, port=port)
    assert (run.results[0]["outcome"], run.results[0]["reason"], run.results[0]["began"]) == ("refused", "too_large", False)


def test_bounces_come_back(server):
    port, _folder, bounce = server
    run = rig("--count", 6, "--to", "gone%d@nowhere.test", "--to", "fine%d@example.test", "--serve", 8000, port=port, bounce="bounce@example.test",
              lmtp_listen=f"127.0.0.1:{bounce}")
    assert run.totals["sent"] == 6
    assert {event["key"] for event in run.events} == {row["key"] for row in run.results if "nowhere" in row["to"]}
    assert {(event["event"], event["reason"]) for event in run.events} == {("failed", "invalid_address")}


def test_unsubscribe_mail(server):
    port, folder, bounce = server
    words = rig_words("--serve", 30000, "--quiet", port=1, bounce="bounce@example.test", list_unsubscribe_mailto="unsubscribe@example.test",
                      lmtp_listen=f"127.0.0.1:{bounce}")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        wait_port(bounce, process)
        subprocess.run(["/usr/sbin/sendmail", "-C", folder / "postfix", "-f", "a@example.test", "unsubscribe+aaaaaaaaaaaaaaaaaaab@example.test"],
                       input="From: a@example.test\nSubject: unsubscribe\n\n", text=True, check=True)
        assert '"event":"opt_out","key":"aaaaaaaaaaaaaaaaaaab","address":"a@example.test"' in process.stdout.readline()
        process.terminate()
