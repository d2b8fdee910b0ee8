"""The tables of a run, and docs/benchmarks.md."""
import datetime
import json
import os
import platform
import re
import statistics
import subprocess

from harness import HERE, OUT, ROOT, say

PAGE = os.path.join(ROOT, "docs", "benchmarks.md")


def number(value):
    if value is None:
        return "failed"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def demand_rows(demands):
    for one in demands:
        limit = f"at least {one.least:g}" if one.least is not None else f"at most {one.most:g}"
        yield f"| {one.what} | {limit} | **{number(one.value)}** | {'yes' if one.met else 'no'} |"


def extras(one):
    """The medians of what a contender measured besides its speed."""
    return ", ".join(f"{key} {number(statistics.median(values))}" for key, values in one.more.items())


def contender_rows(contenders):
    for one in contenders:
        spread = f"{number(min(one.rates))} to {number(max(one.rates))}" if one.rates else ""
        yield f"| {one.name} | {one.unit}/s | {number(one.median)} | {spread} | {len(one.rates)} | {extras(one)} |"


def table(bench, suite):
    lines = ["| figure | demanded | measured | reached |", "| --- | --- | ---: | --- |",
             *demand_rows([one for one in bench.demands if one.suite == suite])]
    if bench.of_suite.get(suite):
        lines += ["", "| contender | unit | median | lowest to highest | runs | besides |", "| --- | --- | ---: | --- | ---: | --- |",
                  *contender_rows(bench.of_suite[suite])]
    if bench.figures[suite]:
        lines += ["", "| other figures | |", "| --- | ---: |", *(f"| {name} | {value:g} |" for name, value in bench.figures[suite].items())]
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
    yield "compiler", said_by("cc", "--version")
    yield "SQLite", said_by("sqlite3", "--version").split(" ")[0]
    yield "OpenSSL", said_by("openssl", "version")
    yield "Postfix", said_by("dpkg-query", "-W", "-f=${Version}", "postfix")
    yield "nginx", said_by("dpkg-query", "-W", "-f=${Version}", "nginx-light")
    yield "Kannel", said_by("dpkg-query", "-W", "-f=${Version}", "kannel")
    yield "Node", said_by("node", "--version")
    with open(os.path.join(HERE, "peers", "package.json"), encoding="utf-8") as file:
        for name, version in json.load(file)["dependencies"].items():
            yield name, version


def section(bench, suite, rounds):
    """One suite's part of the page; its head says when and from what it was measured."""
    commit = said_by("git", "-C", ROOT, "log", "-1", "--format=%h of %cs")
    return f"## {suite}\n\nMeasured on {datetime.date.today()}, {rounds} rounds, commit {commit}.\n\n{table(bench, suite)}\n"


def sections():
    """The parts of the page as it is: suite -> text."""
    if not os.path.exists(PAGE):
        return {}
    with open(PAGE, encoding="utf-8") as file:
        parts = re.split(r"^## ", file.read(), flags=re.M)[1:]
    return {part.split("\n", 1)[0]: "## " + part.rstrip() + "\n" for part in parts}


def page(bench, suites, rounds):
    """Writes the parts of the suites that were run; the other suites' parts stay as they are."""
    with open(os.path.join(HERE, "method.md"), encoding="utf-8") as file:
        method = file.read()
    parts = sections() | {suite: section(bench, suite, rounds) for suite in bench.of_suite | bench.figures}
    head = ["# Benchmarks", "", "Written by `./dev bench`. Each suite's figures come from one run; `./dev bench SUITE` measures one of them anew.", ""]
    machine = ["## Machine", "", "Of the latest run.", "", "| on | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in versions()), ""]
    with open(PAGE, "w", encoding="utf-8") as out:
        out.write("\n".join([*head, *(parts[suite] for suite in suites if suite in parts), *machine, method]))
    os.makedirs(OUT, exist_ok=True)
    for suite, contenders in bench.of_suite.items():
        with open(os.path.join(OUT, f"raw-{suite}.json"), "w", encoding="utf-8") as out:
            json.dump({"contenders": [one.row() for one in contenders], "figures": bench.figures[suite]}, out, indent=1)
    say(f"written: {os.path.relpath(PAGE, ROOT)}; raw rows: {os.path.relpath(OUT, ROOT)}/raw-SUITE.json")
