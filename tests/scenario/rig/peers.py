"""Peers on 127.0.0.1: the witness SMTP server, postfix's smtp-sink, a private PostgreSQL. All are ended by pid."""
import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time

from .ports import free_port, listening
from .program import ROOT, eventually

HERE = os.path.dirname(os.path.abspath(__file__))


class Peer:
    def __init__(self, process, port):
        self.process, self.port = process, port

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Witness(Peer):
    """smtpd.py: knows every message that was accepted, whatever our database says."""

    def __init__(self, folder, *args, port=0, name="witness"):
        self.log_path = os.path.join(folder, f"{name}.log")
        self.folder = folder
        process = subprocess.Popen([sys.executable, os.path.join(HERE, "smtpd.py"), self.log_path, "--port", str(port), *args],
                                   stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        assert line.startswith("ready "), f"witness did not start: {line!r}"
        super().__init__(process, int(line.split()[1]))

    def accepted(self):
        """One dict per message and recipient accepted, in order."""
        with open(self.log_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def count(self):
        with open(self.log_path, "rb") as file:
            return file.read().count(b"\n")

    def recipients(self):
        return [record["to"] for record in self.accepted()]


class SmtpSink(Peer):
    """Debian's smtp-sink, e.g. SmtpSink("-W", ".:1"). Counts only; keeps nothing."""

    def __init__(self, *args):
        port = free_port()
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        process = subprocess.Popen(["/usr/sbin/smtp-sink", *user, *args, f"127.0.0.1:{port}", "500"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        super().__init__(process, port)
        eventually(lambda: listening(port), 10, 0.02, "smtp-sink listens")


class Postgres:
    """A private PostgreSQL 15 cluster on a socket in a folder of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="lantoa-pg-")
        self.bin = "/usr/lib/postgresql/15/bin"
        self.root = os.getuid() == 0
        if self.root:
            os.chown(self.folder, pwd.getpwnam("postgres").pw_uid, -1)
        self.port = free_port()
        self.as_owner("initdb", "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.as_owner("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o",
                      f"-k {self.folder} -c listen_addresses=127.0.0.1 -p {self.port} -c fsync=off", "start")
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def as_owner(self, program, *args):
        command = [f"{self.bin}/{program}", *args]
        if self.root:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout

    def psql(self, text):
        done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url], input=text, capture_output=True, text=True,
                              timeout=120)
        return done.returncode, done.stdout, done.stderr

    def end(self):
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.as_owner("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop")
        time.sleep(0.1)
        subprocess.run(["rm", "-rf", self.folder], check=False)


class MailServers:
    """Postfix with Dovecot behind it (tests/peers/postfix.sh): STARTTLS, AUTH, greylisting, refusals, real bounces."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        self.smtp = free_port()
        while listening(self.smtp + 1):
            self.smtp = free_port()
        self.port, self.lmtp, self.imap, self.bounce = self.smtp, free_port(), free_port(), free_port()
        try:
            self.script("start", str(self.smtp), str(self.lmtp), str(self.imap), str(self.bounce))
        except (AssertionError, subprocess.TimeoutExpired):
            self.end()
            raise

    def script(self, action, *ports):
        # Into a file: the servers inherit it, and a pipe would never end.
        log_path = os.path.join(self.folder, f"{action}.log")
        with open(log_path, "w", encoding="utf-8") as log:
            done = subprocess.run([os.path.join(ROOT, "tests", "peers", "postfix.sh"), action, self.folder, *ports], stdin=subprocess.DEVNULL,
                                  stdout=log, stderr=log, timeout=120, check=False)
        with open(log_path, encoding="utf-8") as log:
            assert done.returncode == 0, log.read()

    def mails(self, user):
        """The files in a user's mailbox."""
        found = []
        for part in ("new", "cur"):
            box = os.path.join(self.folder, "mail", user, part)
            if os.path.isdir(box):
                found += [os.path.join(box, name) for name in os.listdir(box)]
        return sorted(found)

    def end(self):
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.script("stop")


class NodeServer(Peer):
    """npm smtp-server with a fault per recipient (tests/peers/smtpd-faults.js)."""

    def __init__(self, folder, env=None):
        port = free_port()
        self.log_path = os.path.join(folder, "node-smtpd.log")
        open(self.log_path, "w", encoding="ascii").close()
        process = subprocess.Popen(["node", os.path.join(ROOT, "tests", "peers", "smtpd-faults.js"), str(port), self.log_path],
                                   stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        line = process.stdout.readline()
        assert "ready" in line, f"node server did not start: {line!r}"
        super().__init__(process, port)

    def kept(self):
        with open(self.log_path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]
