"""Plugins built against each ABI there has been: the kept binaries, and the same rebuilt, on today's programs; and what headers promised of places."""
import glob
import os
import platform
import re
import shutil
import subprocess
import sys

import pytest

from rig.build import START, campaign, people, step
from rig.program import ROOT

ABI = os.path.join(ROOT, "tests", "abi")
VERSIONS = sorted(name for name in os.listdir(ABI) if re.fullmatch(r"\d+\.\d+", name))
PEOPLE = 20

pytestmark = pytest.mark.quick


def test_no_version_is_missing():
    with open(os.path.join(ROOT, "include", "lantoa", "abi.h"), encoding="utf-8") as file:
        minor = int(re.search(r"define LANTOA_ABI_MINOR (\d+)", file.read()).group(1))
    assert VERSIONS == [f"1.{number}" for number in range(minor + 1)], "run tests/abi/keep"


def test_nothing_has_moved_in_the_headers():
    sys.path.insert(0, ABI)
    import layout
    assert layout.faults() == []


@pytest.mark.parametrize("how", ["kept", "rebuilt"])
@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_plugin_works(data, made, scratch, version, how):
    plugins = os.path.join(scratch, "plugins")
    os.mkdir(plugins)
    binary = os.path.join(plugins, "abi-example.so")
    if how == "kept":
        if platform.machine() != "x86_64":
            pytest.skip("the kept binaries are for amd64")
        shutil.copy(os.path.join(ABI, version, "abi-example.so"), binary)
    else:
        subprocess.run(["gcc", "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-I", os.path.join(ROOT, "include"), f"-DAS_MINOR={version.split('.')[1]}",
                        os.path.join(ABI, "abi-example.c"), "-o", binary], check=True)
    data.env["LANTOA_PLUGINS"] = plugins
    made.init({"name": "old", "plugin": "abi-example", "options": {"prefix": "cũ: ", "secret": "hush", "delay": 2}, "window": 5}, contacts=people(PEOPLE))
    refused = data.run("channel", "apply", data.write("no.json", {"name": "no", "plugin": "abi-example", "options": {"prefix": "no"}}))
    assert ("is no word to begin with" in refused.err) == (refused.code != 0) == (int(version.split(".")[1]) >= 6), refused
    described = data.ok("--json", "channel", "describe", "old").json
    assert [row["name"] for row in described["options"]] == ["prefix", "secret", "delay", "loud"] and described["content"][0]["most_bytes"] == 500
    name = made.start(campaign(steps=[step(channel="old", content={"vi": {"text": "Chào {{name}}", "title": "Thư"}})]))
    data.until_idle("--clock", f"{START},x1000")
    assert data.states(name) == {"accepted": PEOPLE}
    files = glob.glob(os.path.join(data.dir, "channel", "old", "*.txt"))
    assert len(files) == PEOPLE
    with open(files[0], encoding="utf-8") as file:
        assert re.fullmatch(r"cũ: Chào Nguyễn Văn \d+\|Thư\|p\d+@example\.com\|c\|(-|)\n", file.read())
    assert all(row["cost"] for row in data.rows("message", "preview", name, "--step", "s1", "--contact", "1"))
