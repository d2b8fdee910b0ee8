"""pytest fixtures over the rig. Each ends what it started, by pid."""
import os
import shutil
import tempfile

import pytest

from .build import Campaigns
from .peers import MailServers, NodeServer, Postgres, SmtpSink, Witness
from .program import Data

__all__ = ["scratch", "data", "made", "witness", "witness_with", "smtp_sink_with", "postgres", "mail_servers", "node_server"]


@pytest.fixture
def scratch():
    """A folder of the test's own, readable for the users that servers run as."""
    folder = tempfile.mkdtemp(prefix="lantoa-test-")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def data(scratch):
    made = Data(scratch)
    yield made
    made.end()


@pytest.fixture
def made(data):
    """Builders over `data`: made.init(...), made.contacts(...), made.start(...)."""
    return Campaigns(data)


@pytest.fixture
def witness_with(scratch):
    """witness_with("--delay-ms", "50", name="slow") starts one more witness."""
    started = []

    def start(*args, **options):
        started.append(Witness(scratch, *args, **options))
        return started[-1]

    yield start
    for peer in started:
        peer.end()


@pytest.fixture
def witness(witness_with):
    return witness_with()


@pytest.fixture
def smtp_sink_with():
    started = []

    def start(*args):
        started.append(SmtpSink(*args))
        return started[-1]

    yield start
    for peer in started:
        peer.end()


@pytest.fixture(scope="session")
def postgres():
    peer = Postgres()
    yield peer
    peer.end()


@pytest.fixture
def mail_servers(scratch):
    if os.getuid() != 0:
        pytest.skip("Postfix and Dovecot need root to start")
    os.chmod(scratch, 0o755)
    peer = MailServers(os.path.join(scratch, "mail-servers"))
    yield peer
    peer.end()


@pytest.fixture
def node_server(scratch):
    peer = NodeServer(scratch)
    yield peer
    peer.end()
