#!/usr/bin/python3
"""The demo's readers: one letter in thirty is opened, and its link followed.

usage: readers.py FOLDER DOOR_URL

Looks at the letters as they come into FOLDER until it is ended. Where a link leads to is asked of the program's own door; nobody goes there.
"""
import http.client
import os
import re
import sys
import time
import urllib.parse

ONE_IN = 30
AGENT = "Mozilla/5.0 (Linux; Android 14; Mobile) Gecko/128.0 Firefox/128.0"


def links(folder, seen):
    """Of the letters that are new and are read."""
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith(".txt") and name not in seen:
            seen.add(name)
            if len(seen) % ONE_IN == 0:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    found = re.search(r"https?://\S+/t/[\w-]+", file.read())
                if found:
                    yield urllib.parse.urlsplit(found[0]).path


def main():
    folder, door = sys.argv[1], urllib.parse.urlsplit(sys.argv[2])
    seen = set()
    while True:
        for path in links(folder, seen):
            for _ in range(20):  # the door may not be open yet
                try:
                    line = http.client.HTTPConnection(door.hostname, door.port, timeout=5)
                    line.request("GET", path, headers={"User-Agent": AGENT})
                    line.getresponse().read()
                    line.close()
                    break
                except OSError:
                    time.sleep(0.1)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
