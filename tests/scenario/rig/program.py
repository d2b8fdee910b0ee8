"""One data folder and the lantoa program on it."""
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BUILD = os.path.abspath(os.environ.get("LANTOA_BUILD", os.path.join(ROOT, "build", "release")))
LANTOA = os.path.join(BUILD, "bin", "lantoa")
# Programs under the sanitizers are slower; every time-out of the tests is stretched by this.
SLOW = float(os.environ.get("LANTOA_TEST_SLOW", "1"))
# What a sanitizer or our own assert leaves behind; never acceptable, whatever the exit code.
CRASH_MARKS = ("AddressSanitizer", "runtime error:", "LeakSanitizer", "ThreadSanitizer", " assert: ", "stack smashing")


class Result:
    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def rows(self):
        return self.json["rows"]

    def __repr__(self):
        return f"lantoa {' '.join(self.args)} -> {self.code}\n--- out\n{self.out[-3000:]}\n--- err\n{self.err[-3000:]}"


def environment(extra=None):
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LANTOA_", "LC_", "LANG"))}
    env.update(LANTOA_LANG="en", LANG="C.UTF-8", TZ="UTC", ASAN_OPTIONS="abort_on_error=1:detect_leaks=1", UBSAN_OPTIONS="print_stacktrace=1",
               LSAN_OPTIONS=f"suppressions={ROOT}/tests/sanitize/leaks.supp:print_suppressions=0")
    env.update(extra or {})
    return env


def no_crash(result):
    assert result.code >= 0, f"ended by signal {-result.code}: {result!r}"
    assert result.code not in (134, 139), f"crashed: {result!r}"
    for mark in CRASH_MARKS:
        assert mark not in result.err, f"{mark}: {result!r}"
    return result


def eventually(question, seconds=10, step=0.05, words=""):
    """Asks until the answer is true; returns it."""
    end = time.monotonic() + seconds * SLOW
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"did not come about in {seconds * SLOW:.0f} s: {words or question}")
        time.sleep(step)


class Serve:
    """A running `lantoa serve`. Its log is a file, so that a full pipe never stops it."""

    def __init__(self, data, args, env):
        self.data = data
        self.args = args
        self.log_path = data.path(f"serve-{data.serves}.log")
        data.serves += 1
        self.out_path = self.log_path[:-4] + ".out"
        with open(self.log_path, "w", encoding="utf-8") as log, open(self.out_path, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen([LANTOA, "--data", data.dir, "serve", *args], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=log, env=environment(env))

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def out(self):
        with open(self.out_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def running(self):
        return self.process.poll() is None

    def wait_ready(self, seconds=20):
        def ready():
            assert self.running(), f"serve ended with {self.process.returncode}:\n{self.log()}{self.out()}"
            return "ready" in self.out() or "ready" in self.log()

        eventually(ready, seconds, 0.02, "serve says ready")
        return self

    def wait(self, seconds=120):
        try:
            code = self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"serve did not end in {seconds * SLOW:.0f} s:\n{self.log()[-4000:]}") from None
        no_crash(Result(["serve", *self.args], code, self.out(), self.log()))
        return code

    def hosts(self):
        """Pids of the channel hosts of this serve, by channel name (which a host's open journal tells)."""
        found = {}
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as file:
                pids = file.read().split()
            for pid in pids:
                with contextlib.suppress(OSError):
                    for number in os.listdir(f"/proc/{pid}/fd"):
                        target = os.readlink(f"/proc/{pid}/fd/{number}")
                        if target.endswith(".journal"):
                            found[os.path.basename(target)[:-len(".journal")]] = int(pid)
        return found

    def kill(self, also_hosts=False):
        hosts = self.hosts() if also_hosts else {}
        for pid in [self.pid, *hosts.values()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=30):
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)


class Data:
    """A data folder in a scratch folder of the test."""

    def __init__(self, folder, env=None):
        self.scratch = folder
        self.dir = os.path.join(folder, "data")
        self.env = dict(env or {})
        self.serves = 0
        self.open_serves = []

    def path(self, name):
        return os.path.join(self.scratch, name)

    def write(self, name, content):
        path = self.path(name)
        if isinstance(content, (dict, list)):
            content = json.dumps(content, ensure_ascii=False, indent=2)
        mode, encoding = ("wb", None) if isinstance(content, bytes) else ("w", "utf-8")
        with open(path, mode, encoding=encoding) as file:
            file.write(content)
        return path

    def run(self, *args, env=None, timeout=120, stdin=subprocess.DEVNULL):
        args = [str(arg) for arg in args]
        done = subprocess.run([LANTOA, "--data", self.dir, *args], env=environment({**self.env, **(env or {})}), stdin=stdin,
                              capture_output=True, timeout=timeout * SLOW)
        return no_crash(Result(args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")))

    def ok(self, *args, **options):
        result = self.run(*args, **options)
        assert result.code == 0, repr(result)
        return result

    def json(self, *args, **options):
        return self.ok(*args, "--json", **options).json

    def rows(self, *args, **options):
        return self.json(*args, **options)["rows"]

    def refused(self, *args, **options):
        """Runs what must fail and returns its one clear message."""
        result = self.run(*args, **options)
        assert result.code != 0, f"should have been refused: {result!r}"
        assert result.err.strip(), f"no message: {result!r}"
        return result.err.strip()

    def serve(self, *args, env=None):
        serve = Serve(self, [str(arg) for arg in args], {**self.env, **(env or {})})
        self.open_serves.append(serve)
        return serve

    @contextlib.contextmanager
    def serving(self, *args, env=None):
        serve = self.serve(*args, env=env).wait_ready()
        yield serve
        serve.stop()

    def until_idle(self, *args, seconds=120, env=None):
        code = self.serve("--until-idle", *args, env=env).wait(seconds)
        assert code == 0, f"serve --until-idle ended with {code}:\n{self.open_serves[-1].log()[-3000:]}"
        return self.open_serves[-1]

    def end(self):
        for serve in self.open_serves:
            if serve.running():
                serve.kill(also_hosts=True)

    # ------------------------------------------------------------------ questions

    def states(self, campaign):
        """Messages by state, from the report; states without messages are left out."""
        return {row["state"]: row["messages"] for row in self.rows("report", "campaign", campaign, "--by", "state") if row["messages"]}

    def messages(self, campaign, state=None):
        extra = ["--state", state] if state else []
        return self.rows("message", "list", "--campaign", campaign, *extra)

    def sql(self, text, *values):
        """Asks the database file directly, read-only; for what no command shows."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(text, values).fetchall()

    def sql_write(self, text, *values):
        """Sabotage."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as db:
            db.execute(text, values)
            db.commit()

    @property
    def database(self):
        names = [name for name in os.listdir(self.dir) if name.endswith((".db", ".sqlite"))]
        assert len(names) == 1, f"expected one database in {self.dir}: {os.listdir(self.dir)}"
        return os.path.join(self.dir, names[0])
