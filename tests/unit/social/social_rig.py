"""What the tests of the social channels share: any plugin behind the rig, pictures, peers of others, and a proxy that spoils answers."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sms_http"))
from rig.ports import listening  # noqa: E402

from http_rig import ROOT, Channel, eventually, free_port, gateway  # noqa: E402,F401

PEERS = ROOT / "tests" / "peers"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000"
                    "1f15c4890000000d49444154789c6360f8cfc0000003010100c9fe92ef0000000049454e44ae426082")


class Social(Channel):
    def __init__(self, folder, plugin, options, step=None, name="mang", **spec):  # pylint: disable=super-init-not-called
        self.start(folder, {"name": name, "plugin": plugin, "options": options, **spec}, step)


@contextlib.contextmanager
def social(folder, plugin, step=None, spec=None, **options):
    made = Social(folder, plugin, options, step, **(spec or {}))
    try:
        yield made
    except BaseException:
        made.process.kill()
        raise
    made.end()


def picture(folder, name="anh.png"):
    path = pathlib.Path(folder) / name
    path.write_bytes(PNG)
    return {"file": str(path), "name": name, "mime": "image/png"}


@contextlib.contextmanager
def node(script, *args, port=None):
    """A program of tests/peers. With a port: until it listens there."""
    process = subprocess.Popen(["node", str(PEERS / script), *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               start_new_session=True)
    try:
        if port:
            eventually(lambda: listening(port) or process.poll() is not None, 60, words=f"{script} listens")
            assert process.poll() is None, process.stdout.read()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def node_says(script, *args):
    """A program of tests/peers, run to its end; what it says."""
    done = subprocess.run(["node", str(PEERS / script), *map(str, args)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def needs(module):
    """A mark: without this module in the folder of peers the test fails (tests/conftest.py)."""
    import pytest  # noqa: PLC0415
    return pytest.mark.needs(f"npm:{module}")


def forward(request, url):
    """Hands a request on, as it came, and gives (status, body)."""
    query = request["handler"].path
    headers = {k: v for k, v in request["headers"].items() if k not in ("host", "content-length", "connection")}
    body = request["body"].encode(errors="surrogateescape") if request["method"] == "POST" else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url + query, body, headers, method=request["method"]), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def spoiled(url, faults):
    """A proxy in front of a peer: the answers of `faults` come first, one each ("cut": none, after the peer has had the request)."""
    faults = list(faults)

    def answer(request):
        if faults:
            fault = faults.pop(0)
            if fault == "cut":
                forward(request, url)
                return None
            if fault is not None:
                return fault
        return forward(request, url)

    return gateway(answer)


def secrets_in(folder, *secrets):
    """Files below a folder, and what programs wrote, that hold one of these texts."""
    found = []
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file() and path.name != "channel.json":
            data = path.read_bytes()
            found += [path.name for secret in secrets if secret.encode() in data]
    return found


def now():
    return int(time.time() * 1000)
