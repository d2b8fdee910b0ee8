"""What the Python tests of the declared gateways share: the rig, a gateway that does as it is told, and Kannel."""
import contextlib
import http.server
import json
import os
import pathlib
import queue
import socket
import subprocess
import threading
import time
import urllib.parse

from rig.ports import free_port  # noqa: F401
from rig.program import eventually

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Channel:
    """A channel behind the rig; every line it says is kept."""

    def __init__(self, folder, declaration, hosts=None, **options):
        folder = pathlib.Path(folder)
        if isinstance(declaration, dict):
            (folder / "declared.json").write_text(json.dumps(declaration), encoding="utf-8")
            declaration = folder / "declared.json"
        spec = {"name": "sms", "plugin": "sms-http", "options": {"declaration": str(declaration), **options}}
        if hosts is not None:
            spec["hosts"] = hosts
        self.start(folder, spec)

    def start(self, folder, spec, step=None):
        folder = pathlib.Path(folder)
        (folder / "channel.json").write_text(json.dumps(spec), encoding="utf-8")
        self.errors = open(folder / "rig.err", "w+", encoding="utf-8")
        step = [json.dumps(step)] if step else []
        self.process = subprocess.Popen([os.environ["CHANNEL_RIG"], folder, folder / "channel.json", *step], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.rows = []
        self.news = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.next = 1

    def read(self):
        for line in self.process.stdout:
            self.rows.append(json.loads(line))

    def of(self, key):
        return [row for row in list(self.rows) if key in row]

    def wait(self, key, count=1, seconds=15):
        return eventually(lambda: len(self.of(key)) >= count and self.of(key), seconds, words=f"{count} {key}: {self.rows} {self.log()}")

    def log(self):
        return pathlib.Path(self.errors.name).read_text(encoding="utf-8")

    def say(self, **line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def send(self, to="+84900000000", text="Xin chao", **more):
        self.wait("ready")
        number = self.next
        self.next += more.get("count", 1)
        self.say(send=number, to=to, text=text, **more)
        return number

    def result(self, number, seconds=15):
        return eventually(lambda: [row for row in self.of("outcome") if row["id"] == number], seconds, words=f"result {number}: {self.rows} {self.log()}")[0]

    def sent(self, *args, **more):
        return self.result(self.send(*args, **more))

    def hook(self, number, method="POST", query="", body="", at=None, **headers):
        self.say(hook=number, headers={":method": method, ":query": query, **headers}, body=body, at=at or int(time.time() * 1000))
        return eventually(lambda: [row for row in self.of("done") if row["done"] == number], 10, words=f"hook {number}: {self.rows}")[0]["code"]

    def end(self):
        self.process.stdin.close()
        try:
            assert self.process.wait(20) == 0
        finally:
            self.process.kill()
        log = self.log()
        assert "Sanitizer" not in log and "runtime error" not in log, log


@contextlib.contextmanager
def channel(folder, declaration, **options):
    made = Channel(folder, declaration, **options)
    try:
        yield made
    except BaseException:
        made.process.kill()
        raise
    made.end()


class Gateway:
    """An HTTP server; `answer(request)` gives (status, body[, headers]), or None to hang up."""

    def __init__(self, answer, tls=None):
        self.seen = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def given(self):
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def do_GET(self):
                body = self.given().decode(errors="surrogateescape")
                path, _, query = self.path.partition("?")
                request = {"method": self.command, "path": path, "query": dict(urllib.parse.parse_qsl(query, keep_blank_values=True)),
                           "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body, "peer": self.client_address[1], "handler": self}
                owner.seen.append(request)
                made = answer(request)
                if made is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if made == "done":
                    return
                status, text, *headers = made
                data = text if isinstance(text, bytes) else (text if isinstance(text, str) else json.dumps(text)).encode()
                self.send_response(status)
                for name, value in (headers[0] if headers else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def bodies(self):
        return [json.loads(request["body"]) for request in self.seen]


@contextlib.contextmanager
def gateway(answer, **more):
    made = Gateway(answer, **more)
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
