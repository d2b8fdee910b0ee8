"""Ports of 127.0.0.1 for the peers of a test."""
import contextlib
import random
import socket
import time


def free_port(kind=socket.SOCK_STREAM):
    """Below the range from which the system takes ports for connections, so that none of those sits on it meanwhile."""
    for _ in range(200):
        port = random.randrange(10000, 32000)
        with socket.socket(socket.AF_INET, kind) as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")


def listening(port):
    with contextlib.closing(socket.socket()) as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def wait_port(port, process=None, seconds=20):
    """Until somebody listens; the peer must not have ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the peer ended with {process.returncode}")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}")
