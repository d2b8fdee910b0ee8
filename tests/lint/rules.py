"""Rules of the project that no compiler checks: layers, banned calls, file length, notes to self, paths of one machine.

usage: rules.py FILE...      prints one line per finding; exit 1 if there was any
       rules.py --self-test  proves that every rule finds a bad sample and leaves a good one alone
"""
import re
import sys

# What each layer of core/ may include besides itself. core/base is below everything.
LAYERS = {
    "base": set(),
    "stats": {"base"},
    "wire": {"base"},
    "store": {"base"},
    "host": {"base", "wire"},
    "channel": {"base", "wire"},
    "kit": {"base", "channel"},
    "audience": {"base", "store"},
    "campaign": {"base", "store", "audience", "channel"},
    "delivery": {"base", "store", "audience", "campaign", "channel"},
    "tracking": {"base", "store", "audience", "campaign", "channel", "delivery"},
    "conversion": {"base", "stats", "store", "audience", "campaign", "channel", "tracking", "delivery"},
}
LAYERS["report"] = set(LAYERS) - {"wire", "host", "kit"}
LAYERS["api"] = LAYERS["report"] | {"report"}
LAYERS["cli"] = LAYERS["report"] | {"report", "api", "kit"}

STORE_ONLY = {"sqlite3.h", "libpq-fe.h", "postgresql/libpq-fe.h"}
BANNED = ("strcpy strcat strncpy strncat sprintf vsprintf gets strtok sscanf atoi atol alloca system popen gmtime "
          "localtime ctime rand").split()
BASE_ONLY = "malloc calloc realloc free strdup strndup asprintf vasprintf".split()
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
BASE_ONLY_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BASE_ONLY) + r")\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
NOTE = re.compile(r"\b(" + "TO" + r"DO|FIX" + r"ME|X" + r"XX)\b(?!\(#\d+\))")
MACHINE = re.compile(r"(?<![\w./])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/\w+)/\w")
REGISTRY = re.compile(r"registry\." + r"npmjs|deb\.debian" + r"\.org|pypi\." + r"org|proxy\.golang" + r"\.org")
LONGEST = 600
CODE = (".c", ".h", ".py", ".sh", ".js", ".ts", ".tsx")


def strip_c(text):
    """The text with comments and literals blanked, lines kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1), found.group(2)


def check_layers(path, text):
    parts = path.split("/")
    if parts[0] == "core" and len(parts) > 2:
        layer = parts[1]
        if layer not in LAYERS:
            yield 1, "layers", f"core/{layer} is not in the list of layers (tests/lint/rules.py)"
            return
        for number, quote, name in includes(text):
            if name in STORE_ONLY and layer != "store":
                yield number, "layers", f"only core/store may include {name}"
            other = name.split("/")[0] if "/" in name else None
            if quote == '"' and other in LAYERS and other != layer and other not in LAYERS[layer]:
                yield number, "layers", f"core/{layer} may not include {name}: imports go down only"
    elif parts[0] == "plugins" and len(parts) > 2:
        for number, quote, name in includes(text):
            if quote == '"' and "/" in name and not name.startswith("lantoa/"):
                yield number, "layers", f"a plugin sees <lantoa/...> and its own folder only, not {name}"
            if name in STORE_ONLY:
                yield number, "layers", f"a plugin has no database: {name}"
    elif parts[0] == "include":
        for number, quote, name in includes(text):
            if quote == '"' and "/" in name:
                yield number, "layers", f"the SDK includes nothing of the project: {name}"


def check_banned(path, text):
    in_core = path.startswith("core/")
    if not path.endswith((".c", ".h")) or not (in_core or path.startswith("plugins/")):
        return
    if path == "core/base/banned.h":
        return
    for number, line in enumerate(strip_c(text).splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        for found in BANNED_CALL.finditer(line):
            yield number, "banned", f"{found.group(1)}() is banned, see core/base/banned.h"
        if in_core and not path.startswith("core/base/"):
            for found in BASE_ONLY_CALL.finditer(line):
                yield number, "banned", f"{found.group(1)}() only in core/base: use base_alloc, base_free, ..."


def check_length(path, text):
    lines = text.count("\n")
    if path.endswith(CODE) and lines > LONGEST:
        yield lines, "length", f"{lines} lines, at most {LONGEST}: look for the second file inside it"


def check_opening(path, text):
    if path.endswith((".c", ".h")) and path.startswith(("core/", "plugins/", "include/")) and not text.startswith("/*"):
        yield 1, "opening", "the file does not open with a comment that says what it is for"


def check_guard(path, text):
    if path.endswith(".h") and not re.search(r"^#ifndef \w+_H$", text, re.M):
        yield 1, "guard", "header without a guard"


def check_notes(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if NOTE.search(line):
            yield number, "notes", "a note to self needs an issue: FIX" + "ME(#123)"


def check_machine(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if MACHINE.search(line):
            yield number, "machine", "names a path of one machine"
        if REGISTRY.search(line):
            yield number, "machine", "names a package registry: leave that to the client's settings"


def check_space(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip() and not path.endswith((".md", ".csv", ".eml", ".json")):
            yield number, "space", "white space at the end of the line"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "space", "no newline at the end of the file"


CHECKS = (check_layers, check_banned, check_length, check_opening, check_guard, check_notes, check_machine, check_space)
# Data of third parties and of parsers under test is taken as it is.
SKIP = re.compile(r"(^|/)(corpus|data|node_modules)/|package-lock\.json$|^LICENSE$|\.(png|ico|bin|eml|csv)$")


def findings(path, text):
    if SKIP.search(path):
        return
    for check in CHECKS:
        for number, rule, words in check(path, text):
            yield f"{path}:{number}: {rule}: {words}"


def self_test():
    """(rule, path, text): the rule must fire; rule None: nothing may."""
    opening = "/* What it is for. */\n"
    samples = [
        ("layers", "core/audience/x.c", opening + '#include "campaign/spec.h"\n'),
        ("layers", "core/host/x.c", opening + '#include "store/db.h"\n'),
        ("layers", "core/report/x.c", opening + "#include <sqlite3.h>\n"),
        ("layers", "core/stats/x.c", opening + '#include "store/db.h"\n'),
        ("layers", "core/nowhere/x.c", opening),
        ("layers", "plugins/email/x.c", opening + '#include "base/buf.h"\n'),
        ("banned", "core/store/x.c", opening + "int f(char *a) { return atoi(a); }\n"),
        ("banned", "core/store/x.c", opening + "void *f(void) { return malloc(3); }\n"),
        ("banned", "plugins/email/x.c", opening + "void f(char *a) { strcpy(a, \"b\"); }\n"),
        ("length", "core/store/x.c", opening + "\n" * (LONGEST + 1)),
        ("opening", "core/store/x.c", "int x;\n"),
        ("guard", "core/store/x.h", opening + "int x;\n"),
        ("notes", "dev", "# TO" + "DO: later\n"),
        ("machine", "tests/x.py", 'open("/ro' + 'ot/x")\n'),
        ("machine", "tests/package.json", "https://registry." + "npmjs.org/\n"),
        ("space", "core/store/x.c", opening + "int x; \n"),
        (None, "core/campaign/x.c", opening + '#include "campaign/spec.h"\n\n#include "audience/contact.h"\n#include <ev.h>\n'),
        (None, "core/store/x.c", opening + "#include <sqlite3.h>\n"),
        (None, "core/base/x.c", opening + "void *f(void) { return malloc(3); }\n"),
        (None, "plugins/email/x.c", opening + '#include "smtp.h"\n#include <lantoa/plugin.h>\nvoid *f(void) { return malloc(3); }\n'),
        (None, "core/store/x.c", opening + "/* never strcpy() */ void f(struct a *b) { b->free(b); g(\"system(1)\"); }\n"),
        (None, "core/store/x.c", "/* FIX" + "ME(#12): known. */\n"),
    ]
    faults = 0
    for rule, path, text in samples:
        found = {line.split(": ")[1] for line in findings(path, text)}
        if (rule is None and found) or (rule is not None and rule not in found):
            print(f"self-test: {path}: expected {rule}, found {found or 'nothing'}: {text[-60:]!r}")
            faults += 1
    return faults


def main(arguments):
    if arguments == ["--self-test"]:
        return 1 if self_test() else 0
    count = 0
    for path in arguments:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except UnicodeDecodeError:
            if SKIP.search(path) or re.fullmatch(r"tests/abi/1\.\d+/abi-example\.so", path):
                continue
            print(f"{path}:1: text: not UTF-8")
            count += 1
            continue
        except (FileNotFoundError, IsADirectoryError):
            continue
        for line in findings(path, text):
            print(line)
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
