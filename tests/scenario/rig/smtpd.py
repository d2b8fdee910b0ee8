#!/usr/bin/python3
"""An SMTP server that is the witness of the tests: every message it accepts stands in its log before it says so.

usage: smtpd.py LOG [--keep DIR] [--delay-ms N] [--extensions a,b,..] [--drop-every N]

Prints `ready PORT` once it listens on 127.0.0.1. One line of JSON in LOG per accepted message: recipient, sender, Message-ID,
subject, size, and seconds since start. What it does with a recipient follows from the local part before any '+' or digit:

    unknown 550 5.1.1    full 452 4.2.2    grey 451 4.7.1 the first time    spam 554 5.7.1 after the body
    busy 421 after the body, then closes    cut closes in the middle of the body's answer, after keeping nothing
    keepcut logs the message, then closes without an answer    silent never answers the body
"""
import argparse
import asyncio
import json
import os
import re
import signal
import time

HEADER = re.compile(rb"^(message-id|subject|from|to):[ \t]*((?:[^\r\n]|\r?\n[ \t])*)", re.I | re.M)
FAULT = re.compile(r"^(unknown|full|grey|spam|busy|keepcut|cut|silent)[0-9+._-]*@", re.I)


class Session(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.buffer = bytearray()
        self.in_data = False
        self.waiting = False  # for the moment of a delayed answer; answers keep their order
        self.chunk_left = 0
        self.chunk_last = False
        self.body = bytearray()
        self.reset()

    def reset(self):
        self.sender = None
        self.recipients = []
        self.body.clear()

    def connection_made(self, transport):
        self.transport = transport
        self.server.sessions += 1
        self.say("220 witness.example.test ESMTP")

    def say(self, *lines):
        if self.transport.is_closing():
            return
        self.transport.write(b"".join(line.encode() + b"\r\n" for line in lines))

    def data_received(self, data):
        self.buffer += data
        self.work()

    def work(self):
        while not self.waiting and not self.transport.is_closing() and self.step():
            pass

    def step(self):
        """Works off one command, body or chunk; False when more bytes are needed."""
        if self.chunk_left:
            taken = self.buffer[:self.chunk_left]
            if not taken:
                return False
            del self.buffer[:len(taken)]
            self.body += taken
            self.chunk_left -= len(taken)
            if self.chunk_left == 0:
                self.chunk_done()
            return True
        if self.in_data:
            end = 0 if self.buffer.startswith(b".\r\n") else self.buffer.find(b"\r\n.\r\n")
            if end < 0:
                return False
            skip = 3 if end == 0 and self.buffer.startswith(b".\r\n") else 5
            self.body += self.buffer[:end].replace(b"\r\n..", b"\r\n.") + b"\r\n"
            del self.buffer[:end + skip]
            self.in_data = False
            self.end_of_body()
            return True
        end = self.buffer.find(b"\r\n")
        if end < 0:
            return False
        line = self.buffer[:end].decode("utf-8", "replace")
        del self.buffer[:end + 2]
        self.command(line)
        return True

    def command(self, line):
        verb = line.split(" ")[0].split(":")[0].upper()
        if verb in ("EHLO", "HELO"):
            extensions = self.server.options.extensions.split(",") if verb == "EHLO" else []
            lines = ["witness.example.test", *[e.replace("=", " ") for e in extensions if e]]
            self.say(*[f"250-{text}" for text in lines[:-1]], f"250 {lines[-1]}")
        elif verb == "MAIL":
            self.reset()
            self.sender = line.partition("<")[2].partition(">")[0]
            self.say("250 2.1.0 ok")
        elif verb == "RCPT":
            self.recipient(line.partition("<")[2].partition(">")[0])
        elif verb == "DATA":
            if self.recipients:
                self.in_data = True
                self.say("354 go on")
            else:
                self.say("554 5.5.1 no valid recipients")
        elif verb == "BDAT":
            words = line.split()
            self.chunk_left = int(words[1])
            self.chunk_last = len(words) > 2
            if self.chunk_left == 0:
                self.chunk_done()
        elif verb in ("RSET", "NOOP"):
            if verb == "RSET":
                self.reset()
            self.say("250 2.0.0 ok")
        elif verb == "QUIT":
            self.say("221 2.0.0 bye")
            self.transport.close()
        else:
            self.say("500 5.5.2 unknown command")

    def recipient(self, address):
        found = FAULT.match(address)
        fault = found.group(1).lower() if found else None
        if fault == "unknown":
            self.say("550 5.1.1 no such user")
        elif fault == "full":
            self.say("452 4.2.2 mailbox full")
        elif fault == "grey" and address not in self.server.seen:
            self.server.seen.add(address)
            self.say("451 4.7.1 greylisted, come back later")
        else:
            self.recipients.append(address)
            self.say("250 2.1.5 ok")

    def chunk_done(self):
        if not self.recipients:
            self.say("554 5.5.1 no valid recipients")
        elif self.chunk_last:
            self.end_of_body()
        else:
            self.say("250 2.0.0 chunk taken")

    def end_of_body(self):
        server = self.server
        body, recipients, sender = bytes(self.body), self.recipients, self.sender
        self.reset()
        found = FAULT.match(recipients[0])
        fault = found.group(1).lower() if found else None
        server.bodies += 1
        if server.options.drop_every and server.bodies % server.options.drop_every == 0:
            fault = "cut" if server.bodies // server.options.drop_every % 2 else "keepcut"
        if fault == "spam":
            self.say("554 5.7.1 message rejected as spam")
        elif fault == "busy":
            self.say("421 4.3.2 closing")
            self.transport.close()
        elif fault == "cut":
            self.transport.abort()
        elif fault == "silent":
            self.waiting = True
        else:
            server.keep(sender, recipients, body)
            if fault == "keepcut":
                self.transport.abort()
            elif server.options.delay_ms:
                self.waiting = True
                asyncio.get_running_loop().call_later(server.options.delay_ms / 1000, self.late)
            else:
                self.say("250 2.0.0 taken")

    def late(self):
        self.waiting = False
        self.say("250 2.0.0 taken")
        self.work()


class Server:
    def __init__(self, options):
        self.options = options
        self.seen = set()
        self.bodies = self.count = self.sessions = 0
        self.began = time.monotonic()
        self.log = os.open(options.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def keep(self, sender, recipients, body):
        self.count += 1
        head = {key.lower().decode(): value.decode("utf-8", "replace") for key, value in HEADER.findall(body.partition(b"\r\n\r\n")[0])}
        for recipient in recipients:
            record = {"to": recipient, "from": sender, "id": head.get("message-id"), "subject": head.get("subject"), "bytes": len(body),
                      "at": round(time.monotonic() - self.began, 4), "number": self.count}
            os.write(self.log, json.dumps(record).encode() + b"\n")
        if self.options.keep:
            with open(os.path.join(self.options.keep, f"{self.count:06d}.eml"), "wb") as file:
                file.write(body)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--keep")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=int, default=0)
    parser.add_argument("--drop-every", type=int, default=0)
    parser.add_argument("--extensions", default="PIPELINING,SIZE=26214400,8BITMIME,ENHANCEDSTATUSCODES,CHUNKING")
    server = Server(parser.parse_args())
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Session(server), "127.0.0.1", server.options.port, backlog=512)
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    print("ready", listener.sockets[0].getsockname()[1], flush=True)
    await done.wait()


if __name__ == "__main__":
    asyncio.run(main())
