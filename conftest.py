"""What all tests have in common."""

import os
from pathlib import Path

from hypothesis import settings

from cap_bringup.node_list import process_environment

# Nodes of tests are as those of the system: without the profile, pictures get lost.
os.environ |= process_environment(Path(__file__).parent)
# Another machine of the network, perhaps one with these tests, is not to be heard, nor moved.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ.pop('ROS_STATIC_PEERS', None)

# A machine that stands still for a moment says nothing of an example.
settings.register_profile('any machine', deadline=None)
settings.load_profile('any machine')
