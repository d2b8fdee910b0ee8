"""The fixtures of every black-box test folder; they live in scenario/rig."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenario"))

from rig.fixtures import *  # noqa: E402,F401,F403
