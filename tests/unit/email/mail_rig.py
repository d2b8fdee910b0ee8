"""What the Python tests of the email plugin share: ports, the rig, and peers in private folders, all on 127.0.0.1."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess

from rig.ports import free_port, listening, wait_port

ROOT = pathlib.Path(__file__).resolve().parents[3]
PEERS = ROOT / "tests" / "peers"


class Run:
    """What a run of the rig has printed."""

    def __init__(self, process):
        self.code, self.stderr = process.returncode, process.stderr
        rows = [json.loads(line) for line in process.stdout.splitlines()]
        self.results = [row for row in rows if "outcome" in row]
        self.events = [row for row in rows if "event" in row]
        self.totals = next((row for row in rows if "total" in row), None)
        assert self.totals is not None, f"the rig died ({self.code}): {self.stderr}"
        self.by_address = {row["to"]: row for row in self.results}


def rig_words(*words, **options):
    program = os.environ["EMAIL_RIG"]
    settings = {"host": "127.0.0.1", "tls": "none", "from": "Sở Y tế <so@example.test>", **options}
    texts = [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in settings.items()]
    return [program, *texts, *map(str, words)]


def rig(*words, seconds=60, **options):
    return Run(subprocess.run(rig_words(*words, **options), capture_output=True, text=True, timeout=seconds, check=False))


@contextlib.contextmanager
def peer(words, port, **settings):
    """A peer that ends with the test."""
    with subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **settings) as process:
        try:
            wait_port(port, process)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def smtp_sink(*words, cwd=None):
    port = free_port()
    with peer(["/usr/sbin/smtp-sink", "-u", "root", *words, f"127.0.0.1:{port}", "500"], port, cwd=cwd):
        yield port


@contextlib.contextmanager
def fault_server(folder, **environment):
    """The npm smtp-server; yields its port and a function that reads what it has kept."""
    port, log = free_port(), pathlib.Path(folder) / "kept.log"
    log.touch()
    with peer(["node", PEERS / "smtpd-faults.js", port, log], port, env={**os.environ, **environment}):
        yield port, lambda: [json.loads(line) for line in log.read_text().splitlines()]


@contextlib.contextmanager
def postfix(folder, bounce_port=None):
    """A private Postfix with Dovecot; yields its SMTP port."""
    smtp, lmtp, imap = free_port(), free_port(), free_port()
    while listening(smtp + 1):  # Dovecot's SASL
        smtp = free_port()
    words = [PEERS / "postfix.sh", "start", folder, smtp, lmtp, imap, *([bounce_port] if bounce_port else [])]
    try:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        yield smtp
    finally:
        subprocess.run([str(PEERS / "postfix.sh"), "stop", str(folder)], check=False, timeout=60)
