"""An installed prefix of the build under test, made once per worker process."""
import os
import subprocess
import tempfile

from rig.program import BUILD, environment

_made = []


def prefix():
    if not _made:
        folder = tempfile.TemporaryDirectory(prefix="lantoa-prefix-")
        subprocess.run(["cmake", "--install", BUILD, "--prefix", folder.name], check=True, capture_output=True, timeout=120)
        _made.append(folder)
    return _made[0].name


def installed(extra=None):
    """The environment of somebody who works with the installed programs."""
    at = prefix()
    env = environment({"PATH": f"{at}/bin:{os.environ['PATH']}", "PKG_CONFIG_PATH": f"{at}/share/pkgconfig", "CMAKE_PREFIX_PATH": at})
    env.update(extra or {})
    return env


def run(args, cwd, env=None, timeout=180, ok=True):
    done = subprocess.run(args, cwd=cwd, env=installed(env), capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False)
    assert not ok or done.returncode == 0, f"{args} -> {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done
