"""What the Python tests of the SMPP plugin share: the rig and SMSCs of others, all on 127.0.0.1."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess

from rig.ports import free_port
from rig.program import eventually

ROOT = pathlib.Path(__file__).resolve().parents[3]
PEERS = ROOT / "tests" / "peers"


class Run:
    """What a run of the rig has printed."""

    def __init__(self, code, out, err):
        self.code, self.stderr = code, err
        self.rows = rows = [json.loads(line) for line in out.splitlines()]
        self.results = [row for row in rows if "outcome" in row]
        self.events = [row for row in rows if "event" in row]
        self.totals = next((row for row in rows if "total" in row), None)
        assert self.totals is not None, f"the rig died ({code}): {err}"
        assert "CONTRACT BROKEN" not in err and "Sanitizer" not in err and "runtime error" not in err, err
        self.by_address = {row["to"]: row for row in self.results}


def rig_words(folder, *words, **options):
    settings = {"host": "127.0.0.1", "system_id": "lantoa", "password": "secret", "source_addr": "BHXH", **options}
    texts = [f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in settings.items()]
    return [os.environ["SMS_RIG"], str(folder), *texts, *map(str, words)]


def rig(folder, *words, patience=60, **options):
    done = subprocess.run(rig_words(folder, *words, **options), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience, check=False)
    return Run(done.returncode, done.stdout, done.stderr)


class RunningRig:
    """A rig that serves until told to end."""

    def __init__(self, folder, *words, **options):
        self.out_path = pathlib.Path(folder) / "rig.out"
        with open(self.out_path, "w", encoding="utf-8") as out, open(f"{self.out_path}.err", "w", encoding="utf-8") as err:
            self.process = subprocess.Popen(rig_words(folder, *words, "--serve", 60000, "--till-eof", **options), stdin=subprocess.PIPE, stdout=out, stderr=err)

    def rows(self, key):
        rows = [json.loads(line) for line in self.out_path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
        return [row for row in rows if key in row]

    def wait_for(self, key, count, seconds=15):
        return eventually(lambda: len(self.rows(key)) >= count and self.rows(key), seconds, words=f"{count} {key}: {self.rows(key)}")

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(20)
        return Run(self.process.returncode, self.out_path.read_text(encoding="utf-8"), pathlib.Path(f"{self.out_path}.err").read_text(encoding="utf-8"))

    def kill(self):
        self.process.kill()
        self.process.wait()


class Smsc:
    def __init__(self, process, port, log):
        self.process, self.port, self.log = process, port, log

    def rows(self, key="to"):
        return [row for row in map(json.loads, self.log.read_text(encoding="utf-8").splitlines()) if key in row]

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


@contextlib.contextmanager
def smsc(folder, port=None, program=("node", PEERS / "smsc-faults.js"), **options):
    port, log = port or free_port(), pathlib.Path(folder) / "smsc.log"
    log.touch()
    words = [*map(str, program), str(port), str(log), *[f"{name}={value}" for name, value in options.items()]]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().startswith("ready"), "the SMSC did not start"
            yield Smsc(process, port, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(5)
