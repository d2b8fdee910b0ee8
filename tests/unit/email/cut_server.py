"""An SMTP server that cuts its first connection after so many bytes, and keeps an honest record of what it has accepted."""
import re
import socket
import struct
import threading


class CutServer(threading.Thread):
    """Offers PIPELINING, and CHUNKING when asked. A mail counts as kept before its 250 leaves, as with a real server.

    after_received / after_sent: bytes of the first connection after which it is cut. reset: by RST instead of FIN.
    """

    def __init__(self, chunking, after_received=None, after_sent=None, reset=False, pipelining=True):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.chunking, self.pipelining, self.reset = chunking, pipelining, reset
        self.limits = [(after_received, after_sent)]
        self.kept, self.received, self.sent = [], 0, 0
        self.start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join(10)
        self.listener.close()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            limits = self.limits.pop() if self.limits else (None, None)
            with connection:
                connection.settimeout(10)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    Dialog(self, connection, *limits).talk()
                except OSError:
                    pass
                if self.reset and limits != (None, None):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Cut(OSError):
    pass


class Dialog:
    def __init__(self, server, connection, after_received, after_sent):
        self.server, self.connection = server, connection
        self.may_read, self.may_send = after_received, after_sent
        self.buffer = b""

    def more(self):
        if self.may_read == 0:
            raise Cut
        data = self.connection.recv(65536 if self.may_read is None else min(65536, self.may_read))
        if not data:
            raise Cut
        if self.may_read is not None:
            self.may_read -= len(data)
        self.server.received += len(data)
        self.buffer += data

    def say(self, text):
        data = text.encode() + b"\r\n"
        if self.may_send is not None:
            data = data[: self.may_send]
            self.may_send -= len(data)
        self.connection.sendall(data)
        self.server.sent += len(data)
        if self.may_send == 0:
            raise Cut

    def line(self):
        while b"\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode().strip()

    def keep(self, mail):
        self.server.kept.append(re.search(rb"^Message-ID: <(\S+?)@", mail, re.M).group(1).decode())
        self.say(f"250 2.0.0 Ok: queued as CUT{len(self.server.kept)}")

    def talk(self):
        self.say("220 cut ESMTP")
        while True:
            line = self.line()
            word = line.upper().split(" ")[0]
            if word == "EHLO":
                offers = ["cut", "8BITMIME"]
                offers += ["PIPELINING"] if self.server.pipelining else []
                offers += ["CHUNKING"] if self.server.chunking else []
                for offer in offers[:-1]:
                    self.say(f"250-{offer}")
                self.say(f"250 {offers[-1]}")
            elif word == "DATA":
                self.say("354 go on")
                while b"\r\n.\r\n" not in self.buffer:
                    self.more()
                mail, self.buffer = self.buffer.split(b"\r\n.\r\n", 1)
                self.keep(mail)
            elif word == "BDAT":
                size = int(line.split()[1])
                while len(self.buffer) < size:
                    self.more()
                mail, self.buffer = self.buffer[:size], self.buffer[size:]
                self.keep(mail)
            elif word == "QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 2.1.0 Ok" if word in ("MAIL", "RCPT") else "250 2.0.0 Ok")
