"""Runs clang-tidy over the files named, in parallel; remembers those that were clean with the same contents.

usage: tidy.py BUILD_DIR FILE...     BUILD_DIR holds compile_commands.json
"""
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys

CACHE = "build/lint"


def digest(command, directory):
    """Hash over the file, the project's headers it includes, and the settings; None if the compiler cannot tell."""
    arguments = shlex.split(command)
    skip = {"-c", "-o", "-MD", "-MT", "-MF"}
    kept, index = [], 0
    while index < len(arguments):
        if arguments[index] in skip:
            index += 1 if arguments[index] in ("-c", "-MD") else 2
            if arguments[index - 1] == "-c":
                kept.append(arguments[index])
                index += 1
            continue
        kept.append(arguments[index])
        index += 1
    listed = subprocess.run(kept + ["-MM"], cwd=directory, capture_output=True, text=True)
    if listed.returncode != 0:
        return None
    sha = hashlib.sha256(command.encode())
    for name in [os.path.abspath(".clang-tidy")] + listed.stdout.replace("\\\n", " ").split()[1:]:
        with open(os.path.join(directory, name), "rb") as file:
            sha.update(file.read())
    return sha.hexdigest()


def tidy(build, entry):
    path = os.path.relpath(os.path.join(entry["directory"], entry["file"]))
    key = digest(entry["command"], entry["directory"])
    mark = key and os.path.join(CACHE, key)
    if mark and os.path.exists(mark):
        return path, ""
    done = subprocess.run(["clang-tidy", "--quiet", "-p", build, path], capture_output=True, text=True)
    if done.returncode == 0:
        if mark:
            with open(mark, "w", encoding="utf-8") as file:
                file.write(path + "\n")
        return path, ""
    return path, done.stdout or done.stderr


def main(build, wanted):
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    wanted = {os.path.abspath(path) for path in wanted}
    unique = {}
    for entry in entries:
        path = os.path.abspath(os.path.join(entry["directory"], entry["file"]))
        if path in wanted:
            unique.setdefault(path, entry)
    faults = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count()))) as pool:
        for _path, output in pool.map(lambda entry: tidy(build, entry), unique.values()):
            if output:
                faults += 1
                print(output.strip(), flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
