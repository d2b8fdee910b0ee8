"""The SDK as an author has it: an installed prefix, a plugin out of tree, the kit, the tutorial."""
import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from rig.build import START, campaign, people, step
from rig.ports import free_port
from rig.prefix import installed, prefix, run
from rig.program import BUILD, ROOT, SLOW

BAD = os.path.join(BUILD, "tests", "plugins")
SANITIZED = SLOW > 1


@pytest.fixture
def hello(scratch):
    """A plugin made by `plugin new` and built by its Makefile."""
    run(["lantoa", "plugin", "new", "hello"], scratch)
    folder = os.path.join(scratch, "hello")
    run(["make"], folder)
    return folder


def verdicts(done):
    return {row["check"]: row["verdict"] for row in json.loads(done.stdout)["rows"]}


def change(folder, old, new):
    path = os.path.join(folder, "hello.c")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert old in text, old
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))
    run(["make"], folder)


# --- what is installed ---


@pytest.mark.quick
def test_the_prefix_has_everything_and_can_be_moved(scratch):
    moved = os.path.join(scratch, "elsewhere")
    shutil.copytree(prefix(), moved)
    for name in ("bin/lantoa", "bin/lantoa-channel", "lib/lantoa/plugins/outbox.so", "include/lantoa/plugin.h", "share/cmake/lantoa/lantoaConfig.cmake",
                 "share/pkgconfig/lantoa.pc", "share/man/man1/lantoa.1", "share/man/vi/man7/lantoa-email.7", "share/lantoa/rules/approval.json",
                 "share/lantoa/schema/campaign.schema.json", "share/lantoa/demo/theme.json", "lib/systemd/system/lantoa.service"):
        assert os.path.exists(os.path.join(moved, name)), name
    env = {"PATH": f"{moved}/bin:{os.environ['PATH']}", "LANTOA_DATA": os.path.join(scratch, "data")}
    run(["lantoa", "init"], scratch, env)
    run(["lantoa", "rules", "apply", "approval"], scratch, env)
    assert "dir" in run(["lantoa", "channel", "describe", "outbox"], scratch, env).stdout
    assert json.loads(run(["lantoa", "schema", "channel"], scratch, env).stdout)["$schema"]
    # Nothing of the folder it was built in or installed to first.
    for name in ("share/pkgconfig/lantoa.pc", "share/cmake/lantoa/lantoaConfig.cmake"):
        with open(os.path.join(moved, name), encoding="utf-8") as file:
            text = file.read()
        assert ROOT not in text and prefix() not in text, name


@pytest.mark.quick
def test_destdir(scratch):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", "/opt/lantoa"], env={**os.environ, "DESTDIR": scratch}, check=True, capture_output=True, timeout=120)
    assert os.path.exists(os.path.join(scratch, "opt/lantoa/bin/lantoa"))
    done = run([os.path.join(scratch, "opt/lantoa/bin/lantoa"), "channel", "describe", "email"], scratch)
    assert "password" in done.stdout


@pytest.mark.needs("systemd-analyze")
def test_the_unit_is_hardened():
    unit = os.path.join(prefix(), "lib/systemd/system/lantoa.service")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr[-500:]
    with open(unit, encoding="utf-8") as file:
        assert "Type=notify" in file.read()


def test_serve_tells_the_service_manager(data, made, scratch):
    made.init()
    path = os.path.join(scratch, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(20 * SLOW)
        data.env["NOTIFY_SOCKET"] = path
        data.env["WATCHDOG_USEC"] = "400000"
        serve = data.serve()
        assert manager.recv(100) == b"READY=1"
        assert manager.recv(100) == b"WATCHDOG=1"
        assert manager.recv(100) == b"WATCHDOG=1"
        serve.stop()
        said = b""
        while said != b"STOPPING=1":
            said = manager.recv(100)
            assert said in (b"WATCHDOG=1", b"STOPPING=1")


@pytest.mark.quick
def test_manual_pages_come_from_the_tables(data):
    page = data.ok("help", "--man").out
    for command in re.findall(r"^  (lantoa \S+(?: [a-z]+(?= |$))?)", data.ok("help").out, re.M):
        assert command.strip() in page, command
    assert ".TH LANTOA\\-email 7" in data.ok("channel", "describe", "email", "--man").out


# --- a plugin of one's own ---


@pytest.mark.quick
def test_a_new_plugin_conforms_and_is_short(hello):
    with open(os.path.join(hello, "hello.c"), encoding="utf-8") as file:
        assert len(file.read().splitlines()) <= 120
    done = run(["lantoa", "--json", "plugin", "check", "hello.so", "--with", "case.json"], hello)
    seen = verdicts(done)
    assert set(seen.values()) <= {"pass", "skip"}, done.stdout
    assert len([check for check in seen if check.startswith("peer-")]) >= 14
    again = run(["lantoa", "plugin", "new", "hello"], os.path.dirname(hello), ok=False)
    assert again.returncode == 1 and "there already" in again.stderr


# (what an author gets wrong, the check that says so)
MISTAKES = [
    ("answer->left ? LANTOA_UNKNOWN", "answer->left ? LANTOA_RETRY", "peer-cuts-request"),
    ("LANTOA_UNKNOWN : LANTOA_RETRY", "LANTOA_UNKNOWN : LANTOA_UNKNOWN", "peer-absent"),
    ('&& at && sscanf(at + 4, " : \\"%120[^\\"]", id) == 1', '&& (id[0] = at ? *at : 0, 1)', "peer-lies-page"),
    ("answer->status == 429", "answer->status == 428", "peer-throttles"),
    ("answer->left ? LANTOA_UNKNOWN", "answer->left && answer->error != LANTOA_HTTP_TIMEOUT ? LANTOA_UNKNOWN", "peer-times-out"),
    ("LANTOA_REFUSED : LANTOA_UNKNOWN", "LANTOA_REFUSED : LANTOA_SENT", "peer-breaks"),
    ("host->result(host, &result); /*", "host->result(host, &result); host->result(host, &result); /*", "one"),
    ("c < ' ' ? ", "c == 1 ? ", None),
    (".leaving = leaving", ".leaving = NULL", "one"),
    ("    *self_out = &host;\n", '    *self_out = &host;\n    host->log(host, LANTOA_LOG_INFO, "token %s", config->token);\n', "log"),
    ("        free(body);\n", "", "memory"),
    ("    char auth[600];\n", "    char auth[600];\n    for (volatile long i = 0; i < 100000000000; i++) {}\n", "one"),
    ("m->key.at);", '"same");', "key"),
]


@pytest.mark.parametrize("old,new,check", MISTAKES, ids=[str(check) + str(number) for number, (_, _, check) in enumerate(MISTAKES)])
def test_the_kit_finds_mistakes(hello, old, new, check):
    if SANITIZED and check == "memory":
        pytest.skip("memory is another matter under sanitizers")
    if check == "memory":
        new = "        volatile char *leak = malloc(8000);\n        for (int b = 0; leak && b < 8000; b++) {\n            leak[b] = 1;\n        }\n        free(body);\n"
    change(hello, old, new)
    done = run(["lantoa", "--json", "plugin", "check", "hello.so", "--with", "case.json", "--only", check or "content"], hello, ok=False)
    wanted = "warn" if check == "key" else "FAIL"
    if check is None:  # a body that is no JSON any more is the service's to refuse: nothing a peer of ours can know
        assert done.returncode == 0, done.stdout
        return
    assert verdicts(done)[check] == wanted, done.stdout
    assert done.returncode == (0 if check == "key" else 1)


def network(answer, **options):
    """A case for a social network's plugin against the kit's own peer."""
    kind = {"Content-Type": "application/json"}
    throttled = {"ok": False, "error_code": 429, "parameters": {"retry_after": 1}}
    return {"channel": {"options": {"token": "1:not-a-real-one", "timeout": "1s", **options}}, "address": "4711", "content": {"text": "Xin chào"},
            "peer": {"http": {"good": {"status": 200, "headers": kind, "body": answer}, "throttled": {"status": 429, "headers": kind, "body": json.dumps(throttled)},
                              "broken": {"status": 500, "body": "{}"}}, "patience_ms": 3000}}


# An account of a person, a page of one's own.
NETWORKS = {"telegram": network('{"ok": true, "result": {"message_id": {{n}}, "chat": {"id": 4711}}}', api_url="http://{{peer}}"),
            "mastodon": network('{"id": "{{n}}"}', url="http://{{peer}}", answers=False)}


@pytest.mark.parametrize("plugin,check", [("telegram", None), ("mastodon", "peer-cuts-head"), ("mastodon", "peer-lies-page"),
                                          ("mastodon", "peer-times-out"), ("mastodon", "content")])
def test_channels_to_accounts_and_pages_conform(scratch, plugin, check):
    case = os.path.join(scratch, "case.json")
    with open(case, "w", encoding="utf-8") as file:
        json.dump(NETWORKS[plugin], file)
    done = run(["lantoa", "--json", "plugin", "check", os.path.join(BUILD, "plugins", f"{plugin}.so"), "--with", case, *(["--only", check] if check else [])],
               scratch, ok=False)
    seen = verdicts(done)
    assert done.returncode == 0 and set(seen.values()) <= {"pass", "skip", "warn"}, done.stdout + done.stderr
    assert seen[check] == "pass" if check else len([name for name in seen if name.startswith("peer-")]) >= 14


@pytest.mark.parametrize("check", ["peer-late", "peer-repeats", "peer-cuts-head", "peer-cuts-body", "peer-lies-noise", "peer-absent"])
def test_a_plugin_of_another_protocol_stands_behind_the_kits_proxy(scratch, smtp_sink_with, check):
    """The kit knows no SMTP: it stands between the plugin and a server that works, and spoils what passes."""
    case = os.path.join(scratch, "case.json")
    options = {"host": "{{peer_host}}", "port": "{{peer_port}}", "tls": "none", "from": "a@example.vn", "timeout": "1s", "connect_timeout": "1s"}
    with open(case, "w", encoding="utf-8") as file:
        json.dump({"channel": {"options": options}, "address": "b@example.vn", "content": {"subject": "Thư", "text": "Xin chào"},
                   "peer": {"tcp": f"127.0.0.1:{smtp_sink_with().port}", "patience_ms": 6000}}, file)
    done = run(["lantoa", "--json", "plugin", "check", os.path.join(BUILD, "plugins", "email.so"), "--with", case, "--only", check], scratch, ok=False)
    rows = {row["check"]: row for row in json.loads(done.stdout)["rows"]}
    assert done.returncode == 0 and rows[check]["verdict"] == "pass" and "SENT" in rows["one"]["text"], done.stdout + done.stderr
    if check == "peer-late":
        assert "6 SENT" in rows[check]["text"]
    elif check != "peer-absent":
        assert "0 SENT" in rows[check]["text"]


def test_the_kit_asks_a_plugin_for_its_options(scratch):
    """Those of the case are taken; odd ones are answered, in both languages."""
    def verdict(options):
        with open(os.path.join(scratch, "case.json"), "w", encoding="utf-8") as file:
            json.dump({"channel": {"options": options}}, file)
        done = run(["lantoa", "--json", "plugin", "check", os.path.join(BAD, "bad-check.so"), "--with", "case.json", "--only", "options"], scratch, ok=False)
        return next((row["verdict"], row["text"]) for row in json.loads(done.stdout)["rows"] if row["check"] == "options")

    assert verdict({"how": "silent"}) == ("FAIL", "it refuses those of the case: not allowed")
    assert verdict({"how": "crash"})[0] == "FAIL"
    assert verdict({}) == ("warn", "what it says of option how is the same in English and Vietnamese")


def test_the_kit_finds_answers_given_to_the_wrong_message(hello):
    """As if answers came in the order of the questions."""
    change(hello, "static void answered(", "static const struct lantoa_message *asked[1000];\nstatic size_t put_at, take_at;\nstatic void answered(")
    change(hello, "const struct lantoa_message *m = arg; /*", "const struct lantoa_message *m = ((void)arg, asked[take_at++]); /*")
    change(hello, "        char *body = compose(messages[i]);\n", "        asked[put_at++] = messages[i];\n        char *body = compose(messages[i]);\n")
    done = run(["lantoa", "--json", "plugin", "check", "hello.so", "--with", "case.json", "--only", "peer-reorders"], hello, ok=False)
    assert done.returncode == 1 and verdicts(done)["peer-reorders"] == "FAIL", done.stdout


BAD_OPTIONS = [("lies", {"how": "unsent"}), ("lies", {"how": "twice"}), ("double-result", {}), ("crash-send", {}), ("crash-start", {}), ("hang", {}),
               ("gives-up", {}), ("garbage-frame", {}), ("partial-frame", {"how": "exit"})]


@pytest.mark.parametrize("plugin,options", BAD_OPTIONS, ids=["-".join([name, *options.values()]) for name, options in BAD_OPTIONS])
def test_no_bad_plugin_conforms(scratch, plugin, options):
    case = os.path.join(scratch, "case.json")
    with open(case, "w", encoding="utf-8") as file:
        json.dump({"channel": {"options": options, "watchdog_s": 1}}, file)
    done = run(["lantoa", "--json", "plugin", "check", os.path.join(BAD, f"{plugin}.so"), "--with", case], scratch, ok=False)
    assert done.returncode == 1 and "FAIL" in verdicts(done).values(), done.stdout + done.stderr


@pytest.mark.quick
def test_run_shows_everything_but_secrets(hello):
    done = run(["lantoa", "plugin", "run", "hello.so", "--with", "case.json"], hello)
    assert "not-a-real-token" not in done.stdout and "Bearer ***" in done.stdout
    for words in ("token = ***", "POST /send HTTP/1.1", "Chào chị Lan", "result: SENT", "price: 1 units, 100", "drained and closed"):
        assert words in done.stdout, words


def test_bench_measures(hello):
    done = json.loads(run(["lantoa", "--json", "plugin", "bench", "hello.so", "--with", "case.json", "--messages", "500"], hello).stdout)
    assert done["sent"] == 500 and done["per_second"] > 0


@pytest.mark.quick
def test_a_case_that_is_wrong_is_refused_by_name(hello):
    for made_wrong, word in (({"peers": {}}, "peers"), ({"peer": {"tcp": "nowhere"}}, "HOST:PORT"), ({"peer": {"http": {"god": {}}}}, "god")):
        with open(os.path.join(hello, "wrong.json"), "w", encoding="utf-8") as file:
            json.dump(made_wrong, file)
        done = run(["lantoa", "plugin", "check", "hello.so", "--with", "wrong.json"], hello, ok=False)
        assert done.returncode == 1 and word in done.stderr and "wrong.json" in done.stderr, done.stderr
    assert run(["lantoa", "plugin", "check", "absent.so"], hello, ok=False).returncode == 1


# --- the same in the whole product ---


def test_what_a_foreign_plugin_declares_is_what_staff_see(data, made, hello):
    """Options, content, limits, price and preview of a plugin built out of tree, with no line changed outside of it."""
    change(hello, '{"text", LANTOA_CONTENT_REQUIRED, 4000,', '{"note", LANTOA_CONTENT_REQUIRED | LANTOA_CONTENT_SINGLE_LINE, 40,')
    change(hello, "/* 5. What it is.", "static int check(const void *given, struct lantoa_fault *fault) {\n    const struct config *c = given;\n"
           "    return strstr(c->url, \"://\") ? LANTOA_OK : lantoa_fault_set(fault, \"url\", \"\\\"%.99s\\\" is no address\", "
           "\"\\\"%.99s\\\" không phải địa chỉ\", c->url);\n}\n\n/* 5. What it is.")
    change(hello, ".price = price}", ".price = price, .check = check}")
    data.env["LANTOA_PLUGINS"] = hello
    data.env["LANTOA_TOKEN"] = "x"
    with open(os.path.join(hello, "channel.json"), encoding="utf-8") as file:
        channel = json.load(file)
    channel["options"]["price"] = 350
    made.init(channel, contacts=people(3))
    described = data.ok("--json", "channel", "describe", "hello").json
    assert {row["name"]: row["flags"] for row in described["options"]} == {"url": ["required"], "token": ["secret"], "timeout": ["pace"], "price": []}
    assert described["content"] == [{"name": "note", "flags": ["required", "single_line"], "most_bytes": 40, "help": "The text of the message"}]
    # Options: each fault by file, line and name.
    for options, word in (({}, "url"), ({**channel["options"], "colour": "red"}, "colour"), ({**channel["options"], "price": -1}, "price")):
        message = data.refused("channel", "apply", data.write("wrong.json", {**channel, "options": options}))
        assert word in message and "wrong.json" in message, message
    wrong = data.write("wrong.json", {**channel, "options": {**channel["options"], "url": "here"}})
    assert 'options.url: "here" is no address' in data.refused("channel", "apply", wrong)
    assert 'options.url: "here" không phải địa chỉ' in data.refused("channel", "apply", wrong, env={"LANTOA_LANG": "vi"})
    # Content: the rows of the plugin, and their limits.
    for content, word in (({"text": "x"}, "text"), ({}, "empty"), ({"note": "a\nb"}, "note")):
        message = data.refused("campaign", "apply", data.write("wrong.json", campaign(steps=[step(channel="hello", content={"vi": content})])))
        assert word in message, message
    name = made.apply(campaign(steps=[step(channel="hello", content={"vi": {"note": "Chào {{name}}"}})]))
    data.ok("campaign", "check", name)
    data.ok("campaign", "plan", name)
    cost = data.ok("--json", "campaign", "cost", name).json
    assert cost["cost"] == 3 * 350, cost
    preview = data.rows("message", "preview", name, "--step", "s1", "--contact", "1")[0]
    assert "Chào Nguyễn Văn 1" in preview["text"] and preview["cost"] == 350 and preview["units"] == 1


def test_the_tutorial_is_true(scratch):
    with open(os.path.join(ROOT, "docs", "plugin-tutorial.md"), encoding="utf-8") as file:
        text = file.read()
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
    assert len(blocks) >= 9
    port = str(free_port())
    script = "set -eu\n" + "".join(blocks).replace("8099", port).replace("cd hello\n", f"cd hello\nsed -i s/8099/{port}/ channel.json\n")
    plugins = os.path.join(scratch, "installed")
    script = script.replace("make install", f"make install PLUGINS={plugins}")
    done = run(["bash", "-c", "trap '[ -z \"${PEER:-}\" ] || kill $PEER 2>/dev/null || true' EXIT\n" + script], scratch, {"LANTOA_PLUGINS": plugins})
    assert "accepted" in done.stdout and START[:10] in done.stdout + done.stderr or "accepted" in done.stdout
    assert "FAIL" in done.stdout and "result: SENT" in done.stdout
