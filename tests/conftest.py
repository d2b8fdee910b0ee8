"""The fixtures of every black-box test folder; they live in scenario/rig. And what a test needs of others."""
import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenario"))

from rig.fixtures import *  # noqa: E402,F401,F403

NODE_MODULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers", "node_modules")


def is_there(name):
    """A program, or npm:MODULE (of tests/peers), python:MODULE, perl:MODULE."""
    kind, _, module = name.rpartition(":")
    if kind == "npm":
        return bool(shutil.which("node")) and os.path.isdir(os.path.join(NODE_MODULES, module))
    if kind == "python":
        return importlib.util.find_spec(module) is not None
    if name.startswith("perl:"):
        module = name.removeprefix("perl:")
        return bool(shutil.which("perl")) and subprocess.run(["perl", f"-M{module}", "-e", "1"], capture_output=True, check=False).returncode == 0
    return bool(shutil.which(name))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """@pytest.mark.needs("icecast2", ...): what is missing fails the test; a skip would hide that nothing was tried."""
    missing = [name for mark in item.iter_markers("needs") for name in mark.args if not is_there(name)]
    if missing:
        pytest.fail(f"{', '.join(missing)}: not installed; `./dev test` installs it", pytrace=False)
