"""The systemd unit, started by a real systemd: its filters let the program and its hosts work, readiness and end are told.

A user's manager in a mount namespace of its own. What it cannot do there, or in a container, is left out of the unit: another user, and views of the file system."""
import os
import re
import shutil
import subprocess
import tempfile

import pytest

from rig.build import outbox_channel
from rig.peers import free_port
from rig.prefix import prefix
from rig.program import LANTOA, SLOW

LEFT_OUT = ("User", "Group", "StateDirectory", "StateDirectoryMode", "WorkingDirectory", "EnvironmentFile", "ProtectSystem", "ProtectHome", "ProtectProc",
            "PrivateTmp", "PrivateDevices", "PrivateUsers", "PrivateIPC", "ProtectKernelTunables", "ProtectKernelLogs", "ProtectKernelModules",
            "ProtectControlGroups")
# sd_booted(3) looks for this folder, the manager for a place to talk at. It is asked once a tenth of a second, and ended by its own stop.
SCRIPT = """
set -u
mount -t tmpfs none /run && mkdir -p /run/systemd/system && mkdir -m 700 /run/user0
export XDG_RUNTIME_DIR=/run/user0 XDG_CONFIG_HOME={home}
timeout {seconds} /usr/lib/systemd/systemd --user --unit=lantoa.service >/dev/null 2>&1 &
manager=$!
for _ in $(seq {tries}); do
    [ "$(systemctl --user is-active lantoa)" != active ] || break
    sleep 0.1
done
systemctl --user show lantoa -p ActiveState -p SubState -p MainPID -p NRestarts
main=$(systemctl --user show lantoa -p MainPID --value)
for _ in $(seq {tries}); do
    hosts=$(pgrep -P "$main") && break
    sleep 0.1
done
for pid in $main $hosts; do
    chrt -p "$pid" | head -n 1
    grep -E '^(NoNewPrivs|CapBnd|Seccomp):' "/proc/$pid/status"
done
systemctl --user stop lantoa
systemctl --user show lantoa -p ActiveState -p Result
kill $manager
"""


@pytest.fixture
def short():
    """Sockets have short names."""
    folder = tempfile.mkdtemp(prefix="lantoa-unit-")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.needs("systemctl")
def test_it_runs_under_a_service_manager(data, made, short):
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root and mount namespaces")
    made.init(outbox_channel())
    with open(os.path.join(prefix(), "lib/systemd/system/lantoa.service"), encoding="utf-8") as file:
        unit = file.read()
    unit = re.sub(rf"^({'|'.join(LEFT_OUT)})=.*\n", "", unit, flags=re.M)
    unit = re.sub(r"(?<==)\S*/lantoa --data \S+", f"{LANTOA} --data {data.dir}", unit).replace("127.0.0.1:8080", f"127.0.0.1:{free_port()}")
    assert unit.count(data.dir) == 2 and "SystemCallFilter" in unit
    folder = os.path.join(short, "systemd", "user")
    os.makedirs(folder)
    with open(os.path.join(folder, "lantoa.service"), "w", encoding="utf-8") as file:
        file.write(unit)
    script = SCRIPT.format(home=short, seconds=int(60 * SLOW), tries=int(200 * SLOW))
    done = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, timeout=90 * SLOW, check=False)
    said = done.stdout
    assert "ActiveState=active" in said and "SubState=running" in said and "NRestarts=0" in said, said + done.stderr
    # The program and the host of its one channel, both.
    assert said.count("SCHED_BATCH") == 2 and said.count("Seccomp:\t2") == 2 and said.count("NoNewPrivs:\t1") == 2, said
    assert said.count("CapBnd:\t0000000000000000") == 2, said
    assert "ActiveState=inactive" in said and "Result=success" in said, said
    assert data.rows("channel", "list")[0]["state"] == "ready"
