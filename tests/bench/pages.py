"""The tables of a run, and docs/benchmarks.md."""
import datetime
import json
import os
import platform
import subprocess

from harness import HERE, OUT, ROOT, say

PAGE = os.path.join(ROOT, "docs", "benchmarks.md")


def number(value):
    if value is None:
        return "failed"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def demand_rows(bench):
    for one in bench.demands:
        limit = f"at least {one.least:g}" if one.least is not None else f"at most {one.most:g}"
        yield f"| {one.what} | {limit} | **{number(one.value)}** | {'yes' if one.met else 'no'} |"


def contender_rows(bench):
    for one in bench.contenders:
        spread = f"{number(min(one.rates))} to {number(max(one.rates))}" if one.rates else ""
        yield f"| {one.name} | {one.unit}/s | {number(one.median)} | {spread} | {len(one.rates)} |"


def table(bench):
    lines = ["| figure | demanded | measured | reached |", "| --- | --- | ---: | --- |", *demand_rows(bench), "",
             "| contender | unit | median | lowest to highest | runs |", "| --- | --- | ---: | --- | ---: |", *contender_rows(bench)]
    if bench.figures:
        lines += ["", "| other figures | |", "| --- | ---: |", *(f"| {name} | {value:g} |" for name, value in bench.figures.items())]
    return "\n".join(lines)


def said_by(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).strip().splitlines()[0]
    except (OSError, IndexError):
        return "not there"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def versions():
    yield "machine", f"{processor()}, {os.cpu_count()} cores, Linux {platform.release()}"
    yield "lantoa", said_by("git", "-C", ROOT, "log", "-1", "--format=commit %h of %cs")
    yield "compiler", said_by("cc", "--version")
    yield "SQLite", said_by("sqlite3", "--version").split(" ")[0]
    yield "OpenSSL", said_by("openssl", "version")
    yield "Postfix", said_by("dpkg-query", "-W", "-f=${Version}", "postfix")
    yield "Node", said_by("node", "--version")
    with open(os.path.join(HERE, "peers", "package.json"), encoding="utf-8") as file:
        for name, version in json.load(file)["dependencies"].items():
            yield name, version


def page(bench, rounds):
    with open(os.path.join(HERE, "method.md"), encoding="utf-8") as file:
        method = file.read()
    today = datetime.date.today()
    lines = ["# Benchmarks", "", f"Written by `./dev bench` on {today}: every figure of this page comes from that one run, {rounds} rounds.", "",
             table(bench), "", "| on | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in versions()), "", method]
    with open(PAGE, "w", encoding="utf-8") as out:
        out.write("\n".join(lines))
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "raw.json"), "w", encoding="utf-8") as out:
        json.dump({"contenders": [one.row() for one in bench.contenders], "figures": bench.figures}, out, indent=1)
    say(f"written: {os.path.relpath(PAGE, ROOT)}; raw rows: {os.path.relpath(os.path.join(OUT, 'raw.json'), ROOT)}")
