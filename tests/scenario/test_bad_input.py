"""Every line of "Bad input": one clear message, and everything is left as it was."""
import os
import subprocess

import pytest

from rig.build import campaign, email_channel, outbox_channel, people, step, table

pytestmark = pytest.mark.quick


@pytest.fixture
def ready(data, made):
    made.init(outbox_channel(), contacts=people(5))
    return data


def contents(data):
    """What must not change: row counts of every table."""
    names = [row[0] for row in data.sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    return {name: data.sql(f"SELECT count(*) FROM {name}")[0][0] for name in names if name not in ("import_batch", "audit")}


def one_line(message, *parts):
    lines = [line for line in message.splitlines() if line.strip()]
    assert len(lines) == 1, f"not one line: {message}"
    for part in parts:
        assert part.lower() in message.lower(), f"{part!r} is not in: {message}"


@pytest.mark.parametrize("name,bytes_,parts", [
    ("encoding.csv", "Họ tên,Email\n".encode() + b"Nguy\xea\xf0 \xff\xfe,x@example.com\n" * 3, []),
    ("no-header.csv", b"", []),
    ("no-key.csv", "màu,cỡ\nđỏ,to\n".encode(), []),
], ids=["wrong-encoding", "empty", "missing-column"])
def test_csv_that_is_no_contact_file(ready, name, bytes_, parts):
    before = contents(ready)
    one_line(ready.refused("contact", "import", ready.write(name, bytes_)), name, *parts)
    after = contents(ready)
    assert after["contact"] == before["contact"]


@pytest.mark.parametrize("bad,line", [('p200,"Nguyễn, chưa đóng,x@example.com,vi\n', 5), ("p200," + "a" * (10 << 20) + ",x@example.com,vi\n", 5)],
                         ids=["broken-quote", "10-mb-field"])
def test_csv_that_breaks_off_is_refused_whole(ready, bad, line):
    """Nobody can say where the next row begins: the file is refused with its line, and the rows before it are not taken either."""
    before = contents(ready)
    one_line(ready.refused("contact", "import", ready.write("broken.csv", table(people(3, first=100)) + bad)), "broken.csv", f"line {line}")
    assert contents(ready) == before


def test_csv_faults_of_single_rows_are_rejected_rows(ready):
    text = table(people(3, first=100)) + "p200,too few\n,Không Khóa,,vi\np201,Lê Tốt,tot@example.com,vi\n"
    rejects = ready.path("rejects.csv")
    told = ready.json("contact", "import", ready.write("rows.csv", text), "--rejects", rejects)
    assert told["added"] == 4 and told["rejected"] == 2, told
    with open(rejects, encoding="utf-8-sig") as file:
        lines = file.read().splitlines()
    assert lines[0].startswith("line,field") and {line.split(",")[0] for line in lines[1:]} == {"5", "6"}, lines


@pytest.mark.parametrize("change,parts", [
    ({"steps": [step(channel="pigeon")]}, ["pigeon"]),
    ({"audience": "place under 'Atlantis'"}, ["atlantis"]),
    ({"audience": "ocupation = 'farmer'"}, ["ocupation"]),
    ({"theme": "no-such-theme"}, ["no-such-theme"]),
    ({"steps": [step(channel="outbox", when={"at": "2026-12-01T08:00", "rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"})]}, ["rrule"]),
    ({"steps": [step(channel="outbox", when={"at": "now", "rrule": "FREQ=DAILY"})]}, ["at", "first day and time"]),
    ({"steps": [step(channel="outbox", content={"vi": {"subject": "x", "text": "{{#open}} never closed"}})]}, ["open", "clos"]),
    ({"steps": [step(channel="outbox", content={"vi": {"subject": "x", "text": "Chào {{nmae}}"}})]}, ["nmae"]),
    ({"class": "spam"}, ["class"]),
    ({"window": {"from": "2026-12-31", "to": "2026-12-01", "timezone": "Asia/Ho_Chi_Minh"}}, ["window"]),
    ({"window": {"from": "2026-12-01", "to": "2026-12-31", "timezone": "Asia/Saigonn"}}, ["timezone"]),
    ({"legal_basis": ""}, ["legal_basis"]),
    ({"holdout": {"percent": 150, "unit": "contact"}}, ["percent"]),
    ({"colour": "red"}, ["colour"]),
    ({"steps": [step("a", channel="outbox", when={"after": "b", "delay": "P1D"}), step("b", channel="outbox")]}, ["after"]),
], ids=["channel", "place", "attribute", "theme", "rrule", "rrule-now", "section", "variable", "class", "window", "zone", "basis", "percent", "unknown-key", "later-step"])
def test_campaign_faults_name_file_line_and_field(ready, made, change, parts):
    before = contents(ready)
    path = ready.write("campaign.json", {**campaign(steps=[step(channel="outbox")]), **change})
    for verb in ("check", "apply"):
        message = ready.refused("campaign", verb, path)
        assert "campaign.json:" in message, message
        assert message.split("campaign.json:")[1].split(":")[0].isdigit(), message
        for part in parts:
            assert part.lower() in message.lower(), (part, message)
    assert contents(ready) == before


def test_json_that_is_no_json(ready):
    before = contents(ready)
    one_line(ready.refused("campaign", "apply", ready.write("broken.json", '{"name": "x",\n "theme" "y"}')), "broken.json:2")
    one_line(ready.refused("theme", "apply", ready.write("broken.json", "[1, 2")), "broken.json")
    one_line(ready.refused("channel", "apply", ready.path("nothing.json")), "nothing.json")
    assert contents(ready) == before


def test_plugin_file_that_is_no_plugin(ready, scratch):
    plugins = os.path.join(scratch, "plugins")
    os.mkdir(plugins)
    with open(os.path.join(plugins, "stone.so"), "wb") as file:
        file.write(b"this is no shared object\n")
    with open(os.path.join(scratch, "empty.c"), "w", encoding="ascii") as file:
        file.write("int nothing(void) { return 0; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", os.path.join(plugins, "hollow.so"), os.path.join(scratch, "empty.c")], check=True)
    before = contents(ready)
    for name in ("stone", "hollow", "missing"):
        path = ready.write(f"{name}.json", {"name": name, "plugin": name, "options": {}})
        one_line(ready.refused("channel", "apply", path, env={"LANTOA_PLUGINS": plugins}), name)
    assert contents(ready) == before


def test_channel_options(ready):
    before = contents(ready)
    for options, part in [({"prot": 25}, "prot"), ({"port": "many"}, "port"), ({"port": 99999}, "port"), ({"tls": "maybe"}, "tls")]:
        made = email_channel(25, options=options)
        path = ready.write("email.json", made)
        message = ready.refused("channel", "apply", path)
        one_line(message, "email.json:", part)
    assert contents(ready) == before


def test_second_serve_on_one_folder(ready):
    with ready.serving() as first:
        message = ready.refused("serve", timeout=20)
        one_line(message)
        assert first.running()


def test_newer_schema(ready):
    ready.ok("doctor")
    version = ready.sql("SELECT value FROM meta WHERE key LIKE '%schema%'")
    assert version, ready.sql("SELECT key, value FROM meta")
    ready.sql_write("UPDATE meta SET value = '999' WHERE key LIKE '%schema%'")
    for words in (["segment", "count", "all"], ["serve", "--until-idle"], ["contact", "import", ready.path("contacts.csv")]):
        one_line(ready.refused(*words), "999")
    assert ready.sql("SELECT value FROM meta WHERE key LIKE '%schema%'")[0][0] == "999"


def test_segment_errors_name_the_column(ready):
    message = ready.refused("segment", "count", "name = 'a' and ocupation = 'farmer'")
    one_line(message, "column 16", "ocupation")
    one_line(ready.refused("segment", "count", "name = 'a"), "column")
    one_line(ready.refused("segment", "count", "((("), "column")
    for expression, part in [("ref <> '1'", "write !="), ("ref == '1'", "write ="), ("ref not = '1'", '"in"'), ("place not = 'x'", '"under"')]:
        one_line(ready.refused("segment", "count", expression), "column", part)


def test_no_data_folder(data):
    one_line(data.refused("segment", "count", "all"))
    assert not os.path.exists(data.dir) or not os.listdir(data.dir)


def test_init_twice_keeps_everything(ready):
    before = contents(ready)
    ready.run("init")
    assert contents(ready) == before


@pytest.mark.parametrize("words,part", [(["--foo"], "--foo"), (["campaign"], "needs a verb"), (["campaign", "frobnicate"], '"frobnicate"'),
                                        (["serve", "--foo"], "unknown option --foo; lantoa serve ["), (["doctor", "x"], "usage: lantoa doctor")])
def test_wrong_commands_are_told_in_one_line(ready, words, part):
    told = ready.refused(*words)
    one_line(told, part)
    assert "  " not in told


def test_a_step_whose_time_is_over_is_told(ready):
    made = campaign(window={"from": "2026-01-01", "to": "2026-12-31", "timezone": "Asia/Ho_Chi_Minh"}, steps=[step(channel="outbox", when={"at": "2026-02-01T08:00"})])
    told = ready.ok("campaign", "check", ready.write("c.json", made), "--clock", "2026-02-01T10:01,x1")
    one_line(told.err, "c.json:", "steps[0].when", "over")
    assert ready.ok("campaign", "check", ready.path("c.json"), "--clock", "2026-02-01T09:59,x1").err == ""


@pytest.mark.parametrize("words", [["frobnicate"], ["campaign"], ["campaign", "frobnicate", "x"], ["report", "campaign", "none"],
                                   ["campaign", "start", "none"], ["message", "list", "--campaign", "none"], ["contact", "import", "/nonexistent.csv"],
                                   ["segment"], ["contact", "import"], ["serve", "--clock", "yesterday"]])
def test_wrong_commands_end_with_a_message(ready, words):
    before = contents(ready)
    ready.refused(*words)
    assert contents(ready) == before


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small file system")


@pytest.fixture
def small_disk(scratch):
    """small_disk(megabytes) mounts that much at the data folder's parent, or changes its size; returns the folder."""
    folder = os.path.join(scratch, "disk")
    os.makedirs(folder)
    mounted = []

    def mount(size):
        how = ["-o", f"remount,size={size}"] if mounted else ["-t", "tmpfs", "-o", f"size={size}", "tmpfs"]
        done = subprocess.run(["mount", *how, folder], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"cannot mount: {done.stderr.strip()}")
        mounted.append(size)
        return folder

    yield mount
    if mounted:
        subprocess.run(["umount", folder], check=True)


def used(folder):
    """The files; SQLite's own helpers come and go."""
    names = {os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names}
    return {name for name in names if not name.endswith(("-wal", "-shm"))}


@pytest.mark.root
@needs_root
def test_full_disk(made, data, small_disk):
    """An import on a disk that fills up: one clear line, the database whole and as it was, and all goes on once there is room."""
    data.dir = os.path.join(small_disk("3m"), "data")
    made.init(outbox_channel(), contacts=people(50))
    before = contents(data)
    big = data.write("big.csv", table(people(60000, first=1000)))
    one_line(data.refused("contact", "import", big), "space")
    assert contents(data) == before and data.sql("PRAGMA integrity_check")[0][0] == "ok"
    # Room for the first transactions of the import and not for the last.
    small_disk("27m")
    one_line(data.refused("contact", "import", big), "space", "taken back")
    after = contents(data)
    assert after.pop("ledger_change") >= before.pop("ledger_change") and after == before
    assert data.sql("PRAGMA integrity_check")[0][0] == "ok"
    assert [row["undone_at"] is None for row in data.rows("contact", "imports")][:1] == [False]
    small_disk("4g")
    data.ok("doctor")
    data.ok("contact", "import", big)
    assert data.json("segment", "count", "all")["count"] == 60050


@pytest.mark.root
@needs_root
def test_full_disk_while_other_things_are_written(made, data, small_disk):
    """init, theme apply, backup: each says what is missing and leaves nothing half done."""
    folder = small_disk("64k")
    data.dir = os.path.join(folder, "data")
    one_line(data.refused("init"), "space")
    assert not os.listdir(folder)
    small_disk("4m")
    made.init(outbox_channel(), contacts=people(20))
    before = contents(data)
    with open(os.path.join(folder, "fill"), "wb") as fill:
        room = os.statvfs(folder)
        fill.write(b"x" * (room.f_bavail * room.f_frsize - 64 * 1024))
    files = used(folder)
    one_line(data.refused("backup", os.path.join(folder, "copy.db")), "space")
    assert used(folder) == files
    with open(os.path.join(folder, "fill"), "ab") as fill:
        fill.write(b"x" * (os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize))
    one_line(data.refused("theme", "apply", data.write("theme.json", {"name": "other", "title": {"vi": "Khác"}})), "space")
    os.unlink(os.path.join(folder, "fill"))
    assert contents(data) == before
    data.ok("theme", "apply", data.path("theme.json"))


def test_people_s_data_is_for_the_owner_only(ready):
    for path in (ready.database, ready.ok("backup", ready.path("copy.db")) and ready.path("copy.db")):
        assert os.stat(path).st_mode & 0o077 == 0, path


@pytest.mark.parametrize("expression,part", [
    ("not enroled", "did you mean 'enrolled'"), ("ocupation = 'farmer'", "unknown attribute"), ("zzzzzz = 1", "unknown attribute 'zzzzzz'"),
    ("place under '97'", '"97@1997-01-01"')])
def test_segment_errors_help(ready, expression, part):
    ready.ok("place", "import", ready.write("places.csv", "code,name,level,parent,valid_from,valid_to\n97,Tỉnh Lam Giang,province,,1997-01-01,\n"))
    one_line(ready.refused("segment", "count", expression), part)


def test_far_words_are_not_offered(ready):
    message = ready.refused("campaign", "check", ready.write("c.json", {**campaign(steps=[step(channel="outbox")]), "colour": "red"}))
    assert "did you mean" not in message and "known are" in message


def test_what_is_missing_is_called_missing(ready):
    one_line(ready.refused("channel", "apply", ready.write("x.json", {"name": "x"})), "field plugin: is missing")
    one_line(ready.refused("campaign", "apply", ready.write("x.bin", bytes(range(1, 200)))), "x.bin:1")
    assert ready.refused("campaign", "apply", ready.path("x.bin")).isprintable()


def test_copies_of_killed_processes_are_removed_at_the_next_start(ready):
    """They hold people's data."""
    left = [os.path.join(ready.dir, name) for name in ("scratch-999999999-cost.db", "scratch-999999999-rehearsal.db-wal")]
    kept = os.path.join(ready.dir, f"scratch-{os.getpid()}-cost.db")
    for path in [*left, kept]:
        with open(path, "wb") as file:
            file.write(b"people")
    ready.until_idle()
    assert not any(os.path.exists(path) for path in left) and os.path.exists(kept)
