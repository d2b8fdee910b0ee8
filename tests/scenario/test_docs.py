"""What the documents say is true: commands exist, the plugin of the guide compiles and sends, the demo's files apply."""
import json
import os
import re
import shutil
import subprocess
import textwrap

import pytest

from rig.build import START, THEME, campaign, outbox_channel, people, step
from rig.program import BUILD, ROOT

pytestmark = pytest.mark.quick


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def test_every_command_is_in_the_manual(data):
    manual = read("docs", "cli.md")
    commands = re.findall(r"^  (lantoa \S+(?: [a-z]+(?= |$))?)", data.ok("help").out, re.M)
    assert len(commands) > 30
    missing = [command for command in commands if command.strip() not in manual]
    assert not missing, missing


def test_commands_of_the_documents_exist(data):
    known = data.ok("help").out
    for name in ("README.md", "docs/guide-staff.en.md", "docs/guide-staff.vi.md", "docs/guide-manager.en.md", "docs/guide-manager.vi.md", "docs/guide-admin.md"):
        for noun, verb in re.findall(r"^    lantoa (?:--data \S+ )?([a-z-]+)(?: ([a-z-]+))?", read(*name.split("/")), re.M):
            assert f"  lantoa {noun} {verb}".rstrip() in known, f"{name}: lantoa {noun} {verb}"


def test_the_plugin_of_the_guide_compiles_and_sends(data, made, scratch):
    guide = read("docs", "guide-plugin-author.md")
    code = textwrap.dedent(re.search(r"(?m)^    #include <lantoa/plugin.h>\n(?:^(?:    .*)?\n)*?^    \};\n(?=\n    gcc)", guide).group(0))
    plugins = os.path.join(scratch, "plugins")
    shutil.copytree(os.path.join(BUILD, "plugins"), plugins)
    with open(os.path.join(scratch, "hello.c"), "w", encoding="utf-8") as file:
        file.write(code)
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-I", os.path.join(ROOT, "include"),
                    os.path.join(scratch, "hello.c"), "-o", os.path.join(plugins, "hello.so")], check=True)
    assert len(code.splitlines()) <= 120
    data.env["LANTOA_PLUGINS"] = plugins
    made.init({"name": "hello", "plugin": "hello", "options": {}}, contacts=people(20))
    made.start(campaign(steps=[step(channel="hello", content={"vi": {"text": "Chào {{name}}"}})]))
    data.until_idle("--clock", f"{START},x1000")
    assert data.states("c") == {"accepted": 20}


def test_the_example_channel_file_is_right(data, made):
    made.init()
    data.ok("channel", "apply", os.path.join(ROOT, "config", "demo", "channel-email.example.json"), env={"LANTOA_EMAIL_PASSWORD": "x"})


@pytest.mark.needs("ffmpeg")
def test_the_demo_runs_to_its_report(scratch):
    """./dev run, without the building: small, on a folder of the test's own, twice."""
    env = {**os.environ, "LANTOA_BUILD": BUILD, "LANTOA_DEMO_CONTACTS": "400", "LANTOA_LANG": "en", "LANG": "C.UTF-8"}
    folder = os.path.join(scratch, "demo")
    for _ in range(2):
        done = subprocess.run([os.path.join(ROOT, "config", "demo", "run"), "--once", folder], env=env, capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        assert "accepted" in done.stdout and "Where to look" in done.stdout
    # The page was posted, asked about and counted; letters were read.
    assert "Đóng ở đâu vậy ạ?" in done.stdout and re.search(r"favourites +37 ", done.stdout), done.stdout
    people, human = re.search(r"^thu-1 .*bhxh +(\d+) +(\d+) +\d+$", done.stdout, re.M).groups()
    assert int(people) >= 1 and int(human) >= 1
    assert "Three numbers" in done.stdout and os.listdir(os.path.join(folder, "data", "outbox"))
    assert len(os.listdir(os.path.join(folder, "paper"))) == 4
    # Somebody's own folder is never overwritten.
    own = os.path.join(scratch, "own")
    os.mkdir(own)
    with open(os.path.join(own, "letter.txt"), "w", encoding="ascii") as file:
        file.write("mine\n")
    done = subprocess.run([os.path.join(ROOT, "config", "demo", "run"), "--once", own], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and os.listdir(own) == ["letter.txt"]


@pytest.mark.needs("python:jsonschema")
@pytest.mark.parametrize("kind", ["campaign", "theme", "channel"])
def test_the_published_schemas_and_the_program_agree(data, made, kind):
    """What the schema takes the program takes, and the other way round, for the files we ship and for broken ones."""
    import jsonschema  # noqa: PLC0415
    schema = json.loads(read("config", "schema", f"{kind}.schema.json"))
    validator = jsonschema.Draft202012Validator(schema)
    for folder in ("demo", "examples"):
        for name in sorted(os.listdir(os.path.join(ROOT, "config", folder))):
            if name.startswith(kind) and name.endswith(".json"):
                errors = [error.message for error in validator.iter_errors(json.loads(read("config", folder, name)))]
                assert not errors, f"{folder}/{name}: {errors}"
    good = {"campaign": campaign(steps=[step(channel="outbox")], holdout={"percent": 5, "unit": "contact"}), "theme": THEME,
            "channel": outbox_channel(rate={"per_second": 5}, retry={"tries": 3, "first": "PT1M", "longest": "PT1H"})}[kind]
    assert not list(validator.iter_errors(good))
    made.init(outbox_channel())
    data.ok(kind, "apply", data.write("good.json", good))
    broken = [{**good, "colour": "red"}, {key: value for key, value in good.items() if key != "name"}, {**good, "name": 5}, {**good, "name": ""}, []]
    if kind == "campaign":
        broken += [{**good, "class": "spam"}, {**good, "steps": []}, {**good, "holdout": {"percent": 150}}, {**good, "window": {"from": "tomorrow", "to": "x"}}]
    if kind == "channel":
        broken += [{**good, "window": 0}, {**good, "rate": {"per_second": -1}}, {**good, "uncertain": "maybe"}]
    for made_wrong in broken:
        assert list(validator.iter_errors(made_wrong)), f"the schema takes {made_wrong}"
        data.refused(kind, "apply", data.write("broken.json", made_wrong))
