"""Files of a theme are kept as they were; a channel's host runs as the user its file names."""
import hashlib
import os
import pwd

import pytest

from rig.build import campaign, step
from rig.program import eventually
from rig.sms import phones, sms_channel, sms_text

pytestmark = pytest.mark.quick


def test_materials_of_a_theme_are_copied(data):
    data.ok("init")
    data.write("logo.png", b"first")
    path = data.write("t.json", {"name": "t", "title": {"vi": "T"}, "materials": [{"name": "logo", "file": "logo.png"}]})
    data.ok("theme", "apply", path)
    digest = hashlib.sha256(b"first").hexdigest()
    copy = os.path.join(data.dir, "materials", digest)
    data.write("logo.png", b"second")
    with open(copy, "rb") as file:
        assert file.read() == b"first"
    exported = data.write("back.json", data.ok("theme", "export", "t").out)
    assert digest in open(exported, encoding="utf-8").read()
    assert "materials[0].file" in data.refused("theme", "apply", exported), "the hash holds against another file of that name"
    os.unlink(data.path("logo.png"))
    assert not data.json("theme", "apply", exported)["changed"], "the copy stands for a file that is gone"
    gone = data.refused("theme", "apply", data.write("g.json", '{"name": "g", "title": {"vi": "G"},\n "materials": [{"name": "x",\n "file": "none.pdf"}]}'))
    assert "g.json:3: field materials[0].file" in gone, gone


def uids(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(line for line in file if line.startswith("Uid:")).split()[1:]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_host_runs_as_the_user_of_its_channel(data, made):
    """Without access to the data folder: only its own state is its own. (The outbox writes elsewhere, so the SMS plugin is taken.)"""
    made.init(sms_channel(1, user="nobody"), contacts=phones(1))
    made.start(campaign(steps=[step(channel="sms", when={"at": "2026-12-31T08:00"}, content=sms_text("Tin"))]))
    with data.serving() as serve:
        nobody = str(pwd.getpwnam("nobody").pw_uid)

        def users():
            with open(f"/proc/{serve.pid}/task/{serve.pid}/children", encoding="ascii") as file:
                hosts = file.read().split()
            return {uid for host in hosts for uid in uids(host)}

        eventually(lambda: nobody in users(), 20, 0.1, "the host is nobody's")
        assert os.stat(os.path.join(data.dir, "channel", "sms")).st_uid == int(nobody)
        assert os.stat(data.dir).st_mode & 0o077 == 0 and "parked" not in serve.log()
    assert "user" in data.refused("channel", "apply", data.write("r.json", sms_channel(1, name="r", user="root")))
