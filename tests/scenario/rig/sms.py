"""The SMSC of npm smpp (tests/peers/smsc-faults.js) and the files of an SMS campaign."""
import json
import os
import subprocess

from .peers import Peer
from .ports import free_port
from .program import ROOT


class Smsc(Peer):
    """An operator with faults by the last digit of the number; its log is the witness."""

    def __init__(self, folder, port=0, name="smsc", **options):
        port = port or free_port()
        self.log_path = os.path.join(folder, f"{name}.log")
        open(self.log_path, "a", encoding="ascii").close()
        words = [f"{key}={value}" for key, value in options.items()]
        process = subprocess.Popen(["node", os.path.join(ROOT, "tests", "peers", "smsc-faults.js"), str(port), self.log_path, *words],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        assert line.startswith("ready"), f"the SMSC did not start: {line!r}"
        super().__init__(process, port)

    def rows(self, key="to"):
        with open(self.log_path, encoding="utf-8") as file:
            return [row for row in (json.loads(line) for line in file if line.endswith("\n")) if key in row]

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


def sms_channel(port, name="sms", **more):
    options = {"host": "127.0.0.1", "port": port, "system_id": "lantoa", "password": "secret", "source_addr": "BHXH", "reconnect": "300ms",
               **more.pop("options", {})}
    return {"name": name, "plugin": "sms-smpp", "options": options, "window": 200, **more}


def phones(count, last=0):
    """Contacts whose numbers all end in this digit, or in the digits given in turn."""
    digits = [last] if isinstance(last, int) else list(last)
    return [{"ref": f"p{n}", "name": f"Nguyễn Văn {n}", "phone": f"+8490{n:06d}{digits[n % len(digits)]}", "lang": "vi"} for n in range(1, count + 1)]


def sms_text(text="Chào {{name}}, mời ông bà tham gia BHXH tự nguyện"):
    return {"vi": {"text": text}}
