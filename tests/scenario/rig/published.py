"""Published data that lies beside the project and is not part of it: real places, a real trial."""
import os

import pytest

from rig.program import ROOT

FOLDER = os.environ.get("LANTOA_PUBLISHED", os.path.join(ROOT, "..", "shared", "data"))


def published(name):
    """Path of a file; the test that reads it is left out where the data is not there."""
    path = os.path.join(FOLDER, name)
    if not os.path.exists(path):
        pytest.skip(f"{name} is not in {FOLDER}; LANTOA_PUBLISHED may name another folder")
    return path
