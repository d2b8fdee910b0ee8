"""A scripted SMTP server for what real ones rarely do. A test gives answers per command; what was said and kept is recorded."""
import re
import socket
import threading
import time


class OddServer(threading.Thread):
    """answer(server, command, argument, number) -> reply text, None for the usual, "" for silence, or False to hang up.

    number counts the commands of that name. reset_needed: a refused transaction stays open until RSET, as RFC 3030 allows.
    """

    def __init__(self, answer=lambda *_: None, offers=("PIPELINING",), greeting="220 odd", dribble=False, reset_needed=False):
        super().__init__(daemon=True)
        self.answer, self.offers, self.greeting, self.dribble, self.reset_needed = answer, offers, greeting, dribble, reset_needed
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.commands, self.kept, self.connections = [], [], 0
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join(10)
        self.listener.close()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(10)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    self.talk(connection)
                except (OSError, EOFError):
                    pass

    def say(self, connection, text):
        data = text.replace("\n", "\r\n").encode() + b"\r\n"
        if not self.dribble:
            connection.sendall(data)
            return
        for index in range(len(data)):
            connection.sendall(data[index:index + 1])
            time.sleep(0.0005)

    def usual(self, command):
        if command == "EHLO":
            return "\n".join(["250-odd", *[f"250-{offer}" for offer in self.offers[:-1]], f"250 {self.offers[-1]}"])
        return {"MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go", "QUIT": "221 bye", "HELO": "250 odd"}.get(command, "250 2.0.0 ok")

    def talk(self, connection):
        file = connection.makefile("rb")
        self.say(connection, self.greeting)
        sender, recipients = None, []
        while True:
            line = file.readline()
            if not line:
                raise EOFError
            command, _, argument = line.decode().strip().partition(" ")
            command = command.upper()
            self.commands.append(command)
            body = file.read(int(argument.split()[0])) if command == "BDAT" else None
            reply = self.answer(self, command, argument, self.commands.count(command))
            if reply is False:
                return
            wrong = command == "MAIL" and sender is not None or command in ("RCPT", "BDAT") and sender is None
            if reply is None and wrong:
                reply = "503 5.5.1 bad sequence"
            if reply is None and command in ("DATA", "BDAT") and not recipients:
                reply = "554 5.5.1 no valid recipients"
            reply = self.usual(command) if reply is None else reply
            good = reply[:1] in "23" and reply
            if command == "MAIL" and good:
                sender = argument
            elif command == "RCPT" and good:
                recipients.append(argument)
            elif command == "DATA" and good:
                self.say(connection, reply)
                body = b""
                while (line := file.readline()) != b".\r\n":
                    if not line:
                        raise EOFError
                    body += line
                reply = self.answer(self, ".", "", self.commands.count("DATA")) or "250 2.0.0 kept"
                good = reply.startswith("2")
            if body is not None:
                if good and recipients:
                    key = re.search(rb"^Message-ID: <(\S+?)@", body, re.M)
                    self.kept.append((sender, recipients[0], key.group(1).decode() if key else None))
                if good or not self.reset_needed:
                    sender, recipients = None, []
            if command in ("RSET", "EHLO"):
                sender, recipients = None, []
            if reply:
                self.say(connection, reply)
            if command == "QUIT":
                return
