"""Sizes, places and values of everything in include/lantoa: what a plugin that is built once depends on.

layout.txt has one line for each: the ABI version it came with, its name, its offset and its size (fields), its size (structs that never grow), its value
(enums). `keep()` adds lines for what is new; `faults()` says which old line does not hold any more."""
import os
import re
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = os.path.abspath(os.path.join(HERE, "..", "..", "include"))
TABLE = os.path.join(HERE, "layout.txt")
# Grows at its end: what stands behind is found by ops.size, and its place counts from there.
MOVES = {"lantoa_plugin": "ops"}
# A struct whose first field tells its size may grow; a row's size is told by the table that holds it.
ROWS = {"lantoa_option", "lantoa_content"}


def header_text():
    folder = os.path.join(INCLUDE, "lantoa")
    texts = []
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            texts.append(file.read())
    text = re.sub(r"/\*.*?\*/", " ", "\n".join(texts), flags=re.S)
    return re.sub(r"\\\n", " ", text)


def structs(text):
    """{struct: [fields]}"""
    found = {}
    for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", text, re.M | re.S):
        found[name] = []
        for declaration in filter(str.strip, body.split(";")):
            pointer = re.search(r"\(\*\s*(\w+)\)\s*\(", declaration)
            names = [pointer.group(1)] if pointer else [re.search(r"(\w+)\s*(\[\w+\])?\s*$", part).group(1) for part in declaration.split(",")]
            found[name] += names
    return found


def constants(text):
    names = []
    for body in re.findall(r"^enum \w+ \{(.*?)\};", text, re.M | re.S):
        names += [part.split("=")[0].strip() for part in body.split(",") if re.match(r"\s*LANTOA_[A-Z0-9_]+\s*(=|$)", part)]
    return names + re.findall(r"^\s*X\((LANTOA_\w+), -?\d+,", text, re.M)


def today():
    """{name: "offset size" or "size" or "value"} of the headers as they are."""
    text = header_text()
    lines = []
    for struct, fields in structs(text).items():
        of, moves = f"struct {struct}", MOVES.get(struct)
        if fields[0] != "size" and struct not in ROWS:
            lines.append(f'printf("sizeof {struct} %zu\\n", sizeof({of}));')
        for number, field in enumerate(fields):
            behind = moves in fields[:number]
            base = f" - offsetof({of}, {moves}) - sizeof((({of} *)0)->{moves})" if behind else ""
            size = '"-"' if field == moves else f'size(sizeof((({of} *)0)->{field}))'
            lines.append(f'printf("{struct}.{field} %s%zu %s\\n", "{"+" if behind else ""}", offsetof({of}, {field}){base}, {size});')
    lines += [f'printf("{name} %lld\\n", (long long){name});' for name in constants(text)]
    source = ("#include <lantoa/plugin.h>\n#include <stdio.h>\n"
              "static const char *size(size_t n) { static char t[20]; snprintf(t, sizeof(t), \"%zu\", n); return t; }\n"
              "int main(void) {\n" + "\n".join(lines) + "\nreturn 0; }\n")
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "layout")
        subprocess.run(["cc", "-std=c11", "-I", INCLUDE, "-x", "c", "-", "-o", program], input=source, text=True, check=True)
        out = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return dict(re.match(r"((?:sizeof )?\S+) (.*)", line).groups() for line in out.splitlines())


def kept():
    """[(version, name, where)]"""
    with open(TABLE, encoding="utf-8") as file:
        return [re.match(r"(\S+) ((?:sizeof )?\S+) (.*)", line).groups() for line in file.read().splitlines()]


def faults():
    now = today()
    said = [f"{name}: {where} since {version}, now {now.get(name, 'gone')}" for version, name, where in kept() if now.get(name) != where]
    return said + [f"{name} is not in layout.txt: run tests/abi/keep" for name in now.keys() - {name for _, name, _ in kept()}]


def keep(version):
    known = {name for _, name, _ in kept()} if os.path.exists(TABLE) else set()
    with open(TABLE, "a", encoding="utf-8") as file:
        for name, where in today().items():
            if name not in known:
                file.write(f"{version} {name} {where}\n")
