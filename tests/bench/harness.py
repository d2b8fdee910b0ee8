"""Measures contenders side by side: round robin, so that a disturbance of the machine meets all alike; medians; raw rows kept.

A contender is run once per round. What it prints as {"n": .., "secs": ..} is its own timing (start-up not counted), else the wall time is taken.
Only loopback is used; every process is ended by its pid.
"""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("LANTOA_BUILD", os.path.join(ROOT, "build", "release")))
OUT = os.path.join(BUILD, "bench")  # programs of the bench, raw rows
LAYERS = ("delivery", "campaign", "audience", "channel", "host", "store", "wire", "base")
LIBRARIES = "-lev -lsqlite3 -ljansson -lical -lunistring -lcsv -lzip -lexpat -lcrypto -ldl -lpthread -lm".split()
RUN_SECONDS_MOST = 300
PEERS = os.path.join(HERE, "peers")
MODULES = os.path.join(PEERS, "node_modules")


def say(text):
    print(text, file=sys.stderr, flush=True)


def compile_c(name, product=False, libraries=()):
    """One C file of this folder to a program; product: it uses the product's own layers."""
    os.makedirs(OUT, exist_ok=True)
    source, program = os.path.join(HERE, name), os.path.join(OUT, os.path.basename(name)[:-2])
    command = ["cc", "-std=c11", "-O2", "-g1", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-D_GNU_SOURCE", source, "-o", program, *libraries]
    if product:
        archives = [os.path.join(BUILD, "core", layer, f"liblantoa_{layer}.a") for layer in LAYERS]
        command += [f"-I{ROOT}/core", f"-I{ROOT}/include", "-Wl,--start-group", *archives, "-Wl,--end-group", *LIBRARIES]
    subprocess.run(command, check=True)
    return program


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """A peer that listens; ended by its pid."""

    def __init__(self, command, port, env=None):
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"does not listen: {command}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def run(command, env=None):
    """Runs to the end; returns the wall time and what it printed as a JSON object (or {})."""
    start = time.monotonic()
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=RUN_SECONDS_MOST)
    wall = time.monotonic() - start
    if done.returncode != 0:
        raise RuntimeError(f"exit {done.returncode}: {' '.join(command)}\n{done.stdout[-500:]}\n{done.stderr[-1500:]}")
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            return wall, json.loads(line)
    return wall, {}


class Contender:
    """once(work) does one measurement in an empty folder and returns (units, seconds) or (units, seconds, more figures)."""

    def __init__(self, name, once, unit):
        self.name, self.once, self.unit = name, once, unit
        self.rates, self.more, self.failure = [], {}, None

    def measure(self):
        work = tempfile.mkdtemp(prefix="lantoa-bench.")
        try:
            units, secs, *more = self.once(work)
            self.rates.append(units / secs)
            for key, value in (more[0] if more else {}).items():
                self.more.setdefault(key, []).append(value)
            say(f"  {self.name}: {units / secs:,.0f} {self.unit}/s" + (f"  {more[0]}" if more else ""))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            self.failure = str(error)
            say(f"  {self.name}: FAILED {error}")
        finally:
            shutil.rmtree(work, ignore_errors=True)

    @property
    def median(self):
        return statistics.median(self.rates) if self.rates else None

    def row(self):
        return {"name": self.name, "unit": self.unit, "median": self.median, "rates": self.rates, "more": self.more, "failure": self.failure}


def round_robin(contenders, rounds):
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        for contender in contenders:
            contender.measure()


def ratio(a, b):
    return a.median / b.median if a.median and b.median else None


def with_sink(bench, sink, act):
    server, port = sink(bench)
    try:
        return act(port)
    finally:
        server.stop()


def node_environment():
    binary = os.path.join(MODULES, "better-sqlite3", "build", "Release", "better_sqlite3.node")
    wanted, there = (os.path.join(PEERS, name) for name in ("package-lock.json", "node_modules/.package-lock.json"))
    if not os.path.exists(binary) or os.path.getmtime(wanted) > os.path.getmtime(there):
        say("npm ci in tests/bench/peers")
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=PEERS, check=True, stdout=subprocess.DEVNULL)
    if not os.path.exists(binary):  # newer npm runs no install scripts unless told so
        subprocess.run(["npm", "rebuild", "better-sqlite3", "--loglevel=error"], cwd=PEERS, check=True, stdout=subprocess.DEVNULL)
    return {**os.environ, "NODE_PATH": MODULES}
